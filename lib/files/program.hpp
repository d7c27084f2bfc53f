// What a TiDB Binlog executable says of itself for -V (tidb-binlog:pkg/version/version.go; facts 1.6).
#pragma once

#include <string>
#include <string_view>

namespace files {

struct program_version {
  std::string release;    // "v4.0.14"; the git hash where there is no usable release; empty where there is neither
  bool labelled = false;  // it printed TiDB Binlog's labels at all
};

// `output`: stdout and stderr together. Colours and logger prefixes (2.1.7 to 2.1.19 print so, on stderr) are seen
// through.
program_version parse_version(std::string_view output);

}  // namespace files
