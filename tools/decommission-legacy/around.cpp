#include "around.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "binlog/metrics_page.hpp"
#include "binlog/pump_api.hpp"
#include "core/file.hpp"
#include "http/resolver.hpp"
#include "http/url.hpp"
#include "users.hpp"

namespace decommission_legacy {
namespace {

using core::errc;
using core::error;
using core::result;
using namespace std::chrono_literals;

// A Pump's /status may hang in PD: shorter would take slow for silent (facts 1.1).
constexpr core::milliseconds answer_timeout{10000};
constexpr core::milliseconds etcd_timeout{5000};
// To one that should be gone.
constexpr core::milliseconds short_timeout{3000};
constexpr std::size_t most_answer = 4U << 20U;
// An old Drainer's workers report every event at once, an old Pump every call.
constexpr auto between_looks = 2s;

http::client make(settings const& s) { return s.tls ? http::client(*s.tls) : http::client(); }

// Whether the host of a URL is this one; unknown names are not.
bool is_here(std::string const& base_url, std::set<std::string> const& local) {
  auto const parsed = http::parse_url(base_url);
  if (!parsed) return false;
  auto const addresses = http::look_up(parsed->host);
  return addresses && std::any_of(addresses->begin(), addresses->end(),
                                  [&](std::string const& each) { return process::is_local(each, local); });
}

bool names(std::string const& base_url, settings const& s, std::set<std::string> const& local) {
  auto const parsed = http::parse_url(base_url);
  return parsed && parsed->port == s.port && is_here(base_url, local);
}

}  // namespace

surroundings::surroundings(settings const& s) : s_(s), safe_(make(s)), etcd_(safe_, s.pd_urls, etcd_timeout) {}

result<std::string> surroundings::get(http::client& client, std::string const& url) {
  auto answer = client.send({.url = url, .timeout = answer_timeout, .max_body = most_answer});
  if (!answer) return answer.error();
  if (answer->status == 200) return std::move(answer->body);
  return error{errc::bad_answer, "cannot use " + url + ": HTTP status " + std::to_string(answer->status)};
}

result<std::string> surroundings::metrics(std::string const& base_url, core::milliseconds timeout) {
  auto const url = base_url + "/metrics";
  return binlog::metrics_page(plain_.send({.url = url, .timeout = timeout, .max_body = most_answer}), url);
}

result<binlog::drainer_answer> surroundings::drainer_status(http::client& client, std::string const& base_url) {
  auto const url = base_url + "/status";
  TRY_ASSIGN(auto const body, get(client, url));
  return binlog::decode_drainer(body, url);
}

result<binlog::drainer_answer> surroundings::old_drainer_status(std::string const& base_url,
                                                                result<std::string> const& metrics_page) {
  TRY(binlog::may_be_asked(metrics_page));
  return drainer_status(plain_, base_url);
}

// At an old node's address: refused, or a Pump or Drainer of the cluster version that has taken the address over, is
// gone. What can't be understood (Kafka version v1.0 answers null, others close the connection) is unknown.
absentee surroundings::look_for(std::string const& what, std::string const& base_url, bool pump) {
  absentee a{what + " " + http::authority_of(base_url), presence::unknown, {}};
  auto const url = base_url + "/status";
  auto const without = [&a](error const& e) {
    a.cause = e.what;
    if (e.code == errc::unproven) a.presence = presence::there;
    if (a.cause.find("refused") != std::string::npos) a.presence = presence::gone;
    return a;
  };
  if (auto const asked = pump ? result<void>() : binlog::may_be_asked(metrics(base_url, short_timeout)); !asked)
    return without(asked.error());
  auto const answer = plain_.send({.url = url, .timeout = short_timeout, .max_body = most_answer});
  if (!answer) return without(answer.error());
  if (pump) {
    auto const decoded = binlog::decode_pump(answer->body, url);
    if (!decoded) a.cause = decoded.error().what;
    if (decoded) a.presence = decoded->old ? presence::there : presence::gone;
  } else {
    auto const decoded = binlog::decode_drainer(answer->body, url);
    if (!decoded) a.cause = decoded.error().what;
    if (decoded) a.presence = binlog::is_old(decoded->kind) ? presence::there : presence::gone;
  }
  return a;
}

void surroundings::look_at_proof(snapshot& seen) {
  if (s_.accept.abandoned) return;
  auto const what = s_.evidence_file.string();
  auto const text = core::read_file(s_.evidence_file);
  if (!text) {
    seen.proof = error{errc::no_proof, "cannot use the proof " + what + ": " + text.error().what,
                       "run wait-synced with evidence_file"};
    return;
  }
  seen.proof = binlog::decode_proof(*text, what);
  if (!*seen.proof) return;
  for (auto const& d : (*seen.proof)->drainers) seen.proof_names_node |= names(d.url, s_, seen.local);
}

result<binlog::old_registry> surroundings::old_registry() {
  if (s_.pd_urls.empty()) return error{errc::unproven, "no pd_urls are known", "give pd_urls"};
  TRY_ASSIGN(auto const keys, etcd_.range("/tidb-binlog/"));
  return binlog::decode_old_registry(keys);
}

void surroundings::look_at_pd(snapshot& seen) {
  seen.cluster_id = binlog::read_cluster_id(safe_, s_.pd_urls, etcd_, etcd_timeout);
  seen.old = old_registry();
  if (s_.new_drainers.empty()) return;
  auto registry = binlog::read_registry(etcd_);
  if (!registry) {
    binlog::node_client nodes(safe_, s_.tls.has_value());
    std::vector<std::string> hosts;
    for (auto const& url : s_.new_pumps) hosts.push_back(http::authority_of(url));
    registry = binlog::read_registry_through_pumps(nodes, hosts, answer_timeout);
  }
  seen.drainers = registry ? result<std::vector<binlog::node>>(registry->drainers) : registry.error();
}

void surroundings::look_at_new(snapshot& seen) {
  for (auto const& base : s_.new_pumps) {
    auto const url = base + "/status";
    auto const body = get(safe_, url);
    auto answer = body ? binlog::decode_pump(*body, url) : result<binlog::pump_answer>(body.error());
    if (answer && !answer->commit_ts.empty() && (!seen.now || *seen.now < answer->commit_ts))
      seen.now = answer->commit_ts;
    seen.new_pumps.push_back({http::authority_of(base), std::move(answer)});
  }
  look_at_new_drainers(seen);
}

void surroundings::look_at_new_drainers(snapshot& seen) {
  for (auto const& base : s_.new_drainers)
    seen.new_drainers.push_back({http::authority_of(base), drainer_status(safe_, base)});
}

void surroundings::look_at_old(snapshot& seen) {
  if (s_.is(component::drainer)) return;
  auto drainers = s_.old_drainers;
  if (seen.proof && *seen.proof)
    for (auto const& d : (*seen.proof)->drainers)
      if (d.url.starts_with("http://") && std::find(drainers.begin(), drainers.end(), d.url) == drainers.end())
        drainers.push_back(d.url);
  for (auto const& url : drainers) seen.absentees.push_back(look_for("old Drainer", url, false));
  if (s_.is(component::pump)) return;
  for (auto const& url : s_.old_pumps) seen.absentees.push_back(look_for("old Pump", url, true));
  if (!s_.is(component::zookeeper)) return;
  for (auto const& url : s_.brokers) {
    absentee a{"broker " + http::authority_of(url), presence::there, {}};
    // A broker closes a connection that speaks HTTP; only a refused one shows that it is gone.
    auto const answer = plain_.send({.url = url, .timeout = short_timeout, .max_body = most_answer});
    if (!answer && answer.error().what.find("refused") != std::string::npos)
      a.presence = presence::gone;
    else if (!answer && answer.error().code == errc::timed_out)
      a.presence = presence::unknown, a.cause = answer.error().what;
    seen.brokers.push_back(std::move(a));
  }
}

// Two looks at whatever must stand still: the old Pumps' counters, the old Drainer's queues and events.
void surroundings::look_at_writes(snapshot& seen) {
  if (!s_.is_binlog()) return;
  std::vector<std::string> pumps;
  auto const own = "http://" + seen.node.address;
  if (s_.is(component::pump) && !seen.node.address.empty()) pumps.push_back(own);
  for (auto const& url : s_.old_pumps) {
    if (s_.is(component::pump) &&
        (names(url, s_, seen.local) || look_for("old Pump", url, true).presence == presence::gone))
      continue;  // this one, or one that was retired before
    pumps.push_back(url);
  }
  auto const writes = [&](std::string const& base) -> result<binlog::pump_writes> {
    TRY_ASSIGN(auto const body, metrics(base, answer_timeout));
    return binlog::decode_pump_writes(body, base + "/metrics");
  };
  auto const watched = s_.is(component::drainer) && !seen.node.address.empty();
  auto const look_at_drainer = [&] {
    snapshot::drainer_look look;
    auto const body = metrics(own, answer_timeout);
    look.status = old_drainer_status(own, body);
    look.metrics =
        body ? binlog::decode_drainer_metrics(*body, own + "/metrics") : result<binlog::drainer_metrics>(body.error());
    return look;
  };
  if (pumps.empty() && !watched) return;
  for (auto const& base : pumps)
    seen.old_pumps.push_back({http::authority_of(base), writes(base), not_asked<binlog::pump_writes>()});
  snapshot::drainer_look first;
  if (watched) first = look_at_drainer();
  std::this_thread::sleep_for(between_looks);
  for (std::size_t i = 0; i < pumps.size(); ++i) seen.old_pumps[i].second = writes(pumps[i]);
  if (watched) seen.drainer.emplace(std::move(first), look_at_drainer());
}

void surroundings::look_at_node(snapshot& seen) {
  auto const& node = seen.node;
  if (!node.process) return;
  if (s_.is_binlog() && !node.address.empty()) {
    auto const base = "http://" + node.address;
    auto const url = base + "/status";
    if (s_.is(component::pump)) {
      auto const body = get(plain_, url);
      auto const answer = body ? binlog::decode_pump(*body, url) : result<binlog::pump_answer>(body.error());
      seen.answers_as_old = answer ? result<bool>(answer->old) : answer.error();
    } else {
      auto const answer = old_drainer_status(base, metrics(base, short_timeout));
      seen.answers_as_old = answer ? result<bool>(binlog::is_old(answer->kind)) : answer.error();
    }
  }
  if (s_.is(component::drainer) && node.address.empty() && !s_.accept.abandoned) {
    error const silent{errc::unproven, "nothing listens on port " + std::to_string(s_.port)};
    snapshot::drainer_look look{silent, silent};
    seen.drainer.emplace(look, look);
  }
  if (s_.is(component::pump)) {
    seen.socket_clients = process::clients_of_unix_socket(node.process->id, node.socket);
    if (node.address.empty()) {
      error const silent{errc::unproven, "nothing listens on port " + std::to_string(s_.port)};
      seen.old_pumps.push_back({s_.node_name(), silent, silent});
    }
  }
}

std::string surroundings::socket_of(std::string const& tidb) {
  auto const url = tidb + "/settings";
  auto const body = get(safe_, url);
  auto const socket = body ? binlog::decode_tidb_socket(*body, url) : body;
  return socket ? *socket : std::string();
}

void surroundings::look_closer(snapshot& seen) {
  look_at_writes(seen);
  if (!s_.is_binlog() && seen.node.process) seen.used = users_of(s_, seen.node, seen.local);
}

void surroundings::look(snapshot& seen) {
  if (auto const local = process::local_addresses()) seen.local = *local;
  look_at_proof(seen);
  look_at_pd(seen);
  look_at_new(seen);
  look_at_old(seen);
  for (auto const& base : s_.tidbs) {
    auto const url = base + "/info/all";
    auto const body = get(safe_, url);
    seen.tidbs.push_back(
        {http::authority_of(base),
         body ? binlog::decode_tidb_servers(*body, url) : result<std::vector<binlog::tidb_server>>(body.error()),
         body ? socket_of(base) : std::string()});
  }
  look_at_node(seen);
}

result<void> surroundings::answers(std::string const& address) {
  auto const base = "http://" + address;
  if (s_.is(component::drainer)) {
    auto const page = metrics(base, short_timeout);
    TRY(binlog::may_be_asked(page));
    if (page) return {};
    // Without metrics its first look shows in its status alone, which is null before.
    TRY(drainer_status(plain_, base));
    return {};
  }
  auto const answer = plain_.send({.url = base + "/status", .timeout = short_timeout});
  if (answer || answer.error().code == errc::bad_answer) return {};
  return answer.error();
}

}  // namespace decommission_legacy
