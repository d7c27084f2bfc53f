// What a TiDB Binlog executable says of itself for -V (tidb-binlog:pkg/version/version.go; facts 1.6). Pure.
#pragma once

#include <string>
#include <string_view>

namespace files {

// Terminal colours, as old versions' loggers write them.
std::string without_colours(std::string_view text);

struct printed_version {
  bool labelled = false;  // TiDB Binlog's labels were there
  std::string release;    // "v4.0.14"; empty where it isn't told
  std::string git_hash;   // empty where it isn't told
  // The release, else the hash: some versions know no release.
  [[nodiscard]] std::string const& best() const { return release.empty() ? git_hash : release; }
};
// `text`: what `-V` wrote to both streams; logger prefixes (2.1.7 to 2.1.19 print so, on stderr) are seen through.
printed_version parse_version(std::string_view text);

}  // namespace files
