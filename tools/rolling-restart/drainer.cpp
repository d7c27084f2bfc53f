#include "drainer.hpp"

#include <algorithm>
#include <charconv>

namespace rolling_restart {
namespace {

using core::errc;
using core::error;

std::optional<std::int64_t> number_in(std::string const& text) {
  std::int64_t number = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

core::result<checkpoint> start_from_initial(start_facts const& facts) {
  auto const initial = number_in(facts.initial_commit_ts);
  if (!initial || *initial < -1)
    return error{errc::no_checkpoint,
                 "cannot tell where the Drainer would go on: it has saved no checkpoint, and initial_commit_ts is " +
                     (facts.initial_commit_ts.empty() ? "not given" : "'" + facts.initial_commit_ts + "'"),
                 "set initial_commit_ts for this host"};
  if (*initial == -1 && facts.entry && !facts.accepts_initial_commit_ts)
    return error{errc::no_checkpoint,
                 "cannot start at initial_commit_ts -1: the Drainer is registered already, and would skip everything "
                 "written until now",
                 "set initial_commit_ts to a commit TS, or accept initial_commit_ts"};
  return checkpoint{*initial == -1 ? binlog::tso{} : binlog::tso{*initial}, "initial_commit_ts"};
}

core::result<void> check_still_held(start_facts const& facts, checkpoint const& from) {
  if (from.commit_ts.empty() && from.source == "initial_commit_ts" && facts.initial_commit_ts != "0") return {};
  for (auto const& pump : facts.pumps) {
    if (!pump.gc_ms)
      return error{errc::peers_not_ready,
                   "cannot tell whether Pump " + pump.id + " still holds what the Drainer reads first: its " +
                       "binlog_pump_storage_gc_ts can't be read",
                   "check that the Pump answers /metrics"};
    auto const purged = binlog::tso{static_cast<std::int64_t>(*pump.gc_ms) << 18};
    if (from.commit_ts.physical_ms() < purged.physical_ms())
      return error{errc::checkpoint_too_old,
                   "cannot start from commit TS " + binlog::describe(from.commit_ts) + " (" + from.source + "): Pump " +
                       pump.id + " has purged its binlogs up to " + binlog::describe(purged) +
                       ", and the Drainer would skip them without a word",
                   "the downstream has to be rebuilt from a backup, with the backup's commit TS as initial_commit_ts"};
  }
  return {};
}

bool every_position_moved(progress const& seen) {
  return std::all_of(seen.pumps.begin(), seen.pumps.end(), [&](std::string const& id) {
    auto const before = seen.first->pump_positions->find(id);
    return before == seen.first->pump_positions->end() || seen.status.pump_positions->at(id) > before->second;
  });
}

}  // namespace

std::optional<checkpoint> saved_checkpoint(start_facts const& facts) {
  if (facts.keeps_savepoint)
    return facts.savepoint ? std::optional(checkpoint{*facts.savepoint, "savepoint"}) : std::nullopt;
  if (!facts.entry || facts.entry->max_commit_ts.empty()) return std::nullopt;
  return checkpoint{facts.entry->max_commit_ts, "registry"};
}

core::result<checkpoint> judge_start(start_facts const& facts) {
  auto from = saved_checkpoint(facts);
  if (!from) {
    auto const had_one = facts.entry && !facts.entry->max_commit_ts.empty();
    if (had_one && !facts.accepts_initial_commit_ts)
      return error{errc::no_checkpoint,
                   "cannot start the Drainer: the registry says it had applied everything up to " +
                       binlog::describe(facts.entry->max_commit_ts) +
                       ", but its savepoint is gone, and it would begin again at initial_commit_ts " +
                       facts.initial_commit_ts,
                   "restore the file savepoint in its data directory; or set initial_commit_ts and accept it"};
    TRY_ASSIGN(from, start_from_initial(facts));
  }
  TRY(check_still_held(facts, *from));
  return *from;
}

std::string start_warning(start_facts const& facts, checkpoint const& from) {
  if (!from.commit_ts.empty() || from.source != "initial_commit_ts") return "";
  return "there is no checkpoint and initial_commit_ts is " + facts.initial_commit_ts +
         (facts.initial_commit_ts == "-1" ? ": it replicates only what is written from now on"
                                          : ": it begins with the oldest binlogs that the Pumps hold");
}

std::vector<std::string> pumps_to_read(binlog::registry const& registry) {
  std::vector<std::string> ids;
  for (auto const& pump : registry.pumps)
    if (pump.state != binlog::node_state::offline) ids.push_back(pump.id);
  return ids;
}

std::string why_not_replicating(progress const& seen, binlog::tso last_ts, bool moving) {
  auto const& positions = seen.status.pump_positions;
  if (!positions) return "it has not looked for Pumps yet";
  if (seen.pumps.empty()) return "the registry has no Pump to read from";
  for (auto const& id : seen.pumps)
    if (!positions->contains(id)) return "it does not read from Pump " + id;
  if (seen.status.last_ts < last_ts)
    return "its checkpoint " + binlog::describe(seen.status.last_ts) + " is older than " + binlog::describe(last_ts) +
           ", where it stood before";
  if (!moving) return "";
  if (seen.first && seen.first->pump_positions &&
      (seen.status.last_ts > seen.first->last_ts || every_position_moved(seen)))
    return "";
  return "neither its checkpoint nor its positions have moved since it was started";
}

}  // namespace rolling_restart
