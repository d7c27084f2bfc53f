#include "service/systemd_show.hpp"

#include "../process/support.hpp"

using service::activity;

namespace {

// As systemd 252 prints it, properties in no order of ours.
std::string shown(std::string const& active, std::string const& sub, std::string const& pid,
                  std::string const& more = {}) {
  return "Restart=on-failure\nTimeoutStopUSec=1min 30s\nMainPID=" + pid +
         "\nNRestarts=3\nControlGroup=\nKillSignal=15\n" + "SendSIGKILL=no\nLoadState=loaded\nActiveState=" + active +
         "\nSubState=" + sub + "\nUnitFileState=disabled\nNeedDaemonReload=no\n" + more;
}

}  // namespace

TEST_CASE("understands what systemctl show says of a unit", "[service]") {
  struct row {
    char const* active;
    char const* sub;
    char const* pid;
    activity expected;
  };
  for (auto const& r :
       {row{"active", "running", "7", activity::running}, row{"inactive", "dead", "0", activity::stopped},
        row{"failed", "failed", "0", activity::failed}, row{"activating", "auto-restart", "0", activity::restarting},
        row{"activating", "auto-restart-queued", "0", activity::restarting},
        row{"activating", "start-pre", "0", activity::restarting}, row{"activating", "start", "7", activity::running},
        row{"deactivating", "stop-sigterm", "7", activity::running},
        row{"deactivating", "stop-post", "0", activity::restarting}}) {
    INFO(r.active << " " << r.sub);
    auto const view = service::parse_show(shown(r.active, r.sub, r.pid));
    REQUIRE(view);
    CHECK(view->activity == r.expected);
    CHECK(view->main_pid.value_or(0) == std::stoi(r.pid));
    CHECK(view->ending == (std::string(r.active) == "deactivating"));
    CHECK(view->restarts == 3);
    CHECK(view->known);
    CHECK_FALSE(view->masked);
    CHECK_FALSE(view->kills);
    CHECK(view->restarts_itself);
  }
}

TEST_CASE("a unit that kills is told by its settings, and unless proven otherwise", "[service]") {
  CHECK(service::parse_show("LoadState=loaded\nActiveState=active\nSubState=running\nSendSIGKILL=yes\n")->kills);
  CHECK(service::parse_show("LoadState=loaded\nActiveState=active\nSubState=running\n")->kills);
  CHECK(service::parse_show("LoadState=loaded\nActiveState=active\nSendSIGKILL=no\nKillSignal=9\n")->kills);
}

TEST_CASE("masked and missing units are known as such", "[service]") {
  auto const masked = service::parse_show("LoadState=masked\nActiveState=inactive\nSubState=dead\n");
  CHECK(masked->masked);
  CHECK(masked->known);
  CHECK(service::parse_show(shown("inactive", "dead", "0", "UnitFileState=masked-runtime\n"))->masked == false);
  CHECK(service::parse_show("LoadState=loaded\nUnitFileState=masked-runtime\nActiveState=active\n")->masked);
  auto const missing = service::parse_show("LoadState=not-found\nActiveState=inactive\nSubState=dead\n");
  CHECK_FALSE(missing->known);
  CHECK(missing->description == "inactive (dead), not-found");
}

TEST_CASE("systemd 219 knows neither NRestarts nor some states", "[service]") {
  auto const view = service::parse_show(
      "MainPID=1234\nResult=success\nControlGroup=/system.slice/pump-8250.service\nKillSignal=15\nSendSIGKILL=no\n"
      "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=disabled\nNeedDaemonReload=no\n"
      "Restart=on-failure\n");
  REQUIRE(view);
  CHECK(view->main_pid == 1234);
  CHECK(view->restarts == 0);
  CHECK(view->description == "active (running)");
}

TEST_CASE("no answer is not an answer", "[service]") {
  for (auto const* text : {"", "ActiveState=active\n", "LoadState=loaded\n", "Failed to connect to bus\n"}) {
    auto const view = service::parse_show(text);
    REQUIRE_FALSE(view);
    CHECK(view.error().code == core::errc::bad_answer);
  }
}

TEST_CASE("tells processes of the unit from others by their control group", "[service]") {
  auto const unit = "pump-8250.service";
  auto const shown_group = "/system.slice/pump-8250.service";
  CHECK(service::belongs_to_unit("/system.slice/pump-8250.service", shown_group, unit));
  CHECK(service::belongs_to_unit("/system.slice/pump-8250.service/sub", shown_group, unit));
  CHECK_FALSE(service::belongs_to_unit("/system.slice/pump-8250.service2", shown_group, unit));
  CHECK_FALSE(service::belongs_to_unit("/docker/7/system.slice/pump-8250.service", shown_group, unit));
  for (auto const* nothing : {"", "/"}) {
    CHECK(service::belongs_to_unit("/system.slice/pump-8250.service", nothing, unit));
    CHECK(service::belongs_to_unit("/a.slice/a-b.slice/pump-8250.service/sub", nothing, unit));
    CHECK_FALSE(service::belongs_to_unit("/docker/7/system.slice/pump-8250.service", nothing, unit));
    CHECK_FALSE(service::belongs_to_unit("/user.slice/user-1.slice/user@1.service/pump-8250.service", nothing, unit));
    CHECK_FALSE(service::belongs_to_unit("/system.slice/pump-82501.service", nothing, unit));
    CHECK_FALSE(service::belongs_to_unit("/", nothing, unit));
    CHECK_FALSE(service::belongs_to_unit("", nothing, unit));
  }
}
