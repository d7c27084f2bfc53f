#include "service/systemd_show.hpp"

#include <fmt/format.h>
#include <charconv>

namespace service {
namespace {

using properties = std::map<std::string, std::string, std::less<>>;

properties split(std::string_view text) {
  properties result;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    auto const equals = line.find('=');
    if (equals != std::string_view::npos) result.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return result;
}

std::string_view get(properties const& all, std::string_view name) {
  auto const found = all.find(name);
  return found == all.end() ? std::string_view{} : std::string_view(found->second);
}

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

activity activity_of(std::string_view active, std::string_view sub, bool has_main) {
  if (active == "failed") return activity::failed;
  if (active == "inactive" || active == "maintenance") return activity::stopped;
  if (sub.starts_with("auto-restart")) return activity::restarting;
  if (has_main || active == "active" || active == "reloading") return activity::running;
  // activating without a main process yet (ExecStartPre), deactivating without one any more (ExecStopPost)
  return activity::restarting;
}

}  // namespace

core::result<unit_view> parse_show(std::string_view text) {
  auto const all = split(text);
  auto const active = get(all, "ActiveState");
  auto const load = get(all, "LoadState");
  if (active.empty() || load.empty())
    return core::error{core::errc::bad_answer, "cannot read the state of the unit: systemctl show gave no ActiveState",
                       "check that systemd runs on this host (systemctl is-system-running)"};
  unit_view view;
  auto const sub = get(all, "SubState");
  if (auto const pid = number<pid_t>(get(all, "MainPID")); pid > 0) view.main_pid = pid;
  view.activity = activity_of(active, sub, view.main_pid.has_value());
  view.known = load != "not-found";
  view.masked = load == "masked" || get(all, "UnitFileState").starts_with("masked");
  view.ending = active == "deactivating";
  view.kills = get(all, "SendSIGKILL") != "no" || get(all, "KillSignal") == "9";
  view.restarts_itself = get(all, "Restart") != "no";
  view.needs_reload = get(all, "NeedDaemonReload") == "yes";
  view.restarts = number<std::uint64_t>(get(all, "NRestarts"));
  view.control_group = get(all, "ControlGroup");
  auto const result = get(all, "Result");
  view.description = fmt::format("{} ({}){}{}", active, sub, result.empty() || result == "success" ? "" : ": ",
                                 result == "success" ? "" : result);
  if (load != "loaded") view.description += fmt::format(", {}", load);
  return view;
}

bool belongs_to_unit(std::string_view group, std::string_view shown, std::string_view unit) {
  if (!shown.empty() && shown != "/")
    return group.starts_with(shown) && (group.size() == shown.size() || group[shown.size()] == '/');
  // Components above the unit must be slices: not a container's unit of that name, nor one of a user's systemd.
  while (group.starts_with('/')) {
    group.remove_prefix(1);
    auto const component = group.substr(0, group.find('/'));
    if (component == unit) return true;
    if (!component.ends_with(".slice")) return false;
    group.remove_prefix(component.size());
  }
  return false;
}

}  // namespace service
