#include "binlog/drainer_answers.hpp"

#include <algorithm>

#include "binlog/pump_api.hpp"

namespace binlog {
namespace {

using core::json::object;
using core::json::value;

core::error bad(std::string_view what, std::string const& cause) {
  return {core::errc::bad_answer, "cannot use " + std::string(what) + ": " + cause};
}

std::string shown(std::string_view text) {
  std::string clean;
  for (char const c : text.substr(0, 200)) clean += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  return clean;
}

// Numbers only: etcd's strings of digits are nobody's here.
std::optional<tso> tso_in(value const& holder, std::string_view name) {
  auto const* found = core::member(holder, name);
  if (found == nullptr || !found->is_int64() || found->get_int64() < 0) return std::nullopt;
  return tso{found->get_int64()};
}

bool is_whole(value const* number) { return number == nullptr || number->is_int64() || number->is_uint64(); }

// {"suffix":N,"offset":N}; zero fields are left out.
bool is_position(value const& position) {
  return position.is_object() && is_whole(core::member(position, "suffix")) &&
         is_whole(core::member(position, "offset"));
}

bool has_suffix(value const& position) { return core::member(position, "suffix") != nullptr; }

core::result<void> read_window(value const& root, drainer_answer& answer, std::string_view what) {
  auto const* window = core::member(root, "DepositWindow");
  auto const upper = tso_in(*window, "Upper");
  auto const lower = tso_in(*window, "Lower");
  if (!upper || !lower) return bad(what, "its DepositWindow is not of two TSOs");
  answer.upper = *upper;
  answer.lower = *lower;
  answer.kind = drainer_kind::kafka;
  return {};
}

core::result<void> read_positions(value const& positions, drainer_answer& answer, std::string_view what) {
  if (positions.is_null()) return {};
  if (!positions.is_object()) return bad(what, "its PumpPos is no object");
  answer.pumps.emplace();
  for (auto const& [id, position] : positions.get_object()) {
    auto const good = is_old(answer.kind) ? is_position(position) : position.is_int64() && position.get_int64() >= 0;
    if (!good) return bad(what, "the position of Pump " + shown(id) + " is none");
    answer.pumps->emplace_back(id);
  }
  return {};
}

bool looks_local(value const& root, value const& positions) {
  if (core::member(root, "TsMap") != nullptr || !positions.is_object()) return false;
  auto const& all = positions.get_object();
  return std::any_of(all.begin(), all.end(), [](auto const& pair) { return has_suffix(pair.value()); });
}

core::result<std::vector<node>> decode_nodes(object const& all, std::string_view what) {
  std::vector<node> nodes;
  for (auto const& [id, entry] : all) {
    TRY_ASSIGN(auto decoded, decode_node(entry, std::string(what) + ", node " + shown(id)));
    if (decoded.id != std::string_view(id)) return bad(what, "it lists node " + shown(decoded.id) + " as " + shown(id));
    nodes.push_back(std::move(decoded));
  }
  return nodes;
}

}  // namespace

std::string_view name(drainer_kind kind) {
  return kind == drainer_kind::cluster ? "cluster" : kind == drainer_kind::kafka ? "kafka" : "local";
}

core::result<drainer_answer> decode_drainer(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  if (!root.is_object()) return bad(what, root.is_null() ? "it is null: just started" : "it is no JSON object");
  auto const old = core::member(root, "DepositWindow") != nullptr;
  auto const cluster = core::member(root, "LastTS") != nullptr;
  if (old == cluster) return bad(what, old ? "it has both DepositWindow and LastTS" : "it is not of a Drainer");
  auto const synced = core::bool_member(root, "Synced");
  auto const* positions = core::member(root, "PumpPos");
  auto const* ts_map = core::member(root, "TsMap");
  if (!synced) return bad(what, "it has no Synced");
  if (positions == nullptr) return bad(what, "it has no PumpPos");
  if (ts_map != nullptr && !ts_map->is_string()) return bad(what, "its TsMap is no text");

  drainer_answer answer;
  answer.synced = *synced;
  if (old) {
    TRY(read_window(root, answer, what));
    if (looks_local(root, *positions)) answer.kind = drainer_kind::local;
  } else {
    auto const last_ts = tso_in(root, "LastTS");
    if (!last_ts) return bad(what, "its LastTS is no TSO");
    answer.last_ts = *last_ts;
  }
  TRY(read_positions(*positions, answer, what));
  return answer;
}

core::result<drainer_metrics> decode_drainer_metrics(std::string_view text, std::string_view what) {
  auto const queues = metrics(text, "binlog_drainer_queue_size", "name");
  auto const events = metrics(text, "binlog_drainer_event", "type");
  auto const positions = metrics(text, "binlog_drainer_position", "");
  if (!queues || !events || !positions) return bad(what, "one of its numbers is none");
  drainer_metrics read;
  bool input_seen = false;
  for (auto const& [queue, size] : *queues) {
    if (size < 0) return bad(what, "a queue has a negative size");
    input_seen = input_seen || queue == "syncer_input";
    read.queued += size;
  }
  if (!input_seen) return bad(what, "it has no binlog_drainer_queue_size{name=\"syncer_input\"}");
  for (auto const& [type, count] : *events)
    if (type == "Insert" || type == "Update" || type == "Delete" || type == "DDL") read.events += count;
  constexpr double most = 9.0e18;
  if (positions->size() > 1) return bad(what, "it has several positions");
  if (positions->size() == 1) {
    auto const position = positions->front().second;
    if (position < 0 || position > most) return bad(what, "its position is no TSO");
    // A gauge never set is exported as 0.
    if (position > 0) read.position = static_cast<std::int64_t>(position);
  }
  return read;
}

bool has_not_looked_yet(std::string_view metrics_text) {
  // The position is shown from the start, the window from the first look on; the cluster version has neither.
  auto const positions = metrics(metrics_text, "binlog_drainer_position", "");
  auto const window = metrics(metrics_text, "binlog_drainer_window", "marker");
  return positions && !positions->empty() && (!window || window->empty());
}

core::result<pump_answer> decode_pump(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  auto const* latest = core::member(root, "LatestBinlog");
  auto const* status = core::member(root, "status");
  if ((latest == nullptr) == (status == nullptr)) return bad(what, "it is not of a Pump");
  auto const cause = core::string_member(root, "ErrMsg");
  if (!cause) return bad(what, "it has no ErrMsg");
  if (!cause->empty()) return bad(what, "the Pump can't read PD: " + shown(*cause));
  auto const commit_ts = tso_in(root, "CommitTS");
  if (!commit_ts || commit_ts->empty()) return bad(what, "its CommitTS is no TSO");
  auto const* all = latest != nullptr ? latest : status;
  if (!all->is_object()) return bad(what, "it lists no Pumps");

  pump_answer answer;
  answer.commit_ts = *commit_ts;
  answer.old = latest != nullptr;
  if (answer.old) {
    for (auto const& each : all->get_object()) answer.old_ids.emplace_back(each.key());
  } else {
    TRY_ASSIGN(answer.nodes, decode_nodes(all->get_object(), what));
  }
  return answer;
}

core::result<pump_writes> decode_pump_writes(std::string_view text, std::string_view what) {
  auto const calls = metrics(text, "binlog_pump_rpc_duration_seconds_count", "method");
  auto const lost = metrics(text, "binlog_pump_loss_binlog_count", "");
  if (!calls || !lost) return bad(what, "one of its numbers is none");
  // The counter of calls appears with the first call; that of losses is there from the start.
  if (calls->empty() && lost->empty()) return bad(what, "it is not of an old Pump");
  pump_writes read;
  for (auto const& [method, count] : *calls)
    if (method == "WriteBinlog") read.calls += count;
  for (auto const& each : *lost) read.lost += each.second;
  return read;
}

core::result<double> decode_taken_binlogs(std::string_view text, std::string_view what) {
  constexpr auto single = R"(type="single")";
  auto const all = metric(text, "binlog_pump_storage_write_binlog_size_count", {single});
  auto const small = metric(text, "binlog_pump_storage_write_binlog_size_bucket", {single, R"(le="32")"});
  if (all && small && *small <= *all) return *all - *small;
  // A family with labels is not shown before its first sample, which a Pump's first fake is.
  if (!all && !small && metric(text, "binlog_pump_storage_max_commit_ts")) return 0.0;
  return bad(what, "it does not tell how many binlogs it took");
}

core::result<std::vector<tidb_server>> decode_tidb_servers(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  auto const* all = core::member(root, "all_servers_info");
  if (all == nullptr || !all->is_object() || all->get_object().empty()) return bad(what, "it lists no TiDB servers");
  std::vector<tidb_server> servers;
  for (auto const& [id, info] : all->get_object()) {
    auto const ip = core::string_member(info, "ip");
    auto const* port = core::member(info, "status_port");
    if (!ip || port == nullptr || !port->is_int64()) return bad(what, "server " + shown(id) + " has no address");
    auto const* status = core::member(info, "binlog_status");
    if (status != nullptr && !status->is_string()) return bad(what, "server " + shown(id) + " has no readable state");
    servers.push_back({*ip + ":" + std::to_string(port->get_int64()),
                       status != nullptr ? std::string(status->get_string()) : std::string()});
  }
  return servers;
}

core::result<std::string> decode_tidb_socket(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  auto const* settings = core::member(root, "binlog");
  if (settings == nullptr) settings = &root;  // 1.0
  auto const socket = core::string_member(*settings, "binlog-socket");
  if (!socket) return bad(what, "it has no binlog-socket");
  return core::bool_member(*settings, "enable").value_or(true) ? *socket : std::string();
}

core::result<registered_pumps> decode_registered_pumps(std::vector<key_value> const& keys) {
  constexpr std::string_view cluster_prefix = "/tidb-binlog/v1/pumps/";
  constexpr std::string_view old_prefix = "/tidb-binlog/pumps/";
  constexpr std::string_view old_suffix = "/object";
  registered_pumps found;
  for (auto const& [key, text, create, mod, lease] : keys) {
    if (key.starts_with(cluster_prefix)) {
      TRY_ASSIGN(auto const parsed, core::parse_json(text, "key " + key));
      TRY_ASSIGN(auto entry, decode_node(parsed, "key " + key));
      found.cluster.push_back(std::move(entry));
    } else if (key.starts_with(old_prefix) && key.ends_with(old_suffix)) {
      TRY_ASSIGN(auto const parsed, core::parse_json(text, "key " + key));
      auto id = core::string_member(parsed, "NodeID");
      if (!id || id->empty()) return bad("key " + key, "it has no NodeID");
      // Local has no IsOffline: a Pump that stops there deletes its keys.
      auto const offline = core::bool_member(parsed, "IsOffline").value_or(false);
      auto const offline_ts = tso_in(parsed, "OfflineTS").value_or(tso{});
      if (offline && offline_ts.empty()) return bad("key " + key, "it is offline since no time");
      found.old.push_back({std::move(*id), offline ? offline_ts : tso{}});
    }
  }
  return found;
}

core::result<std::uint64_t> decode_cluster_id(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  auto const* header = core::member(root, "header");
  auto const* id = header != nullptr ? core::member(*header, "cluster_id") : nullptr;
  if (id != nullptr && id->is_uint64()) return id->get_uint64();
  if (id == nullptr || !id->is_int64() || id->get_int64() <= 0) return bad(what, "it has no cluster_id");
  return static_cast<std::uint64_t>(id->get_int64());
}

}  // namespace binlog
