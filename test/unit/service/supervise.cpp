// Real daemontools (Debian's) behind a wrapper that takes tidb-ansible's two arguments.
#include "service/svstat.hpp"
#include "support.hpp"

#include <sys/stat.h>

using namespace support;
using service::activity;
using service::supervision;

namespace {

bool daemontools_here() { return ::access("/usr/bin/supervise", X_OK) == 0; }

class deployment {
 public:
  explicit deployment(std::string const& script = obedient) {
    install_node(dir.path(), script);
    std::filesystem::create_directories(dir / "status/pump");
    write_file(dir / "bin/supervise",
               "#!/bin/sh\n[ $# = 2 ] || exit 100\nprintf '#!/bin/sh\\nexec %s\\n' \"$2\" >\"$1/run\"\n"
               "chmod +x \"$1/run\"\nexec /usr/bin/supervise \"$1\"\n",
               true);
    settings.deploy_dir = dir.path();
    settings.component = "pump";
    supervisor = service::open(settings);
  }
  ~deployment() {
    write_file(dir / "end", "");
    ends_process{supervise_pid()};
    if (auto const nodes = process::processes_of(dir / "bin/pump"))
      for (auto const& node : *nodes) ends_process{node.pid};
  }
  [[nodiscard]] pid_t supervise_pid() const { return std::atoi(content_of(dir / "status/pump/pid").c_str()); }
  [[nodiscard]] std::size_t nodes() const { return process::processes_of(dir / "bin/pump")->size(); }

  // Running, and its shell past setting the trap: the node waits in its loop.
  process::id started() {
    REQUIRE(supervisor->start(soon()));
    std::optional<process::id> node;
    REQUIRE(eventually([&] {
      node = node_of(*supervisor);
      return node && process::processes_of(dir / "bin/pump").value() == std::vector<process::id>{*node};
    }));
    std::this_thread::sleep_for(50ms);
    return *node;
  }

  temp_dir dir;
  service::settings settings{service::kind::supervise};
  std::unique_ptr<service::supervisor> supervisor;
};

}  // namespace

TEST_CASE("understands svstat, old and new", "[service]") {
  auto const up = service::parse_svstat("status/pump: up (pid 123) 4 seconds");
  CHECK(up.state == supervision::up);
  CHECK(up.pid == 123);
  CHECK_FALSE(up.want_down);
  CHECK(service::parse_svstat("status/pump: up pid 123, 4 seconds").pid == 123);
  CHECK(service::parse_svstat("status/pump: up (pid 123) 4 seconds, normally down, want down").want_down);
  CHECK(service::parse_svstat("status/pump: down 3 seconds, normally up").state == supervision::down);
  CHECK_FALSE(service::parse_svstat("status/pump: down 3 seconds, normally up").want_up);
  CHECK(service::parse_svstat("status/pump: down 0 seconds, normally up, want up").want_up);
  for (auto const* text : {"status/pump: supervise not running", "x: unable to open supervise/ok: file does not exist",
                           "x: unable to chdir: file does not exist"})
    CHECK(service::parse_svstat(text).state == supervision::absent);
  for (auto const* text :
       {"", "x", "x: unable to open supervise/ok: access denied", "x: up (pid x) 1 seconds", "x: up 7"})
    CHECK(service::parse_svstat(text).state == supervision::unreadable);
}

TEST_CASE("supervise: starts as tidb-ansible does, stops, and starts again under the same supervise", "[service]") {
  if (!daemontools_here()) return;
  deployment d;
  CHECK(d.supervisor->look()->activity == activity::stopped);
  CHECK(d.supervisor->look()->known);
  auto const first = d.started();
  auto const supervise = process::identify(d.supervise_pid());
  REQUIRE(supervise);
  CHECK(process::inspect(supervise->pid)->exe.filename() == "supervise");
  CHECK(process::inspect(first.pid)->parent == supervise->pid);
  CHECK(d.supervisor->look()->activity == activity::running);
  CHECK(d.supervisor->start(soon()));  // runs already

  REQUIRE(d.supervisor->stop(first, soon()));
  CHECK(process::wait_for_exit(first, soon()));
  CHECK(eventually([&] { return d.supervisor->look()->activity == activity::stopped; }));
  CHECK(process::alive(*supervise));
  std::this_thread::sleep_for(50ms);
  CHECK(d.nodes() == 0);

  auto const second = d.started();
  CHECK_FALSE(second == first);
  CHECK(process::alive(*supervise));
}

TEST_CASE("supervise: a start is over when there is a process, not when one is wanted", "[service]") {
  if (!daemontools_here()) return;
  deployment d;
  auto const node = d.started();
  REQUIRE(d.supervisor->stop(node, soon()));
  CHECK(process::wait_for_exit(node, soon()));
  REQUIRE(eventually([&] { return d.supervisor->look()->activity == activity::stopped; }));
  // What supervise says between the command and the fork, for as long as a busy machine makes it.
  write_file(d.dir / "bin/svc", "#!/bin/sh\ntouch commanded\nexec /usr/bin/svc \"$@\"\n", true);
  write_file(d.dir / "bin/svstat",
             "#!/bin/sh\n[ -e commanded ] && [ ! -e third ] || exec /usr/bin/svstat \"$@\"\n"
             "[ ! -e first ] || touch third\ntouch first\necho \"$1: down 0 seconds, normally up, want up\"\n",
             true);
  REQUIRE(d.supervisor->start(soon()));
  CHECK(d.supervisor->look()->activity == activity::running);
}

