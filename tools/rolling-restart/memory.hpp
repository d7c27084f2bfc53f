// What one call leaves for the next, beside the manifests in stage_dir:
//   node.json  how the node ran: {"argv","cwd","environment","uid","gid"}, mode 0600
//   last.json  how the last stopped window ended: {"time","action","msg","error","signals"}
//   phase      the name of the phase a call is in
#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "process/inspect.hpp"

#include <sys/types.h>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolling_restart {

struct remembered_node {
  std::vector<std::string> argv;
  std::filesystem::path cwd;
  std::vector<std::string> environment;
  uid_t uid = 0;
  gid_t gid = 0;
};

std::optional<remembered_node> recall_node(std::filesystem::path const& stage_dir);
core::result<void> remember_node(std::filesystem::path const& stage_dir, process::info const& node);

core::result<void> write_phase(std::filesystem::path const& stage_dir, std::string_view phase);

struct last_window {
  std::string time;  // UTC, ISO 8601
  std::string action;
  std::string msg;
  std::string error;  // code, empty where it ended well
  std::vector<std::string> signals;
};
core::result<void> write_last(std::filesystem::path const& stage_dir, last_window const& last);
// Nothing where there is none, or where it ended well and undisturbed.
std::optional<last_window> troubled_last(std::filesystem::path const& stage_dir);

}  // namespace rolling_restart
