#include "binlog/etcd.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

#include "binlog/gateway.hpp"

namespace binlog {
namespace {

// In the order in which PD's versions got them (facts/binlog.md 4.1).
constexpr std::array<std::string_view, 3> prefixes = {"/v3", "/v3beta", "/v3alpha"};

// Puts what answered last first.
template <class List, class Value>
std::vector<std::string> last_first(List const& list, Value const& last) {
  std::vector<std::string> ordered(list.begin(), list.end());
  auto const at = std::find(ordered.begin(), ordered.end(), last);
  if (at != ordered.end()) std::rotate(ordered.begin(), at, at + 1);
  return ordered;
}

}  // namespace

etcd::etcd(http::client& client, std::vector<std::string> urls, core::milliseconds timeout)
    : client_(&client), urls_(std::move(urls)), timeout_(timeout) {
  for (auto& url : urls_)
    while (url.ends_with('/')) url.pop_back();
}

core::result<core::json::value> etcd::call(std::string_view path, core::json::object const& body) {
  auto const text = core::json::serialize(body);
  auto const what = "etcd's " + std::string(path);
  core::error failure{core::errc::network_failure, "cannot reach etcd: no PD is known", "give pd_urls"};
  bool gateway_off = false;
  bool gateway_fails = false;
  for (auto const& url : last_first(urls_, last_url_)) {
    for (auto const& prefix : last_first(prefixes, prefix_)) {
      auto const answer = client_->send({.method = "POST",
                                         .url = url + prefix + std::string(path),
                                         .body = text,
                                         .content_type = "application/json",
                                         .timeout = timeout_});
      if (!answer) {
        failure = answer.error();
        // Wrong on this side: the other PDs would be asked in vain.
        if (failure.code == core::errc::usage) return failure;
        break;
      }
      auto decoded = gateway::decode_answer(*answer, what);
      if (decoded.kind == gateway::answer_kind::no_gateway) {
        gateway_off = true;
        continue;
      }
      if (decoded.kind == gateway::answer_kind::unavailable) {
        gateway_fails = true;
        failure = {core::errc::bad_answer, "cannot use etcd at " + url + ": " + decoded.cause,
                   "check that PD is up and has a leader"};
        break;
      }
      last_url_ = url;
      prefix_ = prefix;
      if (decoded.kind == gateway::answer_kind::good) return std::move(decoded.body);
      // 5: not found. The gateway says so of leases only; a missing key is an empty range.
      return core::error{decoded.grpc_code == 5 ? core::errc::lock_lost : core::errc::bad_answer,
                         "cannot use etcd at " + url + ": " + decoded.cause};
    }
  }
  if (gateway_off && !gateway_fails)
    return core::error{
        core::errc::lock_unavailable, "cannot use etcd: PD's JSON gateway is off (HTTP status 404)",
        "start PD with enable-grpc-gateway=true (PD 2.1.19 and 3.0.0 have none), and check that pd_urls name PD"};
  return failure;
}

core::result<std::vector<key_value>> etcd::range(std::string_view prefix) {
  TRY_ASSIGN(auto const body, call("/kv/range", gateway::range_request(prefix)));
  return gateway::decode_range(body, "etcd's keys under " + std::string(prefix));
}

core::result<std::optional<key_value>> etcd::get(std::string_view key) {
  TRY_ASSIGN(auto const body, call("/kv/range", gateway::get_request(key)));
  TRY_ASSIGN(auto found, gateway::decode_range(body, "etcd's key " + std::string(key)));
  std::optional<key_value> one;
  if (found.size() > 1 || (found.size() == 1 && found.front().key != key))
    return core::error{core::errc::bad_answer, "cannot use etcd's key " + std::string(key) + ": other keys came back"};
  if (found.size() == 1) one = std::move(found.front());
  return one;
}

core::result<std::int64_t> etcd::grant_lease(std::chrono::seconds ttl) {
  TRY_ASSIGN(auto const body, call("/lease/grant", {{"TTL", ttl.count()}}));
  return gateway::decode_grant(body, "etcd's new lease");
}

core::result<std::chrono::seconds> etcd::keep_alive(std::int64_t lease) {
  TRY_ASSIGN(auto const body, call("/lease/keepalive", {{"ID", std::to_string(lease)}}));
  return gateway::decode_keep_alive(body, "etcd's answer to a renewed lease");
}

core::result<void> etcd::revoke(std::int64_t lease) {
  core::json::object const request = {{"ID", std::to_string(lease)}};
  auto answer = call("/lease/revoke", request);
  // Before etcd 3.3 it lived elsewhere; a 404 page then, as for a gateway that is off.
  if (!answer && answer.error().code == core::errc::lock_unavailable) answer = call("/kv/lease/revoke", request);
  if (!answer && answer.error().code != core::errc::lock_lost) return answer.error();
  return {};  // revoked, or gone already
}

core::result<bool> etcd::create(std::string_view key, std::string_view value, std::int64_t lease) {
  TRY_ASSIGN(auto const body, call("/kv/txn", gateway::create_request(key, value, lease)));
  return gateway::decode_create(body, "etcd's answer to a new key");
}

core::result<registry> read_registry(etcd& etcd) {
  auto const entries_of = [&etcd](std::string const& prefix) -> core::result<std::vector<node>> {
    TRY_ASSIGN(auto const found, etcd.range(prefix));
    std::vector<node> entries;
    for (auto const& kv : found) {
      // As for every Pump (tidb-binlog:pkg/node/registry.go): one value that can't be decoded, and no list at all.
      auto const unreadable = [&kv](std::string const& cause) {
        return core::error{core::errc::registry_unreadable, "cannot read the registry: key " + kv.key + ": " + cause,
                           "no Pump answers /status while this value is there; find out who wrote it"};
      };
      if (!kv.key.starts_with(prefix))
        return core::error{core::errc::bad_answer, "cannot read the registry: etcd gave keys that were not asked for"};
      auto const id = std::string_view(kv.key).substr(prefix.size());
      if (id.empty() || id.find('/') != std::string_view::npos) return unreadable("it does not end in a node id");
      auto const value = core::parse_json(kv.value, "its value");
      if (!value) return unreadable(value.error().what);
      auto entry = decode_node(*value, "its value");
      if (!entry) return unreadable(entry.error().what);
      if (entry->id != id) return unreadable("its value is of node " + entry->id);
      entries.push_back(std::move(*entry));
    }
    return entries;
  };
  registry read;
  TRY_ASSIGN(read.pumps, entries_of("/tidb-binlog/v1/pumps/"));
  TRY_ASSIGN(read.drainers, entries_of("/tidb-binlog/v1/drainers/"));
  read.source = etcd.last_url();
  return read;
}

}  // namespace binlog
