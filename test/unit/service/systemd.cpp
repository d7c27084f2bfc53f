// systemd through a systemctl of the tests' own, which replays recorded answers and writes down what it is asked.
#include "support.hpp"

using namespace support;
using service::activity;

namespace {

class fake_systemd {
 public:
  fake_systemd() {
    write_file(dir / "systemctl", R"(#!/bin/sh
here=$(dirname "$0")
[ "$1 $2" = "--no-pager --no-ask-password" ] || exit 100
shift 2
echo "$*" >>"$here/calls"
verb=$1
[ -e "$here/$verb.fails" ] && { cat "$here/$verb.fails" >&2; exit 1; }
drop_in=$here/units/pump-8250.service.d/zz-tidb-binlog-upgrade.conf
case $verb in
  show)
    if [ -e "$here/gentle" ]; then sed 's/^SendSIGKILL=.*/SendSIGKILL=no/; s/^Restart=.*/Restart=no/' "$here/show"
    else cat "$here/show"; fi ;;
  daemon-reload)
    sed -i 's/^NeedDaemonReload=.*/NeedDaemonReload=no/' "$here/show"
    if [ -e "$drop_in" ] && ! [ -e "$here/ignores-drop-ins" ]; then : >"$here/gentle"; else rm -f "$here/gentle"; fi ;;
esac
exit 0
)",
               true);
    settings.unit = "pump-8250";
    settings.systemctl = dir / "systemctl";
    settings.runtime_units = dir / "units";
    set(running("0"));
  }

  static std::string unit(std::string const& active, std::string const& sub, std::string const& pid) {
    return "Restart=on-failure\nMainPID=" + pid + "\nNRestarts=0\nControlGroup=\nKillSignal=15\nSendSIGKILL=no\n" +
           "LoadState=loaded\nActiveState=" + active + "\nSubState=" + sub +
           "\nUnitFileState=disabled\nNeedDaemonReload=no\n";
  }
  static std::string running(std::string const& pid) { return unit("active", "running", pid); }

  void set(std::string const& shown) const { write_file(dir / "show", shown); }
  void fails(std::string const& verb, std::string const& words) const { write_file(dir / (verb + ".fails"), words); }
  // What was asked besides `show`.
  [[nodiscard]] std::string orders() const {
    std::istringstream text(content_of(dir / "calls"));
    std::string result;
    for (std::string line; std::getline(text, line);)
      if (!line.starts_with("show ")) result += line + "\n";
    return result;
  }
  [[nodiscard]] std::ptrdiff_t looks() const {
    auto const calls = content_of(dir / "calls");
    auto const others = orders();
    return std::count(calls.begin(), calls.end(), '\n') - std::count(others.begin(), others.end(), '\n');
  }
  [[nodiscard]] std::filesystem::path drop_in() const {
    return dir / "units/pump-8250.service.d/zz-tidb-binlog-upgrade.conf";
  }
  [[nodiscard]] std::unique_ptr<service::supervisor> open() const { return service::open(settings); }

  temp_dir dir;
  service::settings settings{service::kind::systemd};
};

std::string replaced(std::string text, std::string const& from, std::string const& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("systemd: looks at a running unit", "[service]") {
  fake_systemd fake;
  fake.set(fake.running("4711"));
  auto const state = fake.open()->look();
  REQUIRE(state);
  CHECK(state->activity == activity::running);
  CHECK(state->main_pid == 4711);
  CHECK(state->leftover.empty());
  CHECK(state->description == "active (running)");
  CHECK(content_of(fake.dir / "calls").ends_with(" pump-8250.service\n"));
}

TEST_CASE("systemd: stops without waiting, and changes nothing on tidb-ansible's units", "[service]") {
  fake_systemd fake;
  fake.set(fake.running(std::to_string(::getpid())));
  REQUIRE(fake.open()->stop(process::identify(::getpid()), soon()));
  CHECK(fake.orders() == "stop --no-block pump-8250.service\n");
  CHECK_FALSE(std::filesystem::exists(fake.drop_in()));
}

TEST_CASE("systemd: makes a unit that kills harmless before it stops it, and as it was before it starts", "[service]") {
  fake_systemd fake;
  auto const kills = replaced(fake.running("4711"), "SendSIGKILL=no", "SendSIGKILL=yes");
  fake.set(kills);
  REQUIRE(fake.open()->stop(std::nullopt, soon()));
  CHECK(fake.orders() == "daemon-reload\nstop --no-block pump-8250.service\n");
  CHECK(content_of(fake.drop_in()).find("\nSendSIGKILL=no\n") != std::string::npos);

  fake.set(replaced(fake.unit("inactive", "dead", "0"), "SendSIGKILL=no", "SendSIGKILL=yes"));
  REQUIRE(fake.open()->start(soon()));
  CHECK_FALSE(std::filesystem::exists(fake.drop_in().parent_path()));
  CHECK(fake.orders().ends_with("daemon-reload\nreset-failed pump-8250.service\nstart pump-8250.service\n"));
}

TEST_CASE("systemd: a unit that can't be made harmless is not stopped", "[service]") {
  fake_systemd fake;
  fake.set(replaced(fake.running("4711"), "SendSIGKILL=no", "SendSIGKILL=yes"));
  write_file(fake.dir / "ignores-drop-ins", "");
  auto const stopped = fake.open()->stop(std::nullopt, soon());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == core::errc::system_failure);
  CHECK(fake.orders() == "daemon-reload\n");
}

