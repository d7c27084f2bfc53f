#include "binlog/evidence.hpp"

#include <algorithm>

#include "binlog/metrics_page.hpp"

namespace binlog {
namespace {

using core::milliseconds;
using core::json::object;
using core::json::value;

constexpr std::array<std::string_view, evidence_count> names = {"shape",         "pumps_complete",  "last_ts",
                                                                "window",        "drained",         "applied",
                                                                "tidb_switched", "old_writes_flat", "new_writes"};

constexpr milliseconds most_upper_lag{30000};
// Prometheus keeps TSOs as doubles: 64 apart at today's.
constexpr std::int64_t position_error = 64;

evidence unknown(evidence_name name, std::string const& why) {
  return {.name = name, .required = true, .held = holding::unknown, .value = value(why)};
}

evidence known(evidence_name name, bool held, object seen) {
  return {.name = name, .required = true, .held = held ? holding::yes : holding::no, .value = std::move(seen)};
}

core::json::array list_of(std::vector<std::string> const& texts) {
  core::json::array all(texts.begin(), texts.end());
  return all;
}

}  // namespace

std::string_view name(evidence_name evidence) { return names[static_cast<std::size_t>(evidence)]; }

std::optional<evidence_name> evidence_of(std::string_view name) {
  auto const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<evidence_name>(found - names.begin());
}

std::string_view name(verdict verdict) {
  return verdict == verdict::synced ? "synced" : verdict == verdict::not_synced ? "not_synced" : "unknown";
}

evidence drainer_case::shape(drainer_sample const& sample, requirements const& demanded) {
  if (!sample.status) return unknown(evidence_name::shape, sample.status.error().what);
  auto const kind = sample.status->kind;
  if (!old_) old_ = is_old(demanded.kind.value_or(kind));
  // Another program at the same address, such as the new Drainer started on the old one's port.
  return known(evidence_name::shape, is_old(kind) == *old_,
               {{"answers_as", name(kind)}, {"expected", *old_ ? "kafka or local" : "cluster"}});
}

evidence drainer_case::pumps_complete(drainer_answer const& answer, expected_pumps const& expected) const {
  auto const which = evidence_name::pumps_complete;
  if (!answer.pumps) return unknown(which, "the Drainer has not looked at the registry yet");
  auto const has = [&](std::string const& id) {
    return std::find(answer.pumps->begin(), answer.pumps->end(), id) != answer.pumps->end();
  };
  std::vector<std::string> missing;
  std::string undecided;
  for (auto const& id : expected.ids)
    if (!has(id)) missing.push_back(id);
  for (auto const& gone : expected.offline) {
    if (has(gone.id)) continue;
    if (!best_position_)
      undecided = "old Pump " + gone.id + " is offline, and the Drainer's checkpoint is not known to be later";
    else if (*best_position_ - position_error < gone.offline_ts.value)
      missing.push_back(gone.id);
  }
  if (!missing.empty()) return known(which, false, {{"missing", list_of(missing)}, {"seen", list_of(*answer.pumps)}});
  if (!expected.unknown_because.empty()) return unknown(which, expected.unknown_because);
  if (!undecided.empty()) return unknown(which, undecided);
  if (expected.ids.empty() || answer.pumps->empty()) return unknown(which, "no Pump is known");
  return known(which, true, {{"missing", core::json::array()}, {"seen", list_of(*answer.pumps)}});
}

evidence drainer_case::last_ts(drainer_answer const& answer, requirements const& demanded) {
  auto const which = evidence_name::last_ts;
  if (answer.last_ts.empty()) return unknown(which, "LastTS is 0: nothing was saved yet");
  if (!demanded.since) return unknown(which, "since is not known yet");
  auto const passed = answer.last_ts >= *demanded.since;
  passes_ = passed ? passes_ + 1 : 0;
  return known(which, passed, {{"last_ts", answer.last_ts.value}, {"samples", passes_}});
}

evidence drainer_case::window(drainer_sample const& sample, requirements const& demanded) {
  auto const which = evidence_name::window;
  auto const& [upper, lower] = std::pair(sample.status->upper, sample.status->lower);
  auto const changed = last_upper_ && *last_upper_ != upper;
  last_upper_ = upper;
  if (upper.empty() || lower.empty()) return unknown(which, "the window is 0: no Pump was read, or PD gave no TSO");
  if (!demanded.since) return unknown(which, "since is not known yet");
  if (!sample.now) return unknown(which, "no fresh TSO to compare Upper with");
  auto const distance = between(upper, *sample.now);
  auto const fresh = distance <= most_upper_lag && distance >= -most_upper_lag;
  auto const passed = lower >= *demanded.since && fresh;
  if (!passed) passes_ = 0;
  if (passed && changed) ++passes_;
  return known(which, passed,
               {{"lower", lower.value},
                {"upper", upper.value},
                {"gap_ms", between(lower, upper).count()},
                {"upper_behind_ms", distance.count()},
                {"changes_of_upper", passes_}});
}

evidence drainer_case::drained(drainer_sample const& sample) {
  auto const which = evidence_name::drained;
  auto const before = last_events_;
  last_events_.reset();
  if (!sample.metrics) return unknown(which, cause(sample.metrics.error(), drained_by_hand));
  last_events_ = sample.metrics->events;
  // Something was applied since the last look: the quiet time starts anew.
  if (before != last_events_) held_since_[static_cast<std::size_t>(which)].reset();
  return known(which, sample.metrics->queued == 0,
               {{"queued", sample.metrics->queued}, {"events", sample.metrics->events}});
}

evidence drainer_case::applied(drainer_sample const& sample, requirements const& demanded) {
  auto const which = evidence_name::applied;
  if (!sample.metrics) return unknown(which, cause(sample.metrics.error(), applied_by_hand));
  if (sample.metrics->position) best_position_ = std::max(best_position_.value_or(0), *sample.metrics->position);
  if (!demanded.barrier)
    return unknown(which,
                   "no barrier: run a DDL through an old TiDB after the last write and give its commit TS, or "
                   "accept applied");
  if (!best_position_) return unknown(which, "no checkpoint was saved since the Drainer's start");
  // Rounded as the gauge is: the DDL's own save puts it at the barrier.
  auto const barrier = static_cast<std::int64_t>(static_cast<double>(demanded.barrier->value));
  return known(which, *best_position_ >= barrier,
               {{"position", *best_position_}, {"barrier", demanded.barrier->value}});
}

// Since when it holds without a break.
void drainer_case::date(evidence& found, milliseconds at) {
  auto& since = held_since_[static_cast<std::size_t>(found.name)];
  if (found.held != holding::yes) since.reset();
  if (found.held == holding::yes && !since) since = at;
  found.since = since;
}

judgement drainer_case::add(drainer_sample const& sample, requirements const& demanded, expected_pumps const& expected,
                            std::vector<evidence> const& more) {
  if (passed_since_ != demanded.since) passes_ = 0;
  passed_since_ = demanded.since;
  judgement judged;
  judged.found.push_back(shape(sample, demanded));
  auto const& status = sample.status;
  // An answer of another kind says nothing about this Drainer, unless the operator answers for the shape.
  auto const usable =
      status && (judged.found[0].held == holding::yes || demanded.accepted.contains(evidence_name::shape));
  auto const old = usable ? is_old(status->kind) : old_.value_or(demanded.kind && is_old(*demanded.kind));
  auto const unreadable = [&](evidence_name which) { judged.found.push_back(unknown(which, "no usable answer")); };
  if (usable) {
    judged.kind = demanded.kind && is_old(*demanded.kind) == old ? *demanded.kind : status->kind;
    judged.reported_synced = status->synced;
    judged.reached = old ? status->lower : status->last_ts;
    if (sample.now && !judged.reached->empty()) judged.lag = between(*judged.reached, *sample.now);
  } else {
    judged.kind = demanded.kind;
    passes_ = 0;
  }
  if (old) {
    auto const saved = applied(sample, demanded);
    usable ? judged.found.push_back(pumps_complete(*status, expected)) : unreadable(evidence_name::pumps_complete);
    usable ? judged.found.push_back(window(sample, demanded)) : unreadable(evidence_name::window);
    judged.found.push_back(drained(sample));
    judged.found.push_back(saved);
  } else {
    usable ? judged.found.push_back(pumps_complete(*status, expected)) : unreadable(evidence_name::pumps_complete);
    usable ? judged.found.push_back(last_ts(*status, demanded)) : unreadable(evidence_name::last_ts);
  }
  for (auto& found : judged.found) {
    date(found, sample.at);
    // One sample proves little: LastTS takes two, the window two looks of the Drainer at PD.
    auto const repeated = found.name == evidence_name::last_ts || found.name == evidence_name::window;
    if (found.held == holding::yes && repeated && passes_ < 2) found.held = holding::no;
  }
  judged.found.insert(judged.found.end(), more.begin(), more.end());
  for (auto& found : judged.found) found.required = found.required && !demanded.accepted.contains(found.name);
  conclude(judged, sample.at, demanded.stable_for);
  return judged;
}

void conclude(judgement& judged, milliseconds at, milliseconds stable_for) {
  auto const any = [&](holding held) {
    return std::any_of(judged.found.begin(), judged.found.end(),
                       [held](evidence const& each) { return each.required && each.held == held; });
  };
  judged.stable_at.reset();
  judged.verdict = any(holding::no) ? verdict::not_synced : any(holding::unknown) ? verdict::unknown : verdict::synced;
  if (judged.verdict != verdict::synced) return;
  milliseconds latest{0};
  for (auto const& each : judged.found)
    if (each.required) latest = std::max(latest, each.since.value_or(at));
  judged.stable_at = latest + stable_for;
  if (at < *judged.stable_at) judged.verdict = verdict::not_synced;
}

}  // namespace binlog
