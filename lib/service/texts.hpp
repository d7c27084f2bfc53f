// Words that more than one supervisor needs.
#pragma once

#include "core/error.hpp"
#include "process/child.hpp"

#include <sys/types.h>
#include <string>
#include <string_view>
#include <vector>

namespace service {

std::string_view trimmed(std::string_view text);
// What a program said last: its errors, or its output where it had none; one line, cut at 300 bytes.
std::string last_words(process::exit_report const& report);
// "process 7", "processes 7 and 8"
std::string processes_text(std::vector<pid_t> const& pids);
// errc::start_failed: a second process next to the one that still lives would corrupt data or write twice.
core::error still_alive(std::string_view service, std::vector<pid_t> const& pids);
// errc::node_ambiguous: the process to stop is not the supervised one.
core::error not_supervised(std::string_view service, pid_t node);

}  // namespace service
