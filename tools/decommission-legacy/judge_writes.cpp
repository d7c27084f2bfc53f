// Whether TiDBs still write to old Pumps, and whether the old Drainer still says what the proof says.
#include <algorithm>

#include "judge.hpp"

namespace decommission_legacy {

using core::errc;

void judge::tidb_servers() {
  for (auto const& tidb : seen_.tidbs) {
    if (!tidb.servers) {
      unknown("TiDB " + tidb.address + " does not tell what it writes to: " + tidb.servers.error().what);
      continue;
    }
    // On tells that it writes binlog, not to whom.
    if (!tidb.socket.empty())
      refuse(errc::still_written, "TiDB " + tidb.address + " writes to an old Pump's socket, " + tidb.socket,
             "take binlog-socket out of its configuration, and start it again");
    for (auto const& server : *tidb.servers) {
      if (server.binlog_status == "On") continue;
      // It writes no binlog at all: a gap downstream, where that is not rebuilt.
      if (server.binlog_status == "Off" && s_.accept.abandoned) continue;
      if (!server.binlog_status.empty())
        refuse(errc::still_written,
               "TiDB " + server.address + " has binlog_status " + server.binlog_status + ", not On",
               "switch every TiDB to the new Pumps first");
      else if (s_.accept.tidb_status)
        accept("tidb_status");
      else
        unknown("TiDB " + server.address + " does not tell its binlog_status",
                "versions before 2.1.19 and 3.0.6 do not: accept tidb_status says that it was switched");
    }
  }
}

void judge::quiet() {
  for (auto const& pump : seen_.old_pumps) {
    // Neither its calls nor its losses; whoever is connected to this host's own socket is refused all the same.
    if (without_metrics(pump.first, pump.second, "old Pump " + pump.address + " can't tell what is written to it",
                        binlog::quiet_by_hand))
      continue;
    if (!pump.first || !pump.second) {
      unknown("old Pump " + pump.address +
                  " does not tell what is written to it: " + (pump.first ? pump.second : pump.first).error().what,
              "it must run until the old Drainers are gone");
      continue;
    }
    if (pump.first->calls != pump.second->calls)
      refuse(errc::still_written, "a TiDB still writes to old Pump " + pump.address,
             "switch every TiDB to the new Pumps first");
    if (pump.second->lost <= 0 || s_.accept.abandoned) continue;
    if (s_.accept.loss)
      accept("loss");
    else
      refuse(errc::binlogs_lost,
             "old Pump " + pump.address + " has lost " + std::to_string(static_cast<long long>(pump.second->lost)) +
                 " binlogs that TiDB believes written",
             "the downstream differs already: rebuild it, or accept loss");
  }
}

void judge::writes() {
  if (seen_.socket_clients) {
    if (!*seen_.socket_clients)
      unknown("who is connected to its socket can't be told: " + seen_.socket_clients->error().what);
    else if (**seen_.socket_clients > 0)
      refuse(errc::still_written,
             std::to_string(**seen_.socket_clients) + " TiDB connection(s) to its socket " + seen_.node.socket,
             "switch the TiDB of this host to the new Pumps, and take binlog-socket out of its configuration");
  }
  tidb_servers();
}

void judge::on_the_spot() {
  if (!seen_.node.process || !seen_.drainer || !seen_.proof || !*seen_.proof) return;
  auto const& p = **seen_.proof;
  auto const disproved = [&](std::string const& cause) {
    refuse(errc::proof_disproved, "what it says now is not what the proof says: " + cause, "run wait-synced again");
  };
  auto const& [first, second] = *seen_.drainer;
  auto const untold =
      first.status && second.status &&
      without_metrics(first.metrics, second.metrics, "it can't tell whether all is applied",
                      std::string(binlog::drained_by_hand) + "; " + std::string(binlog::applied_by_hand));
  for (auto const* look : {&first, &second})
    if (!look->status || (!look->metrics && !untold))
      return unknown("it does not answer, though it runs: " +
                     (look->status ? look->metrics.error().what : look->status.error().what));
  auto const& status = *second.status;
  auto const old = std::find_if(p.drainers.begin(), p.drainers.end(),
                                [&](auto const& d) { return d.kind && is_old(*d.kind) == is_old(status.kind); });
  if (old == p.drainers.end()) return disproved("it answers as " + std::string(name(status.kind)));
  if (status.lower < p.since || status.lower.empty())
    disproved("Lower is " + describe(status.lower) + ", below the proof's " + describe(p.since));
  if (seen_.now && (status.upper.empty() || binlog::between(status.upper, *seen_.now) > most_age))
    disproved("Upper is " + describe(status.upper) + ", long before PD's time");
  if (!status.pumps) disproved("it has not looked at the registry yet");
  if (status.pumps) {
    std::set<std::string> const now(status.pumps->begin(), status.pumps->end());
    auto const same = std::any_of(p.drainers.begin(), p.drainers.end(),
                                  [&](auto const& d) { return d.pumps.empty() || d.pumps == now; });
    if (!same) disproved("PumpPos names other Pumps: " + joined(*status.pumps));
  }
  if (untold) return;
  if (first.metrics->queued != 0 || second.metrics->queued != 0) disproved("items are queued");
  if (first.metrics->events != second.metrics->events) disproved("it applies rows or statements");
  // Unset after a restart: what was saved is saved.
  auto const answered_for = std::find(p.accepted.begin(), p.accepted.end(), "applied") != p.accepted.end();
  if (p.barrier && !answered_for && second.metrics->position) {
    auto const barrier = static_cast<std::int64_t>(static_cast<double>(p.barrier->value));
    if (*second.metrics->position < barrier) disproved("its checkpoint is behind the barrier");
  }
}

}  // namespace decommission_legacy
