#include "plan.hpp"

#include <algorithm>
#include <array>

#include "judge.hpp"

namespace decommission_legacy {
namespace {

constexpr std::array<std::string_view, 10> step_names = {"verify", "record",  "hold",   "stop",  "deregistered",
                                                         "mask",   "settled", "unmask", "start", "proven"};

std::uint16_t port_of(std::string_view address) {
  auto const colon = address.rfind(':');
  if (colon == std::string_view::npos) return 0;
  unsigned port = 0;
  for (char const c : address.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > 65535) return 0;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return static_cast<std::uint16_t>(port);
}

core::json::array texts(std::vector<std::string> const& list) {
  core::json::array all;
  for (auto const& each : list) all.push_back(core::json::string(each));
  return all;
}

}  // namespace

std::vector<binlog::old_node> own_entries(settings const& s, snapshot const& seen) {
  if (!seen.old || !s.is_binlog()) return {};
  auto const& all = s.is(component::pump) ? seen.old->pumps : seen.old->drainers;
  std::vector<binlog::old_node> own;
  for (auto const& id : seen.node.ids)
    for (auto const& entry : all)
      if (own.empty() && entry.id == id) own.push_back(entry);
  if (!own.empty()) return own;
  for (auto const& entry : all) {
    auto const host = entry.host.substr(0, entry.host.rfind(':'));
    if (port_of(entry.host) == s.port && process::is_local(host, seen.local)) own.push_back(entry);
  }
  return own;
}

std::vector<core::error> reasons_not_to_stop(settings const& s, snapshot const& seen, std::vector<std::string>& used) {
  judge j(s, seen, used);
  j.tls();
  if (!s.accept.abandoned) j.proof();
  j.cluster();
  j.node();
  j.order();
  if (!s.accept.abandoned) {
    j.new_pumps();
    if (!s.is(component::drainer)) j.new_drainers();
  }
  if (s.is_binlog()) j.writes();
  return std::move(j).reasons();
}

std::vector<core::error> reasons_on_a_closer_look(settings const& s, snapshot const& seen,
                                                  std::vector<std::string>& used) {
  judge j(s, seen, used);
  if (s.is_binlog()) j.quiet();
  if (s.is(component::drainer) && !s.accept.abandoned) j.on_the_spot();
  if (!s.is_binlog()) j.users();
  return std::move(j).reasons();
}

std::vector<core::error> reasons_not_to_undo(settings const& s, snapshot const& seen) {
  std::vector<core::error> reasons;
  if (!s.is(component::drainer)) return reasons;
  for (auto const& drainer : seen.new_drainers) {
    auto const refused = !drainer.answer && drainer.answer.error().what.find("refused") != std::string::npos;
    if (drainer.answer)
      reasons.push_back({core::errc::wrong_order,
                         "cannot bring back the old Drainer: the new Drainer " + drainer.address +
                             " runs, and both would write to one downstream",
                         "stop the new Drainer first"});
    else if (!refused)
      reasons.push_back(
          {core::errc::unproven,
           "cannot tell whether the new Drainer " + drainer.address + " runs: " + drainer.answer.error().what,
           "stop it, and leave it out of new_drainers when you know that it is gone"});
  }
  return reasons;
}

core::json::object evidence_of(settings const& s, snapshot const& seen) {
  core::json::object out;
  if (seen.proof && *seen.proof) {
    auto const& p = **seen.proof;
    out["proof"] =
        core::json::object{{"since", p.since.value}, {"taken_ts", p.taken.value}, {"accepted", texts(p.accepted)}};
    if (seen.now) out["proof"].as_object()["age_s"] = binlog::between(p.taken, *seen.now).count() / 1000;
  }
  if (seen.cluster_id) out["cluster_id"] = *seen.cluster_id;
  if (seen.now) out["now"] = seen.now->value;
  core::json::array drainers;
  for (auto const& d : seen.new_drainers)
    if (d.answer) drainers.push_back(core::json::object{{"address", d.address}, {"last_ts", d.answer->last_ts.value}});
  if (!drainers.empty()) out["new_drainers"] = std::move(drainers);
  if (seen.drainer && seen.drainer->second.status) {
    auto const& status = *seen.drainer->second.status;
    out["window"] = core::json::object{{"lower", status.lower.value}, {"upper", status.upper.value}};
  }
  if (seen.socket_clients && *seen.socket_clients) out["socket_clients"] = **seen.socket_clients;
  if (seen.used) {
    if (seen.used->topics) out["topics"] = texts(*seen.used->topics);
    if (seen.used->groups) out["groups"] = texts(*seen.used->groups);
    if (seen.used->znodes) out["znodes"] = texts(*seen.used->znodes);
    if (seen.used->clients) out["clients"] = seen.used->clients->size();
  }
  if (seen.node.process) out["pid"] = seen.node.process->id.pid;
  if (s.has_unit()) out["unit"] = s.unit;
  return out;
}

beginning begin(std::optional<manifest> const& written, node_view const& node) {
  auto const told = written && written->stage >= stage::stopping && written->stage <= stage::retired;
  if (!told) return beginning::afresh;
  if (!node.process) return beginning::finish;
  auto const same = written->process && written->process->id == node.process->id;
  // Told, and another one runs now: somebody has started it again, which is judged like any running node.
  return same && written->stage == stage::signalled ? beginning::go_on : beginning::afresh;
}

std::string_view name(step step) { return step_names[static_cast<std::size_t>(step)]; }

std::vector<step> steps_of(settings const& s) {
  std::vector<step> steps;
  if (s.action == action::undo) {
    if (s.is_kept()) steps.push_back(step::unmask);
    steps.insert(steps.end(), {step::start, step::proven});
    return steps;
  }
  steps = {step::verify, step::record};
  if (s.has_unit()) steps.push_back(step::hold);
  steps.push_back(step::stop);
  if (s.is_binlog()) steps.push_back(step::deregistered);
  if (s.is_kept()) steps.push_back(step::mask);
  steps.push_back(step::settled);
  return steps;
}

}  // namespace decommission_legacy
