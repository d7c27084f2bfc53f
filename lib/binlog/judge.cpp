#include "binlog/judge.hpp"

#include <fmt/format.h>

namespace binlog {
namespace {

using core::milliseconds;

std::string shown(node const& entry) {
  return entry.id == entry.host ? entry.id : fmt::format("{} ({})", entry.id, entry.host);
}

std::string gib(double bytes) { return fmt::format("{:.1f} GiB", bytes / (1024.0 * 1024.0 * 1024.0)); }

long long whole_seconds(milliseconds age) { return static_cast<long long>(age.count() / 1000); }

// updateTS counts on a Pump's own clock since its start and may drift from PD's, so an old value that still moves is a
// living heartbeat (facts 1.2).
bool moves(peer_view const& view) { return view.earlier_update_ts && *view.earlier_update_ts != view.entry.update_ts; }

bool is_old(peer_view const& view, thresholds const& limits) {
  return !view.now.empty() && between(view.entry.update_ts, view.now) > limits.max_age() && !moves(view);
}

void judge_freshness(peer_view const& view, thresholds const& limits, std::vector<std::string>& reasons) {
  auto const who = shown(view.entry);
  if (view.now.empty())
    reasons.push_back(fmt::format("{} can't be told fresh from stale: no TSO to compare with", who));
  else if (is_old(view, limits))
    reasons.push_back(
        fmt::format("{}: its registry entry is {} s old though it answers (closing, or PD is out of its reach)", who,
                    whole_seconds(between(view.entry.update_ts, view.now))));
}

void judge_own_answer(peer_view const& view, std::vector<std::string>& reasons) {
  auto const who = shown(view.entry);
  if (!view.own_state)
    reasons.push_back(
        fmt::format("{} does not find itself in the registry: another program serves at {}?", who, view.entry.host));
  else if (*view.own_state != node_state::online)
    reasons.push_back(fmt::format("{} says itself that it is {}", who, name(*view.own_state)));
}

void judge_space(peer_view const& view, thresholds const& limits, std::vector<std::string>& reasons) {
  auto const who = shown(view.entry);
  if (view.available_bytes && *view.available_bytes < limits.min_available_bytes)
    reasons.push_back(fmt::format("{} has {} free, below {} where it stops taking writes", who,
                                  gib(*view.available_bytes), gib(limits.min_available_bytes)));
  else if (!view.available_bytes && limits.space_must_be_known)
    reasons.push_back(fmt::format("{} does not tell in /metrics how much space is free", who));
}

bool alive(node const& entry) { return entry.state != node_state::offline; }

// Two ids at one address: the host was renamed or its .node lost, and one of them is a leftover (facts, trap 9).
void judge_addresses(registry const& registry, std::set<std::string> const& except, std::vector<std::string>& reasons) {
  for (std::size_t i = 0; i < registry.pumps.size(); ++i)
    for (std::size_t k = i + 1; k < registry.pumps.size(); ++k) {
      auto const& a = registry.pumps[i];
      auto const& b = registry.pumps[k];
      if (a.host != b.host || !alive(a) || !alive(b) || except.contains(a.id) || except.contains(b.id)) continue;
      reasons.push_back(fmt::format("{} and {} share the address {}: one of them is a leftover", a.id, b.id, a.host));
    }
}

peer_view const* view_of(std::vector<peer_view> const& views, std::string const& id) {
  for (auto const& view : views)
    if (view.entry.id == id) return &view;
  return nullptr;
}

std::string joined(std::vector<std::string> const& sentences) {
  std::string all;
  for (auto const& sentence : sentences) all += (all.empty() ? "" : "; ") + sentence;
  return all;
}

}  // namespace

std::vector<std::string> reasons_peer_not_ready(peer_view const& view, thresholds const& limits) {
  std::vector<std::string> reasons;
  auto const who = shown(view.entry);
  if (view.entry.state == node_state::unknown)
    return {fmt::format("{} has a state in the registry that is not known", who)};
  if (view.entry.state != node_state::online) return {fmt::format("{} is {}", who, name(view.entry.state))};
  if (!view.answers) {
    auto const crashed = is_old(view, limits) ? " (left behind by a crash?)" : "";
    return {fmt::format("{} is online in the registry but does not answer: {}{}", who,
                        view.answer_error.empty() ? "nobody asked it" : view.answer_error, crashed)};
  }
  judge_own_answer(view, reasons);
  judge_freshness(view, limits, reasons);
  judge_space(view, limits, reasons);
  return reasons;
}

core::error peers_verdict::error() const {
  return {core::errc::peers_not_ready, "cannot leave the writes to the other Pumps: " + joined(reasons),
          "bring them back, or name in except those you answer for; a dead Pump that is gone for good has to be made "
          "offline (binlogctl)"};
}

peers_verdict judge_peers(registry const& registry, std::vector<peer_view> const& views, std::string const& own_id,
                          std::size_t min_online, std::set<std::string> const& except, thresholds const& limits) {
  peers_verdict verdict;
  for (auto const& entry : registry.pumps) {
    if (entry.id == own_id || !alive(entry)) continue;
    auto const* view = view_of(views, entry.id);
    // The registry may have been read again since the view was taken.
    peer_view const unseen{.entry = entry};
    auto reasons = reasons_peer_not_ready(view != nullptr ? *view : unseen, limits);
    if (reasons.empty())
      verdict.online.push_back(entry.id);
    else if (!except.contains(entry.id))
      verdict.reasons.insert(verdict.reasons.end(), reasons.begin(), reasons.end());
  }
  judge_addresses(registry, except, verdict.reasons);
  if (verdict.online.size() < min_online)
    verdict.reasons.push_back(fmt::format("{} other {} ready, {} demanded (min_online)", verdict.online.size(),
                                          verdict.online.size() == 1 ? "Pump is" : "Pumps are", min_online));
  return verdict;
}

std::vector<stale_drainer> stale_drainers(std::vector<node> const& drainers,
                                          std::vector<core::result<void>> const& answers) {
  std::vector<stale_drainer> stale;
  for (std::size_t i = 0; i < drainers.size(); ++i) {
    if (drainers[i].state != node_state::online) continue;
    if (i >= answers.size())
      stale.push_back({drainers[i], "nobody asked it"});
    else if (!answers[i])
      stale.push_back({drainers[i], answers[i].error().what});
  }
  return stale;
}

bool stale_drainer_blocks_start(version const& pump, std::optional<node_state> before) {
  return !before || *before == node_state::offline || notifies_drainers_on_every_start(pump);
}

core::error stale_drainers_error(std::vector<stale_drainer> const& stale) {
  std::vector<std::string> sentences;
  sentences.reserve(stale.size());
  for (auto const& drainer : stale)
    sentences.push_back(
        fmt::format("{} is online in the registry but does not answer: {}", shown(drainer.entry), drainer.cause));
  return {core::errc::stale_drainer, "cannot be sure that the Pump will start again: Drainer " + joined(sentences),
          "start that Drainer, or, when its process is surely gone, make it paused: binlogctl -cmd update-drainer "
          "-node-id ID -state paused"};
}

}  // namespace binlog
