// What `systemctl show` says, understood. Nothing is run here.
#pragma once

#include "service/supervisor.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace service {

// The properties asked for. Old systemd (CentOS 7: 219) leaves out those it does not know.
inline constexpr std::string_view shown_properties =
    "LoadState,ActiveState,SubState,MainPID,NRestarts,UnitFileState,SendSIGKILL,KillSignal,TimeoutStopUSec,"
    "ControlGroup,NeedDaemonReload,Result,Restart";

struct unit_view {
  service::activity activity = activity::stopped;
  std::optional<pid_t> main_pid;
  bool known = true;
  bool masked = false;
  bool ending = false;          // a stop is under way
  bool kills = true;            // SIGKILL follows a stop timeout, or is the stop signal
  bool restarts_itself = true;  // whatever Restart= says but no
  bool needs_reload = false;    // the unit file changed since it was read
  std::uint64_t restarts = 0;
  std::string control_group;  // empty: none at the moment
  std::string description;    // "failed (failed): timeout"
};

// errc::bad_answer where ActiveState or LoadState is missing.
core::result<unit_view> parse_show(std::string_view text);

// Whether a control group (of a process) is that of the unit or below it. `shown` is the unit's ControlGroup; when
// empty, as after all of systemd's own processes ended, the group is told by the unit's name below slices only.
bool belongs_to_unit(std::string_view group, std::string_view shown, std::string_view unit);

}  // namespace service
