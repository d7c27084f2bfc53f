// Answers of Pumps and Drainers, from bytes. Every shape but the one promised is errc::bad_answer.
#include "binlog/pump_api.hpp"

namespace binlog {
namespace {

core::error bad(std::string_view what, std::string const& cause, std::string hint = {}) {
  return {core::errc::bad_answer, "cannot use " + std::string(what) + ": " + cause, std::move(hint)};
}

// Foreign text on its way into a sentence.
std::string shown(std::string_view text) {
  std::string clean;
  for (char const c : text.substr(0, 200)) clean += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  return clean;
}

constexpr std::string_view old_version =
    "the Kafka or Local version of TiDB Binlog serves there; decommission-legacy and wait-synced know it";

}  // namespace

core::result<pump_status> decode_pump_status(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  if (!root.is_object()) return bad(what, "it is no JSON object");
  if (core::member(root, "LatestBinlog") != nullptr)
    return bad(what, "it is not of a cluster-version Pump", std::string(old_version));
  auto const error_text = core::string_member(root, "ErrMsg");
  if (!error_text) return bad(what, "it has no ErrMsg");
  if (!error_text->empty())
    return bad(what, "the Pump can't read PD: " + shown(*error_text), "check that PD has a leader and is reachable");
  auto const* status = core::member(root, "status");
  if (status == nullptr || !status->is_object()) return bad(what, "it lists no nodes");
  auto const commit_ts = core::integer_member(root, "CommitTS");
  if (!commit_ts || *commit_ts <= 0) return bad(what, "its CommitTS is no TSO");

  pump_status decoded;
  decoded.commit_ts = tso{*commit_ts};
  for (auto const& [id, value] : status->get_object()) {
    TRY_ASSIGN(auto entry, decode_node(value, std::string(what) + ", node " + shown(id)));
    if (entry.id != std::string_view(id))
      return bad(what, "it lists node " + shown(entry.id) + " under the id " + shown(id));
    decoded.nodes.push_back(std::move(entry));
  }
  return decoded;
}

core::result<drainer_status> decode_drainer_status(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  if (!root.is_object()) return bad(what, "it is no JSON object");
  if (core::member(root, "DepositWindow") != nullptr)
    return bad(what, "it is not of a cluster-version Drainer", std::string(old_version));
  auto const synced = core::bool_member(root, "Synced");
  auto const last_ts = core::integer_member(root, "LastTS");
  auto const* positions = core::member(root, "PumpPos");
  if (!synced) return bad(what, "it has no Synced");
  if (!last_ts || *last_ts < 0) return bad(what, "its LastTS is no TSO");
  if (positions == nullptr || (!positions->is_null() && !positions->is_object())) return bad(what, "it has no PumpPos");

  drainer_status decoded;
  decoded.synced = *synced;
  decoded.last_ts = tso{*last_ts};
  if (positions->is_null()) return decoded;
  decoded.pump_positions.emplace();
  for (auto const& [id, value] : positions->get_object()) {
    if (!value.is_int64() || value.get_int64() < 0)
      return bad(what, "the position of Pump " + shown(id) + " is no TSO");
    decoded.pump_positions->emplace(id, tso{value.get_int64()});
  }
  return decoded;
}

core::result<std::optional<std::vector<node>>> decode_drainers(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  std::optional<std::vector<node>> decoded;
  if (root.is_null()) return decoded;
  if (!root.is_array()) return bad(what, "it is no list of nodes");
  decoded.emplace();
  for (auto const& value : root.get_array()) {
    TRY_ASSIGN(auto entry, decode_node(value, std::string(what) + ", entry " + std::to_string(decoded->size())));
    decoded->push_back(std::move(entry));
  }
  return decoded;
}

core::result<void> decode_state_answer(std::string_view body, std::string_view what) {
  TRY_ASSIGN(auto const root, core::parse_json(body, what));
  auto const code = core::integer_member(root, "code");
  if (!code) return bad(what, "it has no code");
  if (*code == 200) return {};
  return bad(what, "the node refused: " + shown(core::string_member(root, "message").value_or("no reason given")) +
                       " (code " + std::to_string(*code) + ")");
}

}  // namespace binlog
