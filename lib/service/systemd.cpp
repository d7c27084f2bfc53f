#include "core/file.hpp"
#include "service/kinds.hpp"
#include "service/systemd_show.hpp"
#include "service/texts.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>

namespace service {
namespace {

using namespace std::chrono_literals;

// For a look, which no caller gives a deadline: systemd answers in milliseconds unless the host is in trouble.
constexpr auto look_for = 30s;

// A look so recent is enough to give an order by: another systemctl costs 10 ms, with the node down. Not to leave one
// out.
constexpr auto fresh_for = 1s;

bool is_up(unit_view const& view) {
  return view.activity == activity::running || view.activity == activity::restarting;
}

constexpr std::string_view drop_in_text =
    "# Written by tidb-binlog-upgrade for the time the node is down: its process must never be killed while it writes\n"
    "# its last data. Removed when the node is started again.\n"
    "[Service]\n"
    "SendSIGKILL=no\n"
    "KillSignal=SIGTERM\n"
    "Restart=no\n";

// Old systemd (CentOS 7: 219) takes 0 for no limit.
constexpr std::string_view patience_text = "TimeoutStopSec=0\nTimeoutStopSec=infinity\n";

class systemd : public supervisor {
 public:
  explicit systemd(settings const& settings)
      : unit_(settings.unit.ends_with(".service") ? settings.unit : settings.unit + ".service"),
        systemctl_(settings.systemctl),
        patient_(settings.patient),
        // sorts behind an administrator's override.conf, which else would win
        drop_in_(settings.runtime_units / (unit_ + ".d") / "zz-tidb-binlog-upgrade.conf") {}

  core::result<state> look() override {
    TRY_ASSIGN(auto view, show(core::deadline::after(look_for)));
    seen_ = {core::clock::now(), view};
    state result;
    result.activity = view.activity;
    result.main_pid = view.main_pid;
    result.masked = view.masked;
    result.known = view.known;
    result.restarts = view.restarts;
    result.description = std::move(view.description);
    if (!view.main_pid) {
      TRY_ASSIGN(result.leftover, members(view.control_group));
    }
    return result;
  }

  core::result<void> stop(std::optional<process::id> const& node, core::deadline deadline) override {
    TRY_ASSIGN(auto const view, seen_or_shown(true, deadline));
    TRY(check_node(view, node));
    if (!is_up(view)) return {};
    if (view.kills || (patient_ && !view.ending)) TRY(be_gentle(deadline));
    if (view.ending) return {};
    // Not waited for by systemctl: how long a node may take is the caller's to say.
    return control({"stop", "--no-block", unit_}, core::errc::system_failure, "stop", deadline);
  }

  core::result<void> hold(core::deadline deadline) override {
    TRY_ASSIGN(auto const view, show(deadline));
    return is_up(view) && (view.restarts_itself || patient_) ? be_gentle(deadline) : core::result<void>{};
  }

  core::result<void> start(core::deadline deadline) override {
    TRY_ASSIGN(auto view, seen_or_shown(false, deadline));
    if (view.needs_reload) {
      TRY(reload(deadline));
      TRY_ASSIGN(view, show(deadline));
    }
    if (!view.known)
      return core::error{core::errc::start_failed, "cannot start " + unit_ + ": systemd knows no such unit",
                         "deploy the unit file first, or name the right unit"};
    if (view.masked)
      return core::error{core::errc::service_masked, "cannot start " + unit_ + ": it is masked",
                         "somebody decided that it must not run; if it shall: systemctl unmask " + unit_};
    if (view.activity == activity::running && !view.ending) return {};
    TRY_ASSIGN(auto const leftover, members(view.control_group));
    if (!leftover.empty()) return still_alive(unit_, leftover);
    TRY(forget_gentleness(deadline));
    // Clears the start limit as well, which former failures may have used up. Fails where there is nothing to clear.
    TRY(call({"reset-failed", unit_}, deadline));
    return control({"start", unit_}, core::errc::start_failed, "start", deadline);
  }

  core::result<void> reload(core::deadline deadline) override {
    return control({"daemon-reload"}, core::errc::system_failure, "reload the units for", deadline);
  }

