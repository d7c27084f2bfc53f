// What a Pump or Drainer binary says of itself (facts: -V, -help, and the refusal of a stray word). Pure.
#pragma once

#include "copy-binary/request.hpp"
#include "core/error.hpp"

#include <string>
#include <string_view>

namespace copy_binary {

// Terminal colours, as old versions' loggers write them.
std::string without_colours(std::string_view text);

struct printed_version {
  bool labelled = false;  // TiDB Binlog's labels were there
  std::string release;    // "v4.0.14"; empty where it isn't told
  std::string git_hash;   // empty where it isn't told
  // The release, else the hash: some versions know no release.
  [[nodiscard]] std::string const& best() const { return release.empty() ? git_hash : release; }
};
// `text`: what `-V` wrote to both streams.
printed_version parse_version(std::string_view text);

// The component that the text of `-help` is for; any where it is neither.
component component_in_help(std::string_view text);

// Whether the end of `BIN -config FILE probe` means that FILE was accepted: errc::config_rejected in the binary's own
// words otherwise.
core::result<void> judge_probe(int exit_code, std::string_view text, fs::path const& config);

}  // namespace copy_binary