TEST_CASE("systemd: a stop somebody else began is made harmless, not repeated", "[service]") {
  fake_systemd fake;
  fake.set(replaced(fake.unit("deactivating", "stop-sigterm", "4711"), "SendSIGKILL=no", "SendSIGKILL=yes"));
  REQUIRE(fake.open()->stop(std::nullopt, soon()));
  CHECK(fake.orders() == "daemon-reload\n");
  CHECK(std::filesystem::exists(fake.drop_in()));
}

TEST_CASE("systemd: what is down is not stopped; what tries again is", "[service]") {
  fake_systemd fake;
  for (auto const* down : {"inactive", "failed"}) {
    fake.set(fake.unit(down, "dead", "0"));
    REQUIRE(fake.open()->stop(std::nullopt, soon()));
  }
  CHECK(fake.orders().empty());
  fake.set(fake.unit("activating", "auto-restart", "0"));
  CHECK(fake.open()->look()->activity == activity::restarting);
  REQUIRE(fake.open()->stop(std::nullopt, soon()));
  CHECK(fake.orders() == "stop --no-block pump-8250.service\n");
}

TEST_CASE("systemd: a process that is not the unit's is not stopped through it", "[service]") {
  fake_systemd fake;
  fake.set(fake.running("4711"));
  auto const stopped = fake.open()->stop(process::identify(::getpid()), soon());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == core::errc::node_ambiguous);
  CHECK(fake.orders().empty());
}

TEST_CASE("systemd: hold forbids the restart of what ends by itself", "[service]") {
  fake_systemd fake;
  fake.set(fake.running("4711"));
  REQUIRE(fake.open()->hold(soon()));
  CHECK(content_of(fake.drop_in()).find("\nRestart=no\n") != std::string::npos);
  CHECK(fake.orders() == "daemon-reload\n");
}

TEST_CASE("systemd: hold has nothing to do where nothing would be restarted", "[service]") {
  fake_systemd fake;
  fake.set(replaced(fake.running("4711"), "Restart=on-failure", "Restart=no"));
  REQUIRE(fake.open()->hold(soon()));
  fake.set(fake.unit("inactive", "dead", "0"));
  REQUIRE(fake.open()->hold(soon()));
  CHECK(fake.orders().empty());
}

TEST_CASE("systemd: starts, and leaves alone what runs", "[service]") {
  fake_systemd fake;
  REQUIRE(fake.open()->start(soon()));
  CHECK(fake.orders().empty());
  fake.set(fake.unit("failed", "failed", "0"));
  REQUIRE(fake.open()->start(soon()));
  CHECK(fake.orders() == "reset-failed pump-8250.service\nstart pump-8250.service\n");
}

TEST_CASE("systemd: an order follows a look just taken; to leave one out takes a look of its own", "[service]") {
  fake_systemd fake;
  auto const supervisor = fake.open();
  fake.set(fake.running("4711"));
  REQUIRE(supervisor->look());
  REQUIRE(supervisor->stop(std::nullopt, soon()));
  fake.set(fake.unit("inactive", "dead", "0"));
  REQUIRE(supervisor->look());
  REQUIRE(supervisor->start(soon()));
  CHECK(fake.looks() == 2);
  fake.set(fake.running("4712"));
  REQUIRE(supervisor->start(soon()));
  CHECK(fake.looks() == 3);
  CHECK(fake.orders() ==
        "stop --no-block pump-8250.service\nreset-failed pump-8250.service\nstart pump-8250.service\n");

  REQUIRE(supervisor->look());
  fake.set(fake.unit("inactive", "dead", "0"));  // meanwhile it has ended
  REQUIRE(supervisor->start(soon()));
  CHECK(fake.orders().ends_with("start pump-8250.service\nreset-failed pump-8250.service\nstart pump-8250.service\n"));
}

