#include "process/inspect.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <cerrno>
#include <cstddef>

#include "support.hpp"

using namespace support;

namespace {

// A listening TCP socket on a free port.
struct listener {
  int fd;
  std::uint16_t port = 0;

  explicit listener(int family) : fd(::socket(family, SOCK_STREAM, 0)) {
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    auto size = static_cast<socklen_t>(family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (fd < 0 || ::bind(fd, raw, size) != 0 || ::listen(fd, 1) != 0 || ::getsockname(fd, raw, &size) != 0) return;
    port = ntohs(reinterpret_cast<sockaddr_in*>(raw)->sin_port);  // at the same place for IPv6
  }
  ~listener() {
    if (fd >= 0) ::close(fd);
  }
};

pid_t start(process::command const& command) {
  auto const pid = process::start_detached(command, std::nullopt);
  REQUIRE(pid);
  return *pid;
}

// As CentOS 7's kernel: no pidfd_open, pidfd_send_signal, close_range.
bool pretend_old_kernel() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 434, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 424, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  };
  sock_fprog const program{static_cast<unsigned short>(std::size(code)), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("inspects this process", "[process]") {
  auto const self = process::inspect(::getpid());
  REQUIRE(self);
  CHECK(self->id.pid == ::getpid());
  CHECK(self->parent == ::getppid());
  CHECK(self->uid == ::geteuid());
  CHECK(self->exe == std::filesystem::read_symlink("/proc/self/exe"));
  CHECK_FALSE(self->exe_deleted);
  CHECK(self->cwd == std::filesystem::current_path());
  CHECK(process::alive(self->id));
  CHECK_FALSE(process::alive({self->id.pid, self->id.start_ticks + 1}));
}

TEST_CASE("inspecting nobody is an error", "[process]") {
  for (pid_t const pid : {0, -1, 2147483647}) {
    auto const nobody = process::inspect(pid);
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error().code == core::errc::system_failure);
  }
}

TEST_CASE("sees that the file a process runs was replaced, and still finds its content", "[process]") {
  temp_dir const dir;
  std::filesystem::copy_file("/bin/sleep", dir / "replaced-pump");
  std::filesystem::create_symlink(dir.path(), dir / "link");
  ends_process const guard{start({{dir / "replaced-pump", "60"}})};
  auto const before = process::inspect(guard.pid);
  REQUIRE(before);
  CHECK(before->exe == dir / "replaced-pump");
  CHECK_FALSE(before->exe_deleted);

  write_file(dir / "new", "something else");
  std::filesystem::create_hard_link(dir / "replaced-pump", dir / "pump.backup");
  std::filesystem::rename(dir / "new", dir / "replaced-pump");
  auto const after = process::inspect(guard.pid);
  REQUIRE(after);
  CHECK(after->exe == dir / "replaced-pump");
  CHECK(after->exe_deleted);
  CHECK(content_of(process::running_image(after->id)) == content_of("/bin/sleep"));
  CHECK(process::processes_of(dir / "replaced-pump").value() == std::vector<process::id>{after->id});
  CHECK(process::processes_of(dir / "link/replaced-pump").value() == std::vector<process::id>{after->id});
  CHECK(process::processes_of(dir / "pump.backup")->empty());
}

TEST_CASE("a name that ends in (deleted) is a name", "[process]") {
  temp_dir const dir;
  std::filesystem::copy_file("/bin/sleep", dir / "pump (deleted)");
  ends_process const guard{start({{dir / "pump (deleted)", "60"}})};
  auto const seen = process::inspect(guard.pid);
  REQUIRE(seen);
  CHECK(seen->exe == dir / "pump (deleted)");
  CHECK_FALSE(seen->exe_deleted);
}

TEST_CASE("who only prints a version is no process of the executable", "[process]") {
  temp_dir const dir;
  std::filesystem::copy_file("/bin/bash", dir / "pump");
  for (auto const* question : {"-V", "--version", "-help", "-h"}) {
    ends_process const guard{start({{dir / "pump", "-c", "sleep 60; :", question}})};
    CHECK(process::processes_of(dir / "pump").value() == std::vector<process::id>{});
  }
  ends_process const node{start({{dir / "pump", "-c", "sleep 60; :", "-L", "info"}})};
  // eventually: before it becomes `sleep`, the shell's child runs it too
  CHECK(eventually([&] {
    return process::processes_of(dir / "pump").value() == std::vector<process::id>{*process::identify(node.pid)};
  }));
}

TEST_CASE("finds who listens on a port", "[process]") {
  for (auto const family : {AF_INET, AF_INET6}) {
    listener const socket(family);
    if (socket.port == 0) continue;  // no IPv6 here
    CHECK(process::listeners(socket.port).value() == std::vector<process::id>{*process::identify(::getpid())});
  }
}

TEST_CASE("nobody listens on a port nobody listens on", "[process]") {
  std::uint16_t port = 0;
  {
    listener const socket(AF_INET);
    port = socket.port;
  }
  CHECK(process::listeners(port).value() == std::vector<process::id>{});
}

TEST_CASE("a listener of another user is an error, not nobody", "[process]") {
  if (::geteuid() != 0) return;
  listener const socket(AF_INET);
  auto const status = in_fork([&] {
    ::close(socket.fd);
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    auto const found = process::listeners(socket.port);
    return !found && found.error().code == core::errc::system_failure ? 0 : 2;
  });
  CHECK(status == 0);
}

TEST_CASE("a process of that name that can't be seen is an error, not nothing", "[process]") {
  if (::geteuid() != 0) return;
  temp_dir const dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  std::filesystem::copy_file("/bin/sleep", dir / "pump-of-another-user");
  ends_process const guard{start({{dir / "pump-of-another-user", "60"}})};
  auto const status = in_fork([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    if (process::processes_of(dir / "pump-of-another-user")) return 2;
    if (!process::processes_of(dir / "elsewhere/pump-of-another-user")) return 3;
    return process::processes_of(dir / "nothing-runs-this")->empty() ? 0 : 4;
  });
  CHECK(status == 0);
}

TEST_CASE("waits for the end of a process, and no longer than asked", "[process]") {
  auto const sleeping = start({{"/bin/sleep", "0.3"}});
  auto const id = process::identify(sleeping);
  REQUIRE(id);
  CHECK_FALSE(process::wait_for_exit(*id, core::deadline::after(30ms)));
  CHECK(process::wait_for_exit(*id, soon()));
  CHECK_FALSE(process::alive(*id));
  CHECK(process::wait_for_exit(*id, core::deadline::after(0ms)));
}

TEST_CASE("ends a process, and never its namesake", "[process]") {
  ends_process const guard{start({{"/bin/sleep", "60"}})};
  auto const id = process::identify(guard.pid);
  REQUIRE(id);
  CHECK(process::terminate({id->pid, id->start_ticks + 1}));  // that one is gone
  std::this_thread::sleep_for(50ms);
  CHECK(process::alive(*id));
  CHECK(process::terminate(*id));
  CHECK(process::wait_for_exit(*id, soon()));
  CHECK(process::terminate(*id));
  CHECK_FALSE(process::terminate({0, 0}));
  CHECK_FALSE(process::terminate({-1, 0}));
}

TEST_CASE("a zombie is not alive", "[process]") {
  auto const pid = ::fork();
  if (pid == 0) ::_exit(0);
  CHECK(eventually([&] { return !process::identify(pid); }));
  auto const start_ticks = std::uint64_t{1};
  CHECK(process::wait_for_exit({pid, start_ticks}, soon()));
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("does the same on kernels without pidfd and close_range", "[process]") {
  auto const status = in_fork([] {
    if (!pretend_old_kernel()) return 1;
    if (::syscall(SYS_pidfd_open, ::getpid(), 0) != -1 || errno != ENOSYS) return 2;
    int leaked[2];
    if (::pipe(leaked) != 0) return 3;
    auto const pid = process::start_detached({{"/bin/sleep", "60"}}, std::nullopt);
    if (!pid) return 4;
    ends_process const guard{*pid};
    if (!has_no_descriptors_of_ours(*pid)) return 5;
    auto const id = process::identify(*pid);
    if (!id || process::wait_for_exit(*id, core::deadline::after(50ms))) return 6;
    if (!process::terminate(*id) || !process::wait_for_exit(*id, soon())) return 7;
    auto const done = process::run(shell("ls /proc/self/fd"), soon());
    return done && done->out == "0\n1\n2\n3\n" ? 0 : 8;
  });
  CHECK(status == 0);
}
