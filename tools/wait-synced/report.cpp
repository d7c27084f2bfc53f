#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace wait_synced {
namespace {

using core::milliseconds;
using core::json::array;
using core::json::object;
using core::json::value;

value tso_or_null(std::optional<binlog::tso> tso) { return tso ? value(tso->value) : value(nullptr); }

array evidence_of(binlog::judgement const& judged) {
  array all;
  for (auto const& each : judged.found)
    all.push_back(object{{"name", binlog::name(each.name)},
                         {"required", each.required},
                         {"held", each.held == binlog::holding::yes},
                         {"value", each.value}});
  return all;
}

object drainer_of(watched_drainer const& drainer) {
  auto const& judged = drainer.judged;
  return {{"url", drainer.url},
          {"kind", judged.kind ? value(binlog::name(*judged.kind)) : value(nullptr)},
          {"reported_synced", judged.reported_synced ? value(*judged.reported_synced) : value(nullptr)},
          {"verdict", binlog::name(judged.verdict)},
          {"lag_ms", judged.lag ? value(judged.lag->count()) : value(nullptr)},
          {"evidence", evidence_of(judged)}};
}

// Names of what is required and does not hold; "time" where only that is missing.
std::string lacking(binlog::judgement const& judged) {
  std::string all;
  for (auto const& each : judged.found)
    if (each.required && each.held != binlog::holding::yes)
      all += (all.empty() ? "" : ", ") + std::string(binlog::name(each.name)) +
             (each.held == binlog::holding::unknown ? " unknown" : "");
  if (all.empty()) all = judged.found.empty() ? "no answer yet" : "not for long enough yet";
  return all;
}

std::string utc(std::chrono::system_clock::time_point when) {
  auto const seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 100 ? "%.1f s" : "%.0f s", seconds);
  return text;
}

object answer_of(raw_answer const& answer) {
  return {{"url", answer.url}, {"asked_ms", answer.at.count()}, {"sha256", answer.sha256}};
}

}  // namespace

std::string count_of(std::size_t drainers) {
  return std::to_string(drainers) + (drainers == 1 ? " Drainer" : " Drainers");
}

object result_of(watch const& watched) {
  array drainers;
  for (auto const& drainer : watched.drainers()) drainers.push_back(drainer_of(drainer));
  auto const id = watched.cluster_id();
  return {{"synced", watched.synced()},
          {"since", tso_or_null(watched.since())},
          {"cluster_id", id ? value(*id) : value(nullptr)},
          {"drainers", std::move(drainers)}};
}

std::string missing_in(watch const& watched) {
  constexpr std::size_t most = 5;
  std::string all;
  std::size_t count = 0;
  for (auto const& drainer : watched.drainers()) {
    if (drainer.judged.verdict == binlog::verdict::synced || ++count > most) continue;
    all += (all.empty() ? "" : "; ") + drainer.url + " (" + lacking(drainer.judged) + ")";
  }
  return std::to_string(count) + " of " + count_of(watched.drainers().size()) + " not proven synced: " + all +
         (count > most ? "; ..." : "");
}

object proof_of(watch const& watched, settings const& settings, times const& when) {
  auto proof = result_of(watched);
  array accepted;
  for (auto const name : settings.demanded.accepted) accepted.emplace_back(binlog::name(name));
  proof["format"] = 1;
  proof["started_at"] = utc(when.started);
  proof["finished_at"] = utc(when.finished);
  proof["taken_ts"] = tso_or_null(watched.now());
  proof["stable_for_ms"] = settings.demanded.stable_for.count();
  proof["barrier"] = tso_or_null(settings.demanded.barrier);
  proof["accepted"] = std::move(accepted);
  auto& drainers = proof["drainers"].get_array();
  for (std::size_t i = 0; i < drainers.size(); ++i) {
    auto const& drainer = watched.drainers()[i];
    array answers;
    if (drainer.status) answers.push_back(answer_of(*drainer.status));
    if (drainer.metrics) answers.push_back(answer_of(*drainer.metrics));
    drainers[i].get_object()["answers"] = std::move(answers);
  }
  array pumps;
  for (auto const& pump : watched.pumps())
    if (!pump.url.empty()) pumps.push_back(answer_of(pump));
  proof["pumps"] = std::move(pumps);
  return proof;
}

module::picture_line picture::line_of(watched_drainer const& drainer, std::optional<binlog::tso> since) {
  auto const& judged = drainer.judged;
  auto const done = judged.verdict == binlog::verdict::synced;
  module::picture_line line{drainer.url + ": " + (done ? "synced" : lacking(judged))};
  if (judged.lag) line.detail = "lag " + seconds_text(static_cast<double>(judged.lag->count()) / 1000);
  if (!judged.reached || judged.reached->empty() || !drainer.at) return line;
  // Two seconds at least: LastTS moves in steps of three.
  constexpr milliseconds span{10000};
  auto& from = points_.try_emplace(drainer.url, point{*drainer.at, *judged.reached}).first->second;
  auto const passed = *drainer.at - from.at;
  if (passed < milliseconds(2000)) return line;
  auto const moved = binlog::between(from.reached, *judged.reached);
  auto const rate = static_cast<double>(moved.count()) / static_cast<double>(passed.count());
  char text[32];
  std::snprintf(text, sizeof text, ", %.1f s/s", rate);
  line.detail += text;
  if (since && *judged.reached < *since && rate > 0)
    line.detail += ", about " +
                   seconds_text(static_cast<double>(binlog::between(*judged.reached, *since).count()) / 1000 / rate) +
                   " to go";
  if (passed >= span) from = {*drainer.at, *judged.reached};
  return line;
}

std::vector<module::picture_line> picture::draw(watch const& watched) {
  constexpr std::size_t most = 20;
  auto const& drainers = watched.drainers();
  std::vector<watched_drainer const*> order;
  order.reserve(drainers.size());
  for (auto const& drainer : drainers) order.push_back(&drainer);
  // Few stay in their places; of many, the worst come first.
  if (drainers.size() > most)
    std::stable_sort(order.begin(), order.end(), [](auto const* a, auto const* b) {
      auto const key = [](watched_drainer const& d) {
        return std::pair(d.judged.verdict == binlog::verdict::synced,
                         -d.judged.lag.value_or(milliseconds(1LL << 60)).count());
      };
      return key(*a) < key(*b);
    });
  std::size_t synced = 0;
  for (auto const& drainer : drainers) synced += drainer.judged.verdict == binlog::verdict::synced ? 1 : 0;
  std::vector<module::picture_line> lines;
  lines.push_back({"waiting for " + count_of(drainers.size()) + ", " + std::to_string(synced) + " synced" +
                   (watched.since() ? "" : ", no TSO to wait for yet")});
  for (auto const* drainer : order) {
    if (lines.size() > most) break;
    lines.push_back(line_of(*drainer, watched.since()));
  }
  return lines;
}

}  // namespace wait_synced
