// The cluster around the node: registry, the other Pumps' own answers, Drainers that would block a start.
#pragma once

#include "binlog/etcd.hpp"
#include "binlog/judge.hpp"
#include "binlog/pump_api.hpp"
#include "drainer.hpp"
#include "node.hpp"
#include "settings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rolling_restart {

class cluster {
 public:
  explicit cluster(settings const& settings);

  // From PD's etcd; with its gateway off from the node's own answer or that of one of the peers.
  core::result<binlog::registry> read();
  // A fresh TSO by way of any Pump that answers; nothing where none does.
  std::optional<binlog::tso> fresh_tso(binlog::registry const& registry);
  // Every Pump but `own_id`, which is left out; looks twice where an entry seems old. Of a Drainer all Pumps are peers,
  // and need no space.
  core::result<binlog::peers_verdict> judge_peers(binlog::registry const& registry, std::string const& own_id);
  // errc::stale_drainer where a dead Drainer would keep a Pump of one of these versions from starting.
  core::result<void> check_drainers(binlog::registry const& registry, std::vector<std::string> const& versions,
                                    std::string const& own_id);
  // Every Pump that is not offline, and how far back it holds its binlogs.
  std::vector<start_facts::holding> held_by_pumps(binlog::registry const& registry);
  // The node's own /status.
  core::result<binlog::pump_status> own_status(core::milliseconds timeout);
  core::result<binlog::drainer_status> own_drainer_status(core::milliseconds timeout);
  binlog::node_client& nodes() { return nodes_; }

 private:
  core::result<binlog::registry> read_through_pumps(core::error const& why_not_etcd);
  std::vector<binlog::peer_view> look_at_peers(binlog::registry const& registry, std::string const& own_id);
  binlog::thresholds limits() const;

  settings const* settings_;
  http::client http_;
  binlog::node_client nodes_;
  binlog::etcd etcd_;
};

}  // namespace rolling_restart
