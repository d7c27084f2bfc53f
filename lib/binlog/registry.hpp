// The registry of Pumps and Drainers in PD's etcd (/tidb-binlog/v1/{pumps,drainers}/<node id>), read through etcd's
// JSON gateway or, where that is off, through Pumps. Never written here.
#pragma once

#include "binlog/tso.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace binlog {

enum class node_state { online, pausing, paused, closing, offline, unknown };
std::string_view name(node_state state);
node_state state_of(std::string_view name);

// One registry entry: {"nodeId","host","state","maxCommitTS","updateTS",...} (tidb-binlog:pkg/node/node.go).
// isAlive, score and label may be missing and mean nothing.
struct node {
  std::string id;
  std::string host;  // "ip:port", no scheme
  node_state state = node_state::unknown;
  tso max_commit_ts;
  tso update_ts;
  friend bool operator==(node const&, node const&) = default;
};

// errc::bad_answer where a needed field is missing or of another type. `what` names the value in the error.
core::result<node> decode_node(core::json::value const& value, std::string_view what);

struct registry {
  std::vector<node> pumps;  // every entry, offline and long dead ones too
  std::vector<node> drainers;
  std::string source;  // "http://10.0.0.1:2379" or the Pump that answered
  [[nodiscard]] node const* pump(std::string_view id) const;
  [[nodiscard]] node const* drainer(std::string_view id) const;
};

}  // namespace binlog
