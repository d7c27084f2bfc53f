// Writes down what is there: files below the data directories, copies of a Drainer's checkpoints, how the process runs.
#pragma once

#include "manifest.hpp"
#include "node.hpp"

namespace decommission_legacy {

// Makes the manifest's directory, copies checkpoints into it, and returns the manifest, not yet remembered.
core::result<manifest> record(settings const& settings, node_view const& node, std::string const& node_id);

// A Drainer's checkpoint by its name: savepoint (Kafka version), savePoint (Local), and what else calls itself one.
bool is_checkpoint(std::string_view file_name);

}  // namespace decommission_legacy
