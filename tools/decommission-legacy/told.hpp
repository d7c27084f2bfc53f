// What the node's process was told: flags, environment and configuration file of a Pump or Drainer; Java's words and
// properties of Kafka and ZooKeeper.
#pragma once

#include "node.hpp"

#include <string>
#include <vector>

namespace decommission_legacy {

// The same file or directory, links resolved; those that are not there are compared as written.
bool same_path(std::filesystem::path const& a, std::filesystem::path const& b);

binlog::command_values told_by(settings const& settings, process::info const& process);

// Whether its command line or directory names the deploy_dir or data_dir given.
bool belongs_here(settings const& settings, process::info const& process);

// Fills what view holds of it.
void learn(settings const& settings, process::info const& process, node_view& view);

// A Pump's id is the content of <data_dir>/.node, else `given`, else hostname:port; a Drainer has no .node
// (tidb-binlog:pump/node.go, drainer/server.go, branch kafka).
std::vector<std::string> ids_of(settings const& settings, std::vector<std::filesystem::path> const& data_dirs,
                                std::string const& given);

}  // namespace decommission_legacy
