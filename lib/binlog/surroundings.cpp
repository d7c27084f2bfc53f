#include "binlog/surroundings.hpp"

#include <algorithm>

#include "binlog/metrics_page.hpp"

namespace binlog {
namespace {

using core::milliseconds;

constexpr milliseconds max_age{30000};

evidence unknown(evidence_name name, std::string const& why) {
  return {.name = name, .required = true, .held = holding::unknown, .value = core::json::value(why)};
}

}  // namespace

template <class T>
bool surroundings::dated<T>::good(milliseconds now) const {
  return answer.has_value() && now - at <= max_age;
}

surroundings::surroundings(demands demanded)
    : demanded_(std::move(demanded)),
      pumps_(demanded_.pumps.size()),
      tidbs_(demanded_.tidbs.size()),
      sockets_(demanded_.tidbs.size()),
      writes_(demanded_.old_pumps),
      taken_(demanded_.new_pumps) {}

void surroundings::time(milliseconds at, tso fresh) {
  if (fresh_ && *fresh_ >= fresh) return;
  fresh_ = fresh;
  fresh_at_ = at;
}

void surroundings::pump(std::size_t number, milliseconds at, core::result<pump_answer> answer) {
  if (answer) time(at, answer->commit_ts);
  pumps_[number].at = at;
  pumps_[number].answer = std::move(answer);
}

void surroundings::registry(milliseconds at, core::result<registered_pumps> answer) {
  registry_.at = at;
  registry_.answer = std::move(answer);
}

void surroundings::tidb(std::size_t number, milliseconds at, core::result<std::vector<tidb_server>> answer,
                        std::string socket) {
  sockets_[number] = std::move(socket);
  tidbs_[number].at = at;
  tidbs_[number].answer = std::move(answer);
  auto const on = tidb_switched(at).held == holding::yes;
  if (!on) all_on_since_.reset();
  if (on && !all_on_since_) all_on_since_ = at;
}

void surroundings::writes(std::size_t number, milliseconds at, core::result<pump_writes> answer) {
  auto& last = writes_[number];
  // A counter that moved, went back (a restart) or could not be read: quiet from this look on at best.
  auto const same = answer && last.answer && answer->calls == last.answer->calls;
  last.at = at;
  last.answer = std::move(answer);
  auto const all = std::all_of(writes_.begin(), writes_.end(), [at](auto const& each) { return each.good(at); });
  if (!all)
    flat_since_.reset();
  else if (!same || !flat_since_)
    flat_since_ = at;
}

void surroundings::taken(std::size_t number, milliseconds at, core::result<double> answer) {
  taken_[number].at = at;
  taken_[number].answer = std::move(answer);
  auto const held = new_writes(at).held == holding::yes;
  if (!held) new_writes_since_.reset();
  if (held && !new_writes_since_) new_writes_since_ = at;
}

std::optional<tso> surroundings::now(milliseconds at) const {
  if (!fresh_ || at - fresh_at_ > max_age) return std::nullopt;
  return tso{fresh_->value + ((at - fresh_at_).count() << 18)};
}

std::optional<tso> surroundings::taken_after(milliseconds moment) const {
  if (fresh_at_ < moment) return std::nullopt;
  return fresh_;
}

void surroundings::expect_from_cluster(std::set<std::string>& ids, expected_pumps& all, milliseconds at) const {
  std::vector<node> nodes;  // as every Pump sees them: whom one of them knows is expected
  std::string last_error;
  for (auto const& each : pumps_) {
    if (each.good(at) && !each.answer->old)
      nodes.insert(nodes.end(), each.answer->nodes.begin(), each.answer->nodes.end());
    if (!each.answer) last_error = each.answer.error().what;
    if (each.answer && each.answer->old)
      last_error = "Pumps of an old version were given for a cluster-version Drainer";
  }
  auto const from_pumps = !nodes.empty();
  if (demanded_.registry && registry_.good(at))
    nodes.insert(nodes.end(), registry_.answer->cluster.begin(), registry_.answer->cluster.end());
  for (auto const& node : nodes)
    if (node.state != node_state::offline) ids.insert(node.id);
  if (!demanded_.pumps.empty() && !from_pumps)
    all.unknown_because = "no Pump gives the registry: " + last_error;
  else if (demanded_.registry && demanded_.pumps.empty() && demanded_.expected_ids.empty() && !registry_.good(at))
    all.unknown_because = "PD does not give the registry: " + registry_.answer.error().what;
  for (std::size_t i = 0; i < pumps_.size() && from_pumps; ++i) {
    std::vector<std::string> gone;
    bool alive = false;
    for (auto const& node : nodes) {
      if (node.host != demanded_.pumps[i]) continue;
      alive = alive || node.state != node_state::offline;
      gone.push_back(node.id);
    }
    // Expected because it was given, though it is offline; an offline leftover beside a living one is not.
    if (!alive) ids.insert(gone.begin(), gone.end());
    if (gone.empty() && !pumps_[i].good(at))
      all.unknown_because = "Pump " + demanded_.pumps[i] + " neither answers nor is registered under this address";
  }
}

void surroundings::expect_from_old(std::set<std::string>& ids, expected_pumps& all, milliseconds at) const {
  std::set<std::string> seen;
  std::string last_error = "Pumps of the cluster version were given for an old Drainer";
  bool any = false;
  for (auto const& each : pumps_) {
    if (each.good(at) && each.answer->old) {
      seen.insert(each.answer->old_ids.begin(), each.answer->old_ids.end());
      any = true;
    } else if (!each.answer) {
      last_error = each.answer.error().what;
    }
  }
  auto const registered = demanded_.registry && registry_.good(at);
  if (registered) {
    for (auto const& pump : registry_.answer->old) {
      if (pump.offline_ts.empty())
        seen.insert(pump.id);
      else
        all.offline.push_back(pump);
    }
  }
  std::erase_if(all.offline, [&](auto const& pump) { return seen.contains(pump.id); });
  ids.insert(seen.begin(), seen.end());
  auto const given = pumps_.size();
  if (given > 0 && !any)
    all.unknown_because = "no old Pump tells whom it knows: " + last_error;
  else if (given > ids.size() + all.offline.size())
    all.unknown_because =
        "only " + std::to_string(ids.size()) + " of " + std::to_string(given) + " Pumps are registered";
  else if (demanded_.registry && given == 0 && demanded_.expected_ids.empty() && !registered)
    all.unknown_because = "PD does not give the registry: " + registry_.answer.error().what;
}

expected_pumps surroundings::expected(bool old, milliseconds at) const {
  expected_pumps all;
  std::set<std::string> ids(demanded_.expected_ids.begin(), demanded_.expected_ids.end());
  if (demanded_.pumps.empty() && demanded_.expected_ids.empty() && !demanded_.registry)
    all.unknown_because = "neither pumps, expected_pumps nor pd_urls says which Pumps there are";
  else if (old)
    expect_from_old(ids, all, at);
  else
    expect_from_cluster(ids, all, at);
  all.ids.assign(ids.begin(), ids.end());
  return all;
}

evidence surroundings::tidb_switched(milliseconds at) const {
  auto const which = evidence_name::tidb_switched;
  core::json::object others;
  std::string silent;
  for (auto const& each : tidbs_) {
    if (!each.good(at)) return unknown(which, each.answer ? "a TiDB stopped answering" : each.answer.error().what);
    if (each.answer->size() < tidbs_.size())
      return unknown(which, "a TiDB lists fewer servers than were given: one of them is not of its cluster, or down");
    for (auto const& server : *each.answer) {
      if (server.binlog_status.empty()) silent = server.address;
      if (!server.binlog_status.empty() && server.binlog_status != "On") others[server.address] = server.binlog_status;
    }
  }
  for (std::size_t i = 0; i < sockets_.size(); ++i)
    if (!sockets_[i].empty()) others[demanded_.tidbs[i]] = "writes to " + sockets_[i];
  if (others.empty() && !silent.empty())
    return unknown(which, "TiDB " + silent + " is of a version that does not tell whether it writes binlogs");
  auto const on = others.empty();
  return {.name = which,
          .required = true,
          .held = on ? holding::yes : holding::no,
          .value = core::json::object{{"not_on", others}},
          .since = all_on_since_};
}

evidence surroundings::old_writes_flat(milliseconds at) const {
  auto const which = evidence_name::old_writes_flat;
  double calls = 0;
  for (auto const& each : writes_) {
    if (!each.good(at))
      return unknown(which, each.answer ? "an old Pump stopped answering" : cause(each.answer.error(), quiet_by_hand));
    calls += each.answer->calls;
  }
  auto const quiet = flat_since_ ? at - *flat_since_ : milliseconds(0);
  return {.name = which,
          .required = true,
          .held = quiet > milliseconds(0) ? holding::yes : holding::no,
          .value = core::json::object{{"calls", calls}, {"flat_ms", quiet.count()}},
          .since = flat_since_};
}

// Which TiDB wrote them no Pump tells. One that is silent is no matter where the others have enough.
evidence surroundings::new_writes(milliseconds at) const {
  double binlogs = 0;
  std::string silent;
  for (auto const& each : taken_) {
    if (each.good(at))
      binlogs += *each.answer;
    else
      silent = each.answer ? "a new Pump stopped answering" : each.answer.error().what;
  }
  auto const wanted = static_cast<double>(std::max<std::size_t>(1, demanded_.tidbs.size()));
  if (binlogs < wanted && !silent.empty()) return unknown(evidence_name::new_writes, silent);
  return {.name = evidence_name::new_writes,
          .required = true,
          .held = binlogs < wanted ? holding::no : holding::yes,
          .value = core::json::object{{"binlogs", binlogs}, {"wanted", wanted}},
          .since = new_writes_since_};
}

std::vector<evidence> surroundings::switched(milliseconds at) const {
  std::vector<evidence> found;
  if (!tidbs_.empty()) found.push_back(tidb_switched(at));
  if (!writes_.empty()) found.push_back(old_writes_flat(at));
  if (!taken_.empty()) found.push_back(new_writes(at));
  return found;
}

std::map<std::size_t, double> surroundings::lost() const {
  std::map<std::size_t, double> all;
  for (std::size_t i = 0; i < writes_.size(); ++i)
    if (writes_[i].answer && writes_[i].answer->lost > 0) all[i] = writes_[i].answer->lost;
  return all;
}

}  // namespace binlog
