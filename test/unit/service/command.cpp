#include "support.hpp"

using namespace support;
using service::activity;

namespace {

struct deployment {
  explicit deployment(std::string const& script = obedient) {
    install_node(dir.path(), script);
    settings.deploy_dir = dir.path();
    settings.component = "pump";
    settings.pid_file = dir / "pump.pid";
    settings.start = process::command{{(dir / "bin/pump").string(), "-c", script}, dir.path()};
  }
  ~deployment() {
    if (auto const nodes = process::processes_of(dir / "bin/pump"))
      for (auto const& node : *nodes) ends_process{node.pid};
  }
  temp_dir dir;
  service::settings settings{service::kind::command};
};

}  // namespace

TEST_CASE("command: starts the node, writes its pid file, ends it by SIGTERM", "[service]") {
  deployment d;
  auto const supervisor = service::open(d.settings);
  CHECK(supervisor->look()->activity == activity::stopped);
  REQUIRE(supervisor->start(soon()));
  auto const node = node_of(*supervisor);
  REQUIRE(node);
  CHECK(content_of(d.settings.pid_file) == std::to_string(node->pid) + "\n");
  CHECK(process::inspect(node->pid)->argv == d.settings.start->argv);
  CHECK(supervisor->look()->activity == activity::running);
  std::this_thread::sleep_for(50ms);
  REQUIRE(supervisor->stop(node, soon()));
  CHECK(process::wait_for_exit(*node, soon()));
  CHECK(supervisor->look()->activity == activity::stopped);
  CHECK(supervisor->stop(node, soon()));
}

TEST_CASE("command: refuses a second node, with and without a pid file", "[service]") {
  deployment d;
  REQUIRE(service::open(d.settings)->start(soon()));
  CHECK(service::open(d.settings)->start(soon()).error().code == core::errc::start_failed);
  d.settings.pid_file.clear();
  CHECK(service::open(d.settings)->start(soon()).error().code == core::errc::start_failed);
  // Another node of the same executable is no hindrance.
  d.settings.start->argv.emplace_back("--addr=another");
  CHECK(service::open(d.settings)->start(soon()));
}

TEST_CASE("command: stops by the command given", "[service]") {
  deployment d(slow);
  d.settings.stop = shell("touch " + (d.dir / "end").string());
  auto const supervisor = service::open(d.settings);
  REQUIRE(supervisor->start(soon()));
  auto const node = node_of(*supervisor);
  REQUIRE(node);
  REQUIRE(supervisor->stop(node, soon()));
  CHECK(process::wait_for_exit(*node, soon()));

  d.settings.stop = shell("echo no way >&2; exit 4");
  d.settings.pid_file.clear();
  auto const refused = service::open(d.settings)->stop(std::nullopt, soon());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what == "cannot stop the node by /bin/sh: no way");
}

TEST_CASE("command: a stale pid file names nobody, also when its number belongs to another program", "[service]") {
  deployment d;
  auto const supervisor = service::open(d.settings);
  write_file(d.settings.pid_file, std::to_string(::getpid()) + "\n");
  CHECK(supervisor->look()->activity == activity::stopped);
  CHECK(supervisor->stop(std::nullopt, soon()));  // and the test lives on
  write_file(d.settings.pid_file, "2147483647\n");
  CHECK(supervisor->look()->activity == activity::stopped);
  write_file(d.settings.pid_file, "not a number\n");
  CHECK(supervisor->look().error().code == core::errc::system_failure);
}

TEST_CASE("command: says why it does not start", "[service]") {
  deployment d;
  d.settings.start->argv.front() = "/nowhere/pump";
  auto const missing = service::open(d.settings)->start(soon());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == core::errc::start_failed);
  CHECK(missing.error().what == "cannot run /nowhere/pump: No such file or directory");
  d.settings.start.reset();
  CHECK(service::open(d.settings)->start(soon()).error().code == core::errc::start_failed);
}