TEST_CASE("systemd: reads a changed unit file before it starts", "[service]") {
  fake_systemd fake;
  fake.set(replaced(fake.unit("inactive", "dead", "0"), "NeedDaemonReload=no", "NeedDaemonReload=yes"));
  REQUIRE(fake.open()->start(soon()));
  CHECK(fake.orders() == "daemon-reload\nreset-failed pump-8250.service\nstart pump-8250.service\n");
}

TEST_CASE("systemd: says why it does not start", "[service]") {
  fake_systemd fake;
  auto const failure = [&](std::string const& shown) {
    fake.set(shown);
    auto const started = fake.open()->start(soon());
    REQUIRE_FALSE(started);
    return started.error();
  };
  auto const down = fake.unit("inactive", "dead", "0");
  CHECK(failure(replaced(down, "LoadState=loaded", "LoadState=masked")).code == core::errc::service_masked);
  CHECK(failure(replaced(down, "UnitFileState=disabled", "UnitFileState=masked")).code == core::errc::service_masked);
  CHECK(failure(replaced(down, "LoadState=loaded", "LoadState=not-found")).code == core::errc::start_failed);
  CHECK(fake.orders().empty());
  fake.fails("start", "Job for pump-8250.service failed.\nSee the journal.\n");
  auto const refused = failure(down);
  CHECK(refused.code == core::errc::start_failed);
  CHECK(refused.what == "cannot start pump-8250.service: Job for pump-8250.service failed. See the journal.");
}

TEST_CASE("systemd: refuses a second process beside one left over", "[service]") {
  // A real process in a real control group of the unit's name, as after a stop timeout.
  auto const slice = std::filesystem::path("/sys/fs/cgroup") /
                     (std::filesystem::exists("/sys/fs/cgroup/systemd") ? "systemd" : ".") /
                     ("unittest" + std::to_string(::getpid()) + ".slice");
  std::error_code ec;
  auto const group = slice / "pump-8250.service";
  if (!std::filesystem::create_directories(group, ec)) return;  // not root
  fake_systemd fake;
  {
    auto const pid = process::start_detached({{"/bin/sleep", "60"}}, std::nullopt);
    REQUIRE(pid);
    ends_process const guard{*pid};
    std::ofstream(group / "cgroup.procs") << *pid << std::flush;
    auto const id = process::identify(*pid);
    fake.set(fake.unit("failed", "failed", "0"));
    auto const state = fake.open()->look();
    REQUIRE(state);
    CHECK(state->activity == activity::failed);
    CHECK(state->leftover == std::vector<pid_t>{*pid});
    auto const started = fake.open()->start(soon());
    REQUIRE_FALSE(started);
    CHECK(started.error().code == core::errc::start_failed);
    CHECK(started.error().what.find("process " + std::to_string(*pid) + " ") != std::string::npos);
    CHECK(fake.open()->stop(id, soon()));  // it was asked already
    CHECK(process::alive(*id));
    CHECK(fake.orders().empty());
    process::terminate(*id);
    CHECK(process::wait_for_exit(*id, soon()));
  }
  CHECK(fake.open()->start(soon()));
  CHECK(eventually([&] { return ::rmdir(group.c_str()) == 0; }));
  ::rmdir(slice.c_str());
}

TEST_CASE("systemd: no systemctl, or one that fails, is an error", "[service]") {
  fake_systemd fake;
  fake.fails("show", "Failed to connect to bus: No such file or directory\n");
  auto const state = fake.open()->look();
  REQUIRE_FALSE(state);
  CHECK(state.error().code == core::errc::system_failure);
  CHECK(state.error().what.find("Failed to connect to bus") != std::string::npos);
  fake.settings.systemctl = "/nowhere/systemctl";
  CHECK(fake.open()->look().error().code == core::errc::system_failure);
}

TEST_CASE("systemd: a patient stop has all the time it takes, whatever the unit says", "[service]") {
  fake_systemd fake;
  fake.settings.patient = true;
  fake.set(fake.running("4711"));
  REQUIRE(fake.open()->hold(soon()));
  CHECK(fake.orders() == "daemon-reload\n");
  auto const text = content_of(fake.drop_in());
  for (auto const* line : {"\nSendSIGKILL=no\n", "\nRestart=no\n", "\nTimeoutStopSec=infinity\n"})
    CHECK(text.find(line) != std::string::npos);
  REQUIRE(fake.open()->stop(std::nullopt, soon()));
  CHECK(fake.orders().ends_with("stop --no-block pump-8250.service\n"));
}
