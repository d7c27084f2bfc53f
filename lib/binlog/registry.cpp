#include "binlog/registry.hpp"

namespace binlog {
namespace {

struct state_row {
  node_state state;
  std::string_view name;
};

constexpr state_row state_table[] = {
    {node_state::online, "online"},   {node_state::pausing, "pausing"}, {node_state::paused, "paused"},
    {node_state::closing, "closing"}, {node_state::offline, "offline"}, {node_state::unknown, "unknown"},
};

// TSOs are positive; 0 stands for none.
std::optional<tso> tso_member(core::json::value const& object, std::string_view name) {
  auto const number = core::integer_member(object, name);
  if (!number || *number < 0) return std::nullopt;
  return tso{*number};
}

}  // namespace

std::string_view name(node_state state) {
  for (auto const& row : state_table)
    if (row.state == state) return row.name;
  return "unknown";
}

node_state state_of(std::string_view name) {
  for (auto const& row : state_table)
    if (row.name == name) return row.state;
  return node_state::unknown;
}

core::result<node> decode_node(core::json::value const& value, std::string_view what) {
  auto const bad = [&](std::string const& cause) {
    return core::error{core::errc::bad_answer, "cannot decode " + std::string(what) + ": " + cause};
  };
  if (!value.is_object()) return bad("it is no JSON object");
  auto const id = core::string_member(value, "nodeId");
  auto const host = core::string_member(value, "host");
  auto const state = core::string_member(value, "state");
  auto const max_commit_ts = tso_member(value, "maxCommitTS");
  auto const update_ts = tso_member(value, "updateTS");
  if (!id || id->empty()) return bad("it has no nodeId");
  if (!host || host->empty()) return bad("it has no host");
  if (!state || state->empty()) return bad("it has no state");
  if (!max_commit_ts) return bad("its maxCommitTS is no TSO");
  if (!update_ts) return bad("its updateTS is no TSO");
  return node{*id, *host, state_of(*state), *max_commit_ts, *update_ts};
}

namespace {

node const* find(std::vector<node> const& nodes, std::string_view id) {
  for (auto const& entry : nodes)
    if (entry.id == id) return &entry;
  return nullptr;
}

}  // namespace

node const* registry::pump(std::string_view id) const { return find(pumps, id); }

node const* registry::drainer(std::string_view id) const { return find(drainers, id); }

}  // namespace binlog
