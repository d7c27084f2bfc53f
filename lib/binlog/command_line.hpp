// What a Pump or Drainer of any version was told when it was started (tidb-binlog:pump/config.go, drainer/config.go).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace binlog {

enum class program { pump, drainer };

// Values by the name of the flag. Flags (Go's syntax: -name, --name, =value or the next word) win over the environment
// (PUMP_<FLAG>, BINLOG_SERVER_<FLAG>), and that over the TOML file that `config` names, from `cwd`. Values are as they
// were written.
using command_values = std::map<std::string, std::string, std::less<>>;
command_values values_of_command(std::vector<std::string> const& argv, std::vector<std::string> const& environment,
                                 std::filesystem::path const& cwd, binlog::program program);

}  // namespace binlog
