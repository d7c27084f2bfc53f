#include "cluster.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "binlog/config.hpp"
#include "switches.hpp"

namespace rolling_restart {
namespace {

using core::errc;
using core::error;
using core::result;

// PD's etcd read inside /status has 5 s of its own, its TSO call none: less would take a slow answer for none.
constexpr core::milliseconds answer_timeout{10000};
constexpr core::milliseconds etcd_timeout{5000};
// Two samples of an entry, a little more than one heartbeat apart.
constexpr core::milliseconds between_samples{5000};

}  // namespace

cluster::cluster(settings const& settings)
    : settings_(&settings),
      http_(settings.tls ? http::client(*settings.tls) : http::client()),
      nodes_(http_, settings.tls.has_value()),
      etcd_(http_, settings.pd_urls, etcd_timeout) {}

result<binlog::registry> cluster::read() {
  auto from_etcd = settings_->pd_urls.empty() ? error{errc::registry_unreadable,
                                                      "cannot read the registry: no pd_urls are known", "give pd_urls"}
                                              : binlog::read_registry(etcd_);
  if (from_etcd) return from_etcd;
  // One malformed value is as bad through a Pump.
  if (from_etcd.error().code == errc::registry_unreadable && !settings_->pd_urls.empty()) return from_etcd;
  return read_through_pumps(from_etcd.error());
}

result<binlog::registry> cluster::read_through_pumps(error const& why_not_etcd) {
  std::vector<std::string> hosts{settings_->peers};
  if (!settings_->is_drainer() && !settings_->advertise.empty()) hosts.insert(hosts.begin(), settings_->advertise);
  auto through_pumps = binlog::read_registry_through_pumps(nodes_, hosts, answer_timeout);
  if (through_pumps) return through_pumps;
  return error{errc::registry_unreadable, why_not_etcd.what + "; " + through_pumps.error().what,
               "check that PD is up and has a leader"};
}

std::optional<binlog::tso> cluster::fresh_tso(binlog::registry const& registry) {
  std::vector<std::string> hosts;
  for (auto const& pump : registry.pumps)
    if (pump.state == binlog::node_state::online) hosts.push_back(pump.host);
  std::optional<binlog::tso> newest;
  for (auto const& answer : nodes_.ask_pumps(hosts, answer_timeout))
    if (answer.status && (!newest || *newest < answer.status->commit_ts)) newest = answer.status->commit_ts;
  return newest;
}

binlog::thresholds cluster::limits() const {
  binlog::thresholds limits;
  limits.space_must_be_known = !settings_->is_drainer();
  limits.min_available_bytes =
      settings_->is_drainer() ? 0 : binlog::stop_write_space_of(settings_->deploy_dir / "conf" / "pump.toml");
  return limits;
}

std::vector<start_facts::holding> cluster::held_by_pumps(binlog::registry const& registry) {
  std::vector<start_facts::holding> held;
  std::vector<std::string> hosts;
  for (auto const& pump : registry.pumps)
    if (pump.state != binlog::node_state::offline) {
      held.push_back({pump.id, std::nullopt});
      hosts.push_back(pump.host);
    }
  auto const answers = nodes_.ask_pumps(hosts, answer_timeout);
  for (std::size_t i = 0; i < held.size(); ++i) held[i].gc_ms = answers[i].gc_ms;
  return held;
}

std::vector<binlog::peer_view> cluster::look_at_peers(binlog::registry const& registry, std::string const& own_id) {
  std::vector<binlog::peer_view> views;
  std::vector<std::string> hosts;
  for (auto const& pump : registry.pumps)
    if (pump.id != own_id && pump.state != binlog::node_state::offline) {
      views.push_back({.entry = pump});
      hosts.push_back(pump.host);
    }
  auto const answers = nodes_.ask_pumps(hosts, answer_timeout);
  binlog::tso now;
  for (auto const& answer : answers)
    if (answer.status) now = std::max(now, answer.status->commit_ts);
  for (std::size_t i = 0; i < views.size(); ++i) {
    views[i].now = now;
    views[i].available_bytes = answers[i].available_bytes;
    views[i].answers = answers[i].status.has_value();
    if (!views[i].answers) {
      views[i].answer_error = answers[i].status.error().what;
      continue;
    }
    for (auto const& entry : answers[i].status->nodes)
      if (entry.id == views[i].entry.id) views[i].own_state = entry.state;
  }
  return views;
}

result<binlog::peers_verdict> cluster::judge_peers(binlog::registry const& registry, std::string const& own_id) {
  std::set<std::string> const except(settings_->except.begin(), settings_->except.end());
  auto const limits = this->limits();
  auto views = look_at_peers(registry, own_id);
  auto const old = std::any_of(views.begin(), views.end(), [&](binlog::peer_view const& v) {
    return v.entry.state == binlog::node_state::online && !v.now.empty() &&
           binlog::between(v.entry.update_ts, v.now) > limits.max_age();
  });
  if (!old) return binlog::judge_peers(registry, views, own_id, settings_->min_online, except, limits);

  std::this_thread::sleep_for(between_samples);
  TRY_ASSIGN(auto const again, read());
  auto second = look_at_peers(again, own_id);
  for (auto& view : second)
    for (auto const& first : views)
      if (first.entry.id == view.entry.id) view.earlier_update_ts = first.entry.update_ts;
  return binlog::judge_peers(again, second, own_id, settings_->min_online, except, limits);
}

result<void> cluster::check_drainers(binlog::registry const& registry, std::vector<std::string> const& versions,
                                     std::string const& own_id) {
  if (!enforced(safety::stale_drainer)) return {};
  auto const* own = registry.pump(own_id);
  auto const before = own != nullptr ? std::optional(own->state) : std::nullopt;
  auto const blocks = std::any_of(versions.begin(), versions.end(), [&](std::string const& text) {
    return binlog::stale_drainer_blocks_start(binlog::version::parse(text), before);
  });
  if (!blocks) return {};
  std::vector<std::string> hosts;
  for (auto const& drainer : registry.drainers) hosts.push_back(drainer.host);
  auto const stale = binlog::stale_drainers(registry.drainers, nodes_.all_answer(hosts, answer_timeout));
  if (!stale.empty()) return binlog::stale_drainers_error(stale);
  return {};
}

result<binlog::pump_status> cluster::own_status(core::milliseconds timeout) {
  return nodes_.status_of_pump(settings_->advertise, timeout);
}

result<binlog::drainer_status> cluster::own_drainer_status(core::milliseconds timeout) {
  return nodes_.status_of_drainer(settings_->advertise, timeout);
}

}  // namespace rolling_restart
