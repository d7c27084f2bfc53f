#include "judge.hpp"

#include <algorithm>

#include "plan.hpp"

namespace decommission_legacy {

using core::errc;
using core::milliseconds;

namespace {

// PD's time is read twice over the network; a proof from further ahead is of another clock.
constexpr milliseconds most_ahead{5000};

std::string seconds(milliseconds age) { return std::to_string(age.count() / 1000) + " s"; }

}  // namespace

std::string joined(std::vector<std::string> const& texts) {
  std::string all;
  for (std::size_t i = 0; i < texts.size() && i < 5; ++i) all += (i > 0 ? ", " : "") + texts[i];
  return all + (texts.size() > 5 ? ", ..." : "");
}

void judge::refuse(errc code, std::string cause, std::string hint) {
  reasons_.push_back({code, "cannot stop " + s_.node_name() + ": " + std::move(cause), std::move(hint)});
}

void judge::unknown(std::string cause, std::string hint) { refuse(errc::unproven, std::move(cause), std::move(hint)); }

void judge::accept(std::string what) {
  if (std::find(used_.begin(), used_.end(), what) == used_.end()) used_.push_back(std::move(what));
}

void judge::tls() {
  auto const look = [this](core::error const& e) {
    auto const known = std::any_of(reasons_.begin(), reasons_.end(), [&](auto const& r) { return r.what == e.what; });
    if ((e.code == errc::tls_plaintext_peer || e.code == errc::tls_failed) && !known) reasons_.push_back(e);
  };
  if (!seen_.cluster_id) look(seen_.cluster_id.error());
  if (!seen_.old) look(seen_.old.error());
  for (auto const& pump : seen_.new_pumps)
    if (!pump.answer) look(pump.answer.error());
  for (auto const& drainer : seen_.new_drainers)
    if (!drainer.answer) look(drainer.answer.error());
  for (auto const& tidb : seen_.tidbs)
    if (!tidb.servers) look(tidb.servers.error());
}

void judge::proof() {
  if (!seen_.proof) return unknown("the proof was not read");
  if (!*seen_.proof) {
    reasons_.push_back(seen_.proof->error());
    return;
  }
  auto const& p = **seen_.proof;
  if (auto const gap = p.gap(); !gap.empty())
    refuse(errc::not_synced, "the proof does not prove that all is applied: " + gap, "run wait-synced again");
  for (auto const& d : p.drainers)
    if (!d.kind || !binlog::is_old(*d.kind)) {
      refuse(errc::no_proof, "the proof is about Drainer " + d.url + ", which is not of an old version",
             "take the proof of the old Drainers");
      break;
    }
  if (s_.is(component::drainer) && !seen_.proof_names_node)
    refuse(errc::no_proof, "the proof says nothing about this Drainer",
           "take the proof in which wait-synced watched " + s_.node_name() + " of this host");
  if (!seen_.now) return unknown("no new Pump gave PD's time, so the proof's age is not known");
  auto const age = binlog::between(p.taken, *seen_.now);
  if (p.synced && (age < -most_ahead || binlog::between(p.since, *seen_.now) < -most_ahead))
    refuse(errc::no_proof, "the proof is from the future (" + seconds(-age) + " ahead of PD's time)",
           "is it of another cluster?");
  else if (p.synced && age > s_.max_age)
    refuse(errc::proof_too_old,
           "the proof is " + seconds(age) + " old, older than max_age (" + seconds(s_.max_age) + ")",
           "run wait-synced again");
}

void judge::cluster() {
  auto const* const p = seen_.proof && *seen_.proof ? &**seen_.proof : nullptr;
  auto const wanted = s_.accept.abandoned ? *s_.accept.abandoned : p != nullptr ? p->cluster_id.value_or(0) : 0;
  if (s_.accept.abandoned) accept("abandon_data");
  if (seen_.cluster_id && wanted != 0 && *seen_.cluster_id != wanted)
    return refuse(errc::wrong_cluster,
                  std::string(s_.accept.abandoned ? "the cluster typed with abandon_data" : "the proof's cluster") +
                      " is " + std::to_string(wanted) + ", and PD's is " + std::to_string(*seen_.cluster_id),
                  "check evidence_file and pd_urls");
  if (seen_.cluster_id && wanted != 0) return;
  if (!s_.accept.abandoned && p == nullptr) return;  // said already
  if (s_.accept.cluster_id && !s_.accept.abandoned) return accept("cluster_id");
  unknown(wanted != 0 ? "PD does not tell its cluster id: " + seen_.cluster_id.error().what
                      : "the proof names no cluster id: wait-synced ran without pd_urls",
          "accept cluster_id says that it is the right one");
}

void judge::node() {
  for (auto const& mismatch : seen_.node.mismatches) refuse(errc::wrong_node, mismatch, "check what was given");
  if (!seen_.node.other_users.empty())
    refuse(errc::shared, "its data directory is in use by " + joined(seen_.node.other_users),
           "name the data directory of the old node");
  if (!seen_.node.process || !s_.is_binlog()) return;
  if (seen_.answers_as_old && *seen_.answers_as_old && !**seen_.answers_as_old)
    return refuse(errc::wrong_node, "it answers as one of the Cluster version, not as an old one",
                  "check port, deploy_dir and service");
  if (seen_.answers_as_old && !*seen_.answers_as_old && seen_.answers_as_old->error().code == errc::unproven)
    return unknown(seen_.answers_as_old->error().what, seen_.answers_as_old->error().hint);
  auto const entries = own_entries(s_, seen_);
  if (entries.size() > 1)
    return refuse(errc::node_ambiguous, "several entries of the old registry could be its own",
                  "give data_dir, so that its id is known");
  if (seen_.old && (entries.empty() || !entries.front().alive))
    unknown("it runs, but has no living key in the old registry of this PD" +
                (entries.empty() ? std::string() : ": " + entries.front().id),
            "check pd_urls; a node that is ending has none: run the same command again when it has ended");
}

bool judge::own(binlog::old_node const& entry) const {
  auto const mine = own_entries(s_, seen_);
  return std::any_of(mine.begin(), mine.end(), [&](binlog::old_node const& each) { return each.id == entry.id; });
}

void judge::others_gone(std::vector<binlog::old_node> const& entries, std::string const& kind) {
  for (auto const& entry : entries)
    if (entry.alive)
      refuse(errc::wrong_order, "old " + kind + " " + entry.id + " is not gone: its key in the registry lives",
             "retire it first; a key outlives its process by a minute at most");
}

void judge::absent(std::vector<absentee> const& all, bool told_gone) {
  for (auto const& each : all) {
    if (each.presence == presence::there)
      refuse(errc::wrong_order, each.what + " is not gone: it answers", "retire it first");
    else if (each.presence == presence::unknown && !told_gone)
      unknown("whether " + each.what + " is gone can't be told: " + each.cause,
              "its host must answer, or the registry be readable");
  }
}

void judge::order() {
  if (s_.is(component::drainer)) {
    if (!seen_.old && !s_.accept.registry) unknown("the old registry can't be read: " + seen_.old.error().what);
    if (!seen_.old && s_.accept.registry) accept("registry");
    return;
  }
  if (seen_.old) {
    others_gone(seen_.old->drainers, "Drainer");
    if (!s_.is(component::pump)) others_gone(seen_.old->pumps, "Pump");
  } else if (s_.accept.registry) {
    accept("registry");
  } else {
    unknown("the old registry can't be read: " + seen_.old.error().what,
            "check pd_urls; accept registry says that no old node is alive that must be gone");
  }
  absent(seen_.absentees, seen_.old.has_value());
  absent(seen_.brokers, true);  // what is unknown of them, ZooKeeper will tell
}

void judge::new_pumps() {
  for (auto const& pump : seen_.new_pumps) {
    auto const bad = [&](std::string const& cause) {
      refuse(errc::peers_not_ready, "new Pump " + pump.address + " is not online: " + cause,
             "bring the new Pumps up first");
    };
    if (!pump.answer) {
      bad(pump.answer.error().what);
      continue;
    }
    if (pump.answer->old) {
      bad("it is of an old version");
      continue;
    }
    auto const& nodes = pump.answer->nodes;
    auto const entry = std::find_if(nodes.begin(), nodes.end(), [&](auto const& n) { return n.host == pump.address; });
    if (entry == nodes.end())
      bad("the registry has none at this address");
    else if (entry->state != binlog::node_state::online)
      bad("the registry says " + std::string(name(entry->state)));
    else if (binlog::between(entry->update_ts, pump.answer->commit_ts) > most_age)
      bad("its entry is " + seconds(binlog::between(entry->update_ts, pump.answer->commit_ts)) + " old");
  }
}

void judge::new_drainers() {
  auto const since = seen_.proof && *seen_.proof ? std::optional((*seen_.proof)->since) : std::nullopt;
  for (auto const& drainer : seen_.new_drainers) {
    auto const bad = [&](std::string const& cause) {
      refuse(errc::drainers_not_ready, "new Drainer " + drainer.address + " is not ready: " + cause,
             "the new Drainers must run and be past the proof first");
    };
    if (!drainer.answer) {
      bad(drainer.answer.error().what);
      continue;
    }
    if (drainer.answer->kind != binlog::drainer_kind::cluster) {
      bad("it is of an old version");
      continue;
    }
    if (since && drainer.answer->last_ts <= *since)
      bad("its LastTS " + describe(drainer.answer->last_ts) + " is not past the proof's " + describe(*since));
    if (!seen_.drainers) {
      unknown("the registry of the new Drainers can't be read: " + seen_.drainers.error().what);
      continue;
    }
    auto const entry = std::find_if(seen_.drainers->begin(), seen_.drainers->end(),
                                    [&](auto const& n) { return n.host == drainer.address; });
    if (entry == seen_.drainers->end())
      bad("the registry has none at this address");
    else if (entry->state != binlog::node_state::online)
      bad("the registry says " + std::string(name(entry->state)));
  }
}

}  // namespace decommission_legacy
