// What speaks against stopping or bringing back a node, and what is left to do. Pure.
#pragma once

#include "manifest.hpp"
#include "settings.hpp"
#include "snapshot.hpp"

#include <string>
#include <vector>

namespace decommission_legacy {

// Everything that speaks against it, the weightiest first; empty: it may be done. `used`: what was accepted and
// mattered.
std::vector<core::error> reasons_not_to_stop(settings const& settings, snapshot const& seen,
                                             std::vector<std::string>& used);
// The same of what takes time to see: that old Pumps and the old Drainer stand still, and who uses a Kafka or
// ZooKeeper.
std::vector<core::error> reasons_on_a_closer_look(settings const& settings, snapshot const& seen,
                                                  std::vector<std::string>& used);
std::vector<core::error> reasons_not_to_undo(settings const& settings, snapshot const& seen);

// For the step `verify`.
core::json::object evidence_of(settings const& settings, snapshot const& seen);

// The node's own entries in the old registry: of its id, or else of its port on this host.
std::vector<binlog::old_node> own_entries(settings const& settings, snapshot const& seen);

// How a call to stop begins, by what is written down and what runs.
enum class beginning {
  afresh,  // verify, then everything
  go_on,   // it was told to stop by an earlier call, and has not ended yet
  finish,  // it has ended; the rest is left, or everything is done
};
beginning begin(std::optional<manifest> const& written, node_view const& node);

enum class step { verify, record, hold, stop, deregistered, mask, settled, unmask, start, proven };
std::string_view name(step step);
// The steps of an action, in order.
std::vector<step> steps_of(settings const& settings);

}  // namespace decommission_legacy
