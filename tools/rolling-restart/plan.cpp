#include "plan.hpp"

#include <algorithm>

namespace rolling_restart {
namespace {

std::vector<step> proof_and_commit(bool set_in_flight) {
  std::vector<step> steps{step::start, step::ready, step::stable};
  if (set_in_flight) steps.push_back(step::commit);
  return steps;
}

plan bring_up(settings const& settings, situation const& s, std::string reason) {
  plan p{{}, std::move(reason)};
  if (s.running) p.steps.push_back(step::stop);
  auto const abandons_former_try = s.in_flight && !s.in_flight_is_wanted;
  if (abandons_former_try) p.steps.push_back(step::undo);
  auto const activates = settings.action == action::rollback || s.in_flight_is_wanted ||
                         (s.set_given && s.files_differ) || (s.set_given && abandons_former_try);
  if (activates) p.steps.push_back(step::activate);
  for (auto const next : proof_and_commit(activates)) p.steps.push_back(next);
  return p;
}

plan plan_of_stop(settings const& settings, situation const& s) {
  if (!s.running) return {{}, settings.node_name() + " is down already"};
  return {{step::stop}, "asked to stop"};
}

}  // namespace

std::string_view name(step step) {
  switch (step) {
    case step::stop:
      return "stop";
    case step::undo:
      return "undo";
    case step::activate:
      return "activate";
    case step::start:
      return "start";
    case step::ready:
      return "ready";
    case step::stable:
      return "stable";
    case step::commit:
      return "commit";
  }
  return "";
}

bool plan::contains(step wanted) const { return std::find(steps.begin(), steps.end(), wanted) != steps.end(); }

plan make_plan(settings const& settings, situation const& s) {
  auto const node = settings.node_name();
  if (settings.action == action::stop) return plan_of_stop(settings, s);
  if (s.in_flight && s.in_flight_is_wanted && s.in_flight_runs && s.ready)
    return {{step::ready, step::stable, step::commit}, node + " runs a set that an earlier call activated: proven now"};
  if (settings.action == action::start && s.running && !s.in_flight && !s.ready)
    return {{step::ready, step::stable}, node + " runs already: waited for"};
  if (s.in_flight)
    return bring_up(settings, s,
                    s.in_flight_is_wanted ? "an earlier call left this set half done: finished now"
                                          : "an earlier call left another set unproven: taken back first");
  if (settings.action == action::rollback) {
    if (s.nothing_to_roll_back && s.running && s.ready) return {{}, node + " is on its former version already"};
    return bring_up(settings, s, "back to the former version");
  }
  if (!s.running) return bring_up(settings, s, node + " is down");
  auto const differs = (s.set_given && s.files_differ) || !s.runs_installed_binary || settings.force;
  // It may be loading DDL history, or its downstream be away: a restart would only begin the wait again.
  if (!s.ready && s.drainer && !differs) return {{step::ready, step::stable}, node + " runs already: waited for"};
  if (!s.ready) return bring_up(settings, s, node + " runs but does not do its job");
  if (s.set_given && s.files_differ) return bring_up(settings, s, "the staged files differ from those in place");
  if (!s.runs_installed_binary) return bring_up(settings, s, node + " still runs the file that was replaced");
  if (settings.force) return bring_up(settings, s, "asked to restart although nothing differs");
  return {{}, node + " runs this set and is ready"};
}

core::json::array describe(plan const& plan, settings const& settings, files::manifest const* set) {
  core::json::array steps;
  auto const node = settings.node_name();
  for (auto const s : plan.steps) {
    core::json::object entry{{"step", name(s)}};
    if (s == step::stop) entry["what"] = "stop " + node + " through its supervisor and wait for the process to end";
    if (s == step::undo) entry["what"] = "put the files back that an earlier call replaced and never proved";
    if (s == step::start) entry["what"] = "start " + node;
    if (s == step::ready) entry["what"] = "prove " + node + ": own answer, registry entry, executable";
    if (s == step::stable) entry["what"] = "the same process stays so for the stable time";
    if (s == step::commit) entry["what"] = "keep this set as the former version of the next upgrade";
    if (s == step::activate) {
      core::json::array dests;
      if (set != nullptr)
        for (auto const& file : set->files) dests.push_back(core::json::string(file.dest.string()));
      entry["what"] = "rename the staged files into place";
      entry["files"] = std::move(dests);
    }
    steps.push_back(std::move(entry));
  }
  return steps;
}

}  // namespace rolling_restart
