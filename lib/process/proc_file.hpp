// Reading below /proc: one process's files and links.
#pragma once

#include "core/error.hpp"
#include "process/proc_text.hpp"

#include <string>
#include <string_view>

namespace process {

std::string proc_path(pid_t pid, std::string_view name);
// errno of the failure is lost on purpose: "no such process" and "not permitted" are told apart by what says so.
core::result<std::string> read_proc(std::string const& path);

struct link {
  std::string target;
  int error = 0;  // errno, 0 when read
};
link read_link(std::string const& path);

std::optional<stat_line> stat_of(pid_t pid);  // nothing when there is no such process

}  // namespace process
