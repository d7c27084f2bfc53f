#include "process/identity.hpp"
#include "support.hpp"

#include <fcntl.h>

using namespace support;

namespace {

// /proc/<pid>/status, one field.
std::string status_field(pid_t pid, std::string const& name) {
  std::istringstream text(content_of("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(text, line);)
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  return "";
}

}  // namespace

TEST_CASE("starts a daemon of init's, in a session of its own, with nothing of ours", "[process]") {
  temp_dir const dir;
  process::command command{{"/bin/sleep", "60"}};
  command.cwd = dir.path();
  command.environment = {"A=1", "B=two words"};
  auto const leaked = ::open("/etc/passwd", O_RDONLY);
  ::signal(SIGHUP, SIG_IGN);
  auto const pid = process::start_detached(command, std::nullopt);
  ::signal(SIGHUP, SIG_DFL);
  ::close(leaked);
  REQUIRE(pid);
  ends_process const guard{*pid};
  auto const seen = process::inspect(*pid);
  REQUIRE(seen);
  CHECK(seen->argv == command.argv);
  CHECK(seen->cwd == dir.path());
  CHECK(seen->environment == *command.environment);
  CHECK(seen->parent != ::getpid());
  CHECK(::getsid(*pid) == *pid);
  CHECK(status_field(*pid, "SigIgn") == "0000000000000000");
  CHECK(status_field(*pid, "SigBlk") == "0000000000000000");
  CHECK(status_field(*pid, "Umask") == "0022");
  auto const fd = "/proc/" + std::to_string(*pid) + "/fd";
  CHECK(has_no_descriptors_of_ours(*pid));
  for (auto const* number : {"/0", "/1", "/2"}) CHECK(std::filesystem::read_symlink(fd + number) == "/dev/null");
}

TEST_CASE("says why a daemon can't be started", "[process]") {
  unreaped_children();
  temp_dir const dir;
  auto const failure = [](process::command const& command) {
    auto const pid = process::start_detached(command, std::nullopt);
    REQUIRE_FALSE(pid);
    CHECK(pid.error().code == core::errc::system_failure);
    return pid.error().what;
  };
  CHECK(failure({{"/nowhere/at-all"}}) == "cannot run /nowhere/at-all: No such file or directory");
  write_file(dir / "page", "<html>", true);
  CHECK(failure({{dir / "page"}}).ends_with("Exec format error"));
  process::command elsewhere{{"/bin/true"}};
  elsewhere.cwd = "/nowhere";
  CHECK(failure(elsewhere) == "cannot run /bin/true in /nowhere: No such file or directory");
  CHECK(unreaped_children() == 0);
}

TEST_CASE("finds a relative program in the directory given", "[process]") {
  temp_dir const dir;
  write_file(dir / "bin/touch-it", "#!/bin/sh\n: > touched\n", true);
  process::command command{{"bin/touch-it"}};
  command.cwd = dir.path();
  REQUIRE(process::start_detached(command, std::nullopt));
  CHECK(eventually([&] { return std::filesystem::exists(dir / "touched"); }));
}

TEST_CASE("starts a daemon as another user, with that user's groups", "[process]") {
  if (::geteuid() != 0) return;
  auto const nobody = process::identity_of_user("nobody");
  REQUIRE(nobody);
  auto const pid = process::start_detached({{"/bin/sleep", "60"}}, *nobody);
  REQUIRE(pid);
  ends_process const guard{*pid};
  auto const seen = process::inspect(*pid);
  REQUIRE(seen);
  CHECK(seen->uid == nobody->uid);
  CHECK(seen->gid == nobody->gid);
  CHECK(status_field(*pid, "Groups") == std::to_string(nobody->gid) + " ");
}

TEST_CASE("refuses another user where not root, and takes its own", "[process]") {
  if (::geteuid() != 0) return;
  auto const status = in_fork([] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    auto const refused = process::start_detached({{"/bin/true"}}, process::identity{0, 0, "root"});
    if (refused || refused.error().what != "cannot run /bin/true as root: only root may") return 2;
    return process::start_detached({{"/bin/true"}}, process::identity{65534, 65534, "nobody"}) ? 0 : 3;
  });
  CHECK(status == 0);
}

TEST_CASE("knows the users of this host", "[process]") {
  auto const root = process::identity_of_user("root");
  REQUIRE(root);
  CHECK(root->uid == 0);
  CHECK(root->home == "/root");
  for (auto const* name : {"no-such-user-here", "", "-x", "a:b"}) {
    auto const unknown = process::identity_of_user(name);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == core::errc::usage);
  }
}

TEST_CASE("asks getent for users that are not in /etc/passwd", "[process]") {
  temp_dir const dir;
  write_file(dir / "getent", "#!/bin/sh\necho ldapuser:*:7001:7002:From LDAP:/home/ldapuser:/bin/bash\n", true);
  write_file(dir / "id", "#!/bin/sh\necho 7002 7003\n", true);
  auto const path = dir.path().string() + ":/usr/bin:/bin";
  auto const status = in_fork([&] {
    ::setenv("PATH", path.c_str(), 1);
    auto const found = process::identity_of_user("ldapuser");
    if (!found || found->uid != 7001 || found->gid != 7002 || found->user != "ldapuser") return 1;
    return process::groups_of(*found) == std::vector<gid_t>{7002, 7003} ? 0 : 2;
  });
  CHECK(status == 0);
}

TEST_CASE("reads lines of passwd", "[process]") {
  CHECK(process::parse_passwd_line("tidb:x:1000:100::/home/tidb:/bin/sh")->gid == 100);
  for (auto const* line : {"", "tidb", "tidb:x:1000:100::/home/tidb", "tidb:x:a:100::/:/", ":x:1:1::/:/", "+::::::"})
    CHECK_FALSE(process::parse_passwd_line(line));
}
