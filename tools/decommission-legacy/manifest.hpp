// What was there before the node was stopped, and how far that went: written before anything is touched, read by the
// next call and by undo. manifest.json, mode 0600: it holds an environment.
#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "process/inspect.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace decommission_legacy {

enum class stage {
  recorded,   // nothing was touched yet
  stopping,   // about to be told to stop
  signalled,  // was told to
  stopped,    // its process was seen to be gone
  retired,    // and all the rest was done
  restoring,  // undo has begun
  restored,   // it runs again
};
std::string_view name(stage stage);

struct recorded_process {
  process::id id;
  std::string exe;
  std::string exe_sha256;
  std::vector<std::string> argv;
  std::string cwd;
  std::vector<std::string> environment;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct recorded_file {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256;  // of small ones
};

struct manifest {
  decommission_legacy::stage stage = decommission_legacy::stage::recorded;
  std::string component;
  std::uint16_t port = 0;
  std::string recorded_at;           // UTC
  std::string node_id;               // Pump, Drainer: as registered; may be empty
  std::vector<std::string> pd_urls;  // where its key is looked for
  std::string unit;                  // empty: none
  std::string unit_file;             // where it was
  bool supervised = false;           // by daemontools
  std::string down_file;             // that was put beside it, or is to be; empty: it was there, or there is none
  std::optional<recorded_process> process;
  std::vector<std::string> data_dirs;
  std::vector<recorded_file> files;   // below the data directories
  bool files_left_out = false;        // there were more
  std::vector<recorded_file> copies;  // of checkpoints, beside the manifest
  std::vector<std::string> start_command;
  core::json::object verified;  // what was seen when it was decided to stop it: the evidence of step `verify`
};

std::filesystem::path manifest_path(std::filesystem::path const& directory);

// Nothing where there is none; errc::journal_damaged where it can't be read.
core::result<std::optional<manifest>> recall(std::filesystem::path const& directory);
core::result<void> remember(std::filesystem::path const& directory, manifest const& manifest);

// From and to the text of the file.
core::result<manifest> decode_manifest(std::string_view text, std::string const& what);
std::string encode(manifest const& manifest);

}  // namespace decommission_legacy