TEST_CASE("supervise: a node that is still ending is neither signalled again nor joined by a second one", "[service]") {
  if (!daemontools_here()) return;
  deployment d(slow);
  auto const node = d.started();
  REQUIRE(d.supervisor->stop(node, soon()));
  CHECK(process::alive(node));
  CHECK(d.supervisor->look()->main_pid == node.pid);
  CHECK(d.supervisor->stop(node, soon()));
  auto const refused = d.supervisor->start(soon());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::start_failed);
  CHECK(refused.error().what.find("process " + std::to_string(node.pid)) != std::string::npos);
  CHECK(d.nodes() == 1);
  write_file(d.dir / "end", "");
  CHECK(process::wait_for_exit(node, soon()));
}

TEST_CASE("supervise: a supervise killed hard leaves its node; it is ended, then both start anew", "[service]") {
  if (!daemontools_here()) return;
  deployment d;
  auto const node = d.started();
  { ends_process{d.supervise_pid()}; }
  CHECK(eventually([&] { return !node_of(*d.supervisor); }));
  auto const state = d.supervisor->look();
  REQUIRE(state);
  CHECK(state->activity == activity::stopped);
  CHECK(state->leftover == std::vector<pid_t>{node.pid});
  auto const refused = d.supervisor->start(soon());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("process " + std::to_string(node.pid)) != std::string::npos);

  REQUIRE(d.supervisor->stop(node, soon()));
  CHECK(process::wait_for_exit(node, soon()));
  CHECK_FALSE(d.started() == node);
  CHECK(d.nodes() == 1);
}

TEST_CASE("supervise: hold lets the node end by itself, without another", "[service]") {
  if (!daemontools_here()) return;
  deployment d;
  CHECK(d.supervisor->hold(soon()));  // nothing runs: must not start it
  auto const node = d.started();
  REQUIRE(d.supervisor->hold(soon()));
  CHECK(process::alive(node));
  CHECK(process::terminate(node));
  CHECK(process::wait_for_exit(node, soon()));
  CHECK(eventually([&] { return d.supervisor->look()->activity == activity::stopped; }));
  std::this_thread::sleep_for(1200ms);  // supervise's own pause between two starts
  CHECK(d.nodes() == 0);
  d.started();
}

TEST_CASE("supervise: restarts by itself what ends by itself", "[service]") {
  if (!daemontools_here()) return;
  deployment d;
  auto const node = d.started();
  CHECK(process::terminate(node));
  CHECK(eventually([&] {
    auto const now = node_of(*d.supervisor);
    return now && !(*now == node);
  }));
}

TEST_CASE("supervise: another process is not stopped through it", "[service]") {
  if (!daemontools_here()) return;
  deployment d;
  auto const node = d.started();
  auto const stopped = d.supervisor->stop(process::identify(::getpid()), soon());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == core::errc::node_ambiguous);
  CHECK(process::alive(node));
}

TEST_CASE("supervise: runs as the user given, whose pid file tidb-ansible's scripts can then write", "[service]") {
  if (!daemontools_here() || ::geteuid() != 0) return;
  deployment d;
  auto const user = process::identity_of_user("nobody");
  REQUIRE(user);
  d.settings.user = *user;
  d.supervisor = service::open(d.settings);
  for (auto const& path : {d.dir.path(), d.dir / "status/pump"})
    CHECK(::chown(path.c_str(), user->uid, user->gid) == 0);
  auto const node = d.started();
  auto const seen = process::inspect(node.pid);
  REQUIRE(seen);
  CHECK(seen->uid == user->uid);
  CHECK(std::find(seen->environment.begin(), seen->environment.end(), "USER=nobody") != seen->environment.end());
  struct stat st {};
  REQUIRE(::stat((d.dir / "status/pump/pid").c_str(), &st) == 0);
  CHECK(st.st_uid == user->uid);
}

TEST_CASE("supervise: says why it does not start", "[service]") {
  if (!daemontools_here()) return;
  deployment d;
  write_file(d.dir / "bin/supervise", "#!/bin/sh\nexit 111\n", true);
  auto const start = core::clock::now();
  auto const died = d.supervisor->start(soon());
  REQUIRE_FALSE(died);
  CHECK(died.error().code == core::errc::start_failed);
  CHECK(core::since(start) < 8s);
  std::filesystem::remove(d.dir / "status/pump/pid");

  std::filesystem::remove(d.dir / "scripts/run_pump.sh");
  auto const no_script = d.supervisor->start(soon());
  REQUIRE_FALSE(no_script);
  CHECK(no_script.error().what.find("run_pump.sh") != std::string::npos);

  std::filesystem::remove_all(d.dir / "status/pump");
  CHECK_FALSE(d.supervisor->look()->known);
  CHECK(d.supervisor->start(soon()).error().code == core::errc::start_failed);
}
