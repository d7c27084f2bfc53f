// Who uses a Kafka or ZooKeeper: connections from /proc, everything else from Kafka's own scripts.
#pragma once

#include "snapshot.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace decommission_legacy {

snapshot::usage users_of(settings const& settings, node_view const& node, std::set<std::string> const& local);

// What `zookeeper-shell.sh ADDRESS ls PATH` prints, after much else: the children, "[a, b]"; nothing where there is no
// such line.
std::optional<std::vector<std::string>> children_in(std::string_view output);

// A line each, as kafka-topics.sh and kafka-consumer-groups.sh --list print them; empty ones and notes left out.
std::vector<std::string> lines_in(std::string_view output);

}  // namespace decommission_legacy
