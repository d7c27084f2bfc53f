// What a call is going to do, computed from what it sees. Check mode prints it, a real call executes it.
#pragma once

#include "core/json.hpp"
#include "settings.hpp"

#include <string>
#include <vector>

namespace rolling_restart {

enum class step {
  stop,      // through the supervisor; until the process is gone
  undo,      // an unproven set of an earlier call is taken back
  activate,  // the staged files are renamed into place
  start,
  ready,   // proof that the node does its job
  stable,  // and goes on doing it
  commit,  // the set is the former one of the next upgrade
};
std::string_view name(step step);

struct situation {
  bool drainer = false;
  bool running = false;
  bool ready = false;  // answers, registered, online
  bool set_given = false;
  bool files_differ = false;          // the set's files and what is in place
  bool runs_installed_binary = true;  // the process runs what will lie at <deploy_dir>/bin/<component>
  bool in_flight = false;             // an earlier call left a set unproven
  bool in_flight_is_wanted = false;   // it is the set of this call, or this call names none
  bool in_flight_runs = false;        // completely activated before the running process started
  bool nothing_to_roll_back = false;  // the node is already on its former version
};

struct plan {
  std::vector<step> steps;  // empty: nothing to do
  std::string reason;       // why, for people

  [[nodiscard]] bool contains(step wanted) const;
};

plan make_plan(settings const& settings, situation const& situation);
core::json::array describe(plan const& plan, settings const& settings, files::manifest const* set);

}  // namespace rolling_restart
