#include "pd.hpp"

#include <array>
#include <boost/json/serialize.hpp>

#include "binlog/gateway.hpp"
#include "binlog/old_registry.hpp"

namespace wait_synced {
namespace {

// In the order in which PD's versions got them (facts/binlog.md 4.1).
constexpr std::array<std::string_view, 3> prefixes = {"/v3", "/v3beta", "/v3alpha"};

}  // namespace

http::request pd::registry_request() const {
  return {.method = "POST",
          .url = url(turn_) + std::string(prefixes[prefix_]) + "/kv/range",
          .body = core::json::serialize(binlog::gateway::range_request("/tidb-binlog/")),
          .content_type = "application/json"};
}

http::request pd::members_request() const {
  if (!members_missing_) return {.url = url(members_turn_) + "/pd/api/v1/members"};
  return {.method = "POST",
          .url = url(members_turn_) + std::string(prefixes[prefix_]) + "/kv/range",
          .body = core::json::serialize(binlog::gateway::get_request("/pd/cluster_id")),
          .content_type = "application/json"};
}

core::result<binlog::registered_pumps> pd::take_registry(core::result<http::response> const& answer) {
  auto const what = "the registry in PD at " + url(turn_);
  if (!answer) {
    ++turn_;
    return answer.error();
  }
  auto const decoded = binlog::gateway::decode_answer(*answer, what);
  if (decoded.kind == binlog::gateway::answer_kind::no_gateway && prefix_ + 1 < prefixes.size()) {
    ++prefix_;
  } else if (decoded.kind != binlog::gateway::answer_kind::good) {
    prefix_ = 0;
    ++turn_;
  }
  if (decoded.kind != binlog::gateway::answer_kind::good)
    return core::error{core::errc::bad_answer, "cannot use " + what + ": " + decoded.cause};
  TRY_ASSIGN(auto const keys, binlog::gateway::decode_range(decoded.body, what));
  return binlog::decode_registered_pumps(keys);
}

void pd::take_members(core::result<http::response> const& answer) {
  auto const asked_for_key = members_missing_;
  members_missing_ = !asked_for_key && answer && answer->status == 404;
  if (members_missing_) return;
  if (!answer || answer->status != 200) {
    ++members_turn_;
    return;
  }
  if (asked_for_key) {
    auto const decoded = binlog::gateway::decode_answer(*answer, "key /pd/cluster_id");
    auto const keys = binlog::gateway::decode_range(decoded.body, "key /pd/cluster_id");
    if (!keys || keys->size() != 1) return;
    if (auto const id = binlog::decode_kept_cluster_id(keys->front().value)) cluster_id_ = *id;
    return;
  }
  if (auto const id = binlog::decode_cluster_id(answer->body, "PD's members")) cluster_id_ = *id;
}

}  // namespace wait_synced
