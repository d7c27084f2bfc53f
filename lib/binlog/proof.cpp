#include "binlog/proof.hpp"

namespace binlog {
namespace {

using core::json::value;

core::error bad(std::string_view what, std::string const& cause) {
  return {core::errc::no_proof, "cannot use the proof " + std::string(what) + ": " + cause,
          "run wait-synced with evidence_file"};
}

std::optional<tso> tso_of(value const& object, std::string_view name) {
  auto const number = core::integer_member(object, name);
  if (!number || *number <= 0) return std::nullopt;
  return tso{*number};
}

std::optional<std::uint64_t> unsigned_of(value const* number) {
  if (number != nullptr && number->is_uint64()) return number->get_uint64();
  if (number != nullptr && number->is_int64() && number->get_int64() > 0)
    return static_cast<std::uint64_t>(number->get_int64());
  return std::nullopt;
}

core::json::array const* array_of(value const& object, std::string_view name) {
  auto const* found = core::member(object, name);
  return found != nullptr ? found->if_array() : nullptr;
}

core::result<proof::drainer> decode_drainer_proof(value const& entry, std::string_view what) {
  proof::drainer d;
  auto const url = core::string_member(entry, "url");
  auto const verdict = core::string_member(entry, "verdict");
  auto const* evidence = array_of(entry, "evidence");
  if (!url || url->empty() || !verdict || evidence == nullptr) return bad(what, "an entry of drainers is incomplete");
  d.url = *url;
  d.verdict = *verdict;
  auto const kind = core::string_member(entry, "kind");
  for (auto const known : {drainer_kind::cluster, drainer_kind::kafka, drainer_kind::local})
    if (kind == name(known)) d.kind = known;
  for (auto const& each : *evidence) {
    auto const label = core::string_member(each, "name");
    auto const required = core::bool_member(each, "required");
    auto const held = core::bool_member(each, "held");
    if (!label || !required || !held) return bad(what, "a piece of evidence is incomplete");
    if (*required && !*held) d.lacking.push_back(*label);
    auto const* seen = core::member(each, "value");
    if (*label != "pumps_complete" || seen == nullptr) continue;
    if (auto const* pumps = array_of(*seen, "seen"))
      for (auto const& id : *pumps)
        if (id.is_string()) d.pumps.emplace(id.get_string());
  }
  return d;
}

}  // namespace

std::string proof::gap() const {
  if (!synced) return "it does not say synced";
  for (auto const& d : drainers) {
    if (d.verdict != "synced") return "Drainer " + d.url + " was " + d.verdict;
    if (!d.lacking.empty()) return "Drainer " + d.url + " lacked " + d.lacking.front();
  }
  return {};
}

core::result<proof> decode_proof(std::string_view text, std::string_view what) {
  auto const root = core::parse_json(text, what);
  if (!root || !root->is_object()) return bad(what, "it is no JSON object");
  if (core::integer_member(*root, "format") != 1) return bad(what, "it is not of format 1");
  auto const synced = core::bool_member(*root, "synced");
  auto const since = tso_of(*root, "since");
  auto const taken = tso_of(*root, "taken_ts");
  auto const* drainers = array_of(*root, "drainers");
  if (!synced || drainers == nullptr || drainers->empty()) return bad(what, "synced or drainers are missing");
  if (*synced && (!since || !taken)) return bad(what, "since or taken_ts is no TSO");
  proof p;
  p.synced = *synced;
  p.since = since.value_or(tso{});
  p.taken = taken.value_or(tso{});
  p.cluster_id = unsigned_of(core::member(*root, "cluster_id"));
  p.barrier = tso_of(*root, "barrier");
  if (auto const* accepted = array_of(*root, "accepted"))
    for (auto const& each : *accepted)
      if (each.is_string()) p.accepted.emplace_back(each.get_string());
  for (auto const& entry : *drainers) {
    TRY_ASSIGN(auto d, decode_drainer_proof(entry, what));
    p.drainers.push_back(std::move(d));
  }
  return p;
}

}  // namespace binlog