 private:
  // The unit as the last look saw it, if that was just now and it was up, or down, as the order to come wants it.
  core::result<unit_view> seen_or_shown(bool up, core::deadline deadline) {
    if (seen_ && is_up(seen_->view) == up && !seen_->view.ending && core::since(seen_->when) < fresh_for)
      return seen_->view;
    return show(deadline);
  }

  core::result<process::exit_report> call(std::vector<std::string> arguments, core::deadline deadline) {
    std::vector<std::string> argv{systemctl_, "--no-pager", "--no-ask-password"};
    argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
    return process::run({std::move(argv)}, deadline);
  }

  core::result<void> control(std::vector<std::string> arguments, core::errc code, std::string_view verb,
                             core::deadline deadline) {
    seen_.reset();
    TRY_ASSIGN(auto const done, call(std::move(arguments), deadline));
    if (done.exit_code == 0) return {};
    return core::error{code, fmt::format("cannot {} {}: {}", verb, unit_, last_words(done)),
                       "look at: systemctl status " + unit_};
  }

  core::result<unit_view> show(core::deadline deadline) {
    TRY_ASSIGN(auto const done, call({"show", "-p", std::string(shown_properties), unit_}, deadline));
    if (done.exit_code != 0)
      return core::error{core::errc::system_failure, fmt::format("cannot look at {}: {}", unit_, last_words(done)),
                         "check that systemd runs on this host (systemctl is-system-running)"};
    return parse_show(done.out);
  }

  // Living processes in the unit's control group, found from their side: the same for every cgroup layout.
  core::result<std::vector<pid_t>> members(std::string_view control_group) {
    TRY_ASSIGN(auto const pids, process::all_processes());
    std::vector<pid_t> found;
    for (auto const pid : pids)
      if (is_member(pid, control_group) && process::identify(pid)) found.push_back(pid);
    return found;
  }

  [[nodiscard]] bool is_member(pid_t pid, std::string_view control_group) const {
    auto const groups = process::control_groups(pid);
    return std::any_of(groups.begin(), groups.end(),
                       [&](auto const& group) { return belongs_to_unit(group, control_group, unit_); });
  }

  [[nodiscard]] core::result<void> check_node(unit_view const& view, std::optional<process::id> const& node) const {
    if (!node || !process::alive(*node) || view.main_pid == node->pid) return {};
    if (is_member(node->pid, view.control_group)) return {};
    return not_supervised(unit_, node->pid);
  }

  // No SIGKILL whatever the unit says, and no restart, by a drop-in that a reboot would take away, too.
  core::result<void> be_gentle(core::deadline deadline) {
    std::error_code ec;
    std::filesystem::create_directories(drop_in_.parent_path(), ec);
    if (ec) return core::system_error("create " + drop_in_.parent_path().string(), ec.value());
    TRY(core::replace_file(drop_in_, std::string(drop_in_text) + std::string(patient_ ? patience_text : "")));
    TRY(reload(deadline));
    TRY_ASSIGN(auto const view, show(deadline));
    if (!view.kills && !view.restarts_itself) return {};
    return core::error{core::errc::system_failure,
                       fmt::format("cannot stop {} safely: {} does not take effect", unit_, drop_in_.string()),
                       "set SendSIGKILL=no in the unit file, systemctl daemon-reload, and run the same command again"};
  }

  core::result<void> forget_gentleness(core::deadline deadline) {
    std::error_code ec;
    if (!std::filesystem::remove(drop_in_, ec))
      return ec ? core::system_error("remove " + drop_in_.string(), ec.value()) : core::result<void>{};
    std::filesystem::remove(drop_in_.parent_path(), ec);  // stays where somebody else's drop-ins are in it
    return reload(deadline);
  }

  struct sighting {
    core::clock::time_point when;
    unit_view view;
  };

  std::string unit_;
  std::string systemctl_;
  bool patient_;
  std::filesystem::path drop_in_;
  std::optional<sighting> seen_;
};

}  // namespace

std::unique_ptr<supervisor> open_systemd(settings const& settings) { return std::make_unique<systemd>(settings); }

}  // namespace service
