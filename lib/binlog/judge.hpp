// Verdicts about other nodes, from what was read of them. Pure: nothing here asks anybody.
#pragma once

#include "binlog/registry.hpp"
#include "binlog/version.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace binlog {

// Everything known about another Pump.
struct peer_view {
  node entry;                                // its registry entry
  bool answers = false;                      // its own HTTP port answered
  std::string answer_error = {};             // why it did not, or why its answer is of no use
  std::optional<node_state> own_state = {};  // of its entry in its own /status
  std::optional<double> available_bytes = {};
  tso now = {};  // a fresh TSO, taken no earlier than the entry was read
  std::optional<tso> earlier_update_ts =
      {};  // update_ts of the same entry in an earlier sample, >= one heartbeat before
};

struct thresholds {
  core::milliseconds heartbeat{2000};  // the Pumps' heartbeat-interval, default 2 s
  // Below its storage.stop-write-at-available-space (default 10 GiB) a Pump stays online and refuses TiDB's writes.
  double min_available_bytes = 10.0 * 1024 * 1024 * 1024;
  bool space_must_be_known = true;  // the gauge exists in every cluster version (since 2.1.0-rc.5)

  // An entry older than this has not been refreshed.
  [[nodiscard]] core::milliseconds max_age() const { return std::max(5 * heartbeat, core::milliseconds(15000)); }
};

// Why this Pump can't be trusted to take the writes of another; a sentence for people each, empty when it can.
std::vector<std::string> reasons_peer_not_ready(peer_view const& view, thresholds const& limits = {});

struct peers_verdict {
  std::vector<std::string> online;   // ids of the other Pumps that are ready
  std::vector<std::string> reasons;  // empty: go on
  [[nodiscard]] bool ready() const { return reasons.empty(); }
  // errc::peers_not_ready with all reasons in one sentence. Only when not ready().
  [[nodiscard]] core::error error() const;
};

// Every Pump of the registry other than `own_id`, not `offline` and not in `except` must be ready, and at least
// `min_online` of them (those in `except` count where they are ready). `views` are matched by entry.id; a Pump nobody
// looked at is not ready. Two live entries with one host are a reason too: one of them is a leftover.
peers_verdict judge_peers(registry const& registry, std::vector<peer_view> const& views, std::string const& own_id,
                          std::size_t min_online, std::set<std::string> const& except, thresholds const& limits = {});

// Drainers `online` in the registry whose own HTTP does not answer. `answers` in the order of `drainers`; those that
// are not online need none (any value will do).
struct stale_drainer {
  node entry;
  std::string cause;
};
std::vector<stale_drainer> stale_drainers(std::vector<node> const& drainers,
                                          std::vector<core::result<void>> const& answers);

// Whether such a Drainer would keep a Pump of this version from starting. `before`: the Pump's registry entry before
// the start, nothing where there is none (facts: a Pump that was offline or absent notifies in every version).
bool stale_drainer_blocks_start(version const& pump, std::optional<node_state> before);

// errc::stale_drainer naming them and the way out.
core::error stale_drainers_error(std::vector<stale_drainer> const& stale);

}  // namespace binlog
