// start_detached. Not by Boost.Process, which can neither change identities nor let a child go.
#include "process/exec.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>

#include "process/identity.hpp"

namespace process {
namespace {

enum class step : int { pid, fork, standard_descriptors, groups, gid, uid, cwd, exec };

struct message {
  step what;
  int value;  // the pid, or errno
};

struct daemon {
  std::string program;
  std::vector<char*> argv;
  char* const* environment;
  char const* cwd;  // nullptr: this process's
  bool change_identity;
  identity as;
  std::vector<gid_t> groups;
};

void tell(int fd, step what, int value) {
  message const m{what, value};
  while (::write(fd, &m, sizeof m) < 0 && errno == EINTR) {
  }
}

bool redirect_standard_descriptors() {
  auto const null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  return null >= 0 && ::dup2(null, 0) == 0 && ::dup2(null, 1) == 1 && ::dup2(null, 2) == 2;
}

[[noreturn]] void fail(int fd, step what) {
  tell(fd, what, errno);
  ::_exit(127);
}

// Only async-signal-safe calls from here on: other threads of the caller are gone, their locks are not.
[[noreturn]] void become_daemon(daemon const& d, int fd) {
  ::setsid();
  default_signals();
  ::umask(022);  // as systemd does; what sudo or sshd had must not decide who can read the node's logs
  if (!redirect_standard_descriptors()) fail(fd, step::standard_descriptors);
  if (d.change_identity) {
    if (::setgroups(d.groups.size(), d.groups.data()) != 0) fail(fd, step::groups);
    if (::setgid(d.as.gid) != 0) fail(fd, step::gid);
    if (::setuid(d.as.uid) != 0) fail(fd, step::uid);
  }
  if (d.cwd != nullptr && ::chdir(d.cwd) != 0) fail(fd, step::cwd);  // with the new user's rights
  close_descriptors_on_exec();
  tell(fd, step::pid, ::getpid());
  ::execve(d.program.c_str(), d.argv.data(), d.environment);
  fail(fd, step::exec);
}

// The one in the middle: its end hands the daemon to init.
[[noreturn]] void become_parent_of_daemon(daemon const& d, int fd) {
  auto const pid = ::fork();
  if (pid == 0) become_daemon(d, fd);
  if (pid < 0) fail(fd, step::fork);
  ::_exit(0);
}

core::error step_error(daemon const& d, step what, int errno_value) {
  switch (what) {
    case step::cwd:
      return core::system_error(fmt::format("run {} in {}", d.program, d.cwd), errno_value);
    case step::groups:
    case step::gid:
    case step::uid:
      return core::system_error(fmt::format("run {} as {}", d.program, d.as.user), errno_value);
    case step::exec:
      return exec_error(d.program, d.cwd == nullptr ? "" : d.cwd, errno_value);
    default:
      return core::system_error("start " + d.program, errno_value);
  }
}

core::result<pid_t> read_outcome(daemon const& d, int fd) {
  pid_t pid = 0;
  for (;;) {
    message m{};
    auto const size = ::read(fd, &m, sizeof m);
    if (size < 0 && errno == EINTR) continue;
    if (size != static_cast<ssize_t>(sizeof m)) break;  // closed by exec, or by death
    if (m.what != step::pid) return step_error(d, m.what, m.value);
    pid = m.value;
  }
  if (pid == 0) return core::error{core::errc::system_failure, "cannot start " + d.program + ": died before exec"};
  return pid;
}

core::result<pid_t> launch(daemon const& d) {
  int raw[2];
  if (::pipe2(raw, O_CLOEXEC) != 0) return core::system_error("start " + d.program, errno);
  // A handler of ours must not run in the child before dispositions are reset.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto const middle = ::fork();
  auto const fork_errno = errno;
  if (middle == 0) become_parent_of_daemon(d, raw[1]);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(raw[1]);
  core::result<pid_t> outcome = core::system_error("start " + d.program, fork_errno);
  if (middle > 0) {
    outcome = read_outcome(d, raw[0]);
    while (::waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ::close(raw[0]);
  return outcome;
}

}  // namespace

core::result<pid_t> start_detached(command const& command, std::optional<identity> const& as) {
  TRY_ASSIGN(auto program, find_program(command));
  daemon d{std::move(program), pointers(command.argv), environ, nullptr, false, {}, {}};
  std::vector<char*> environment;
  if (command.environment) {
    environment = pointers(*command.environment);
    d.environment = environment.data();
  }
  if (!command.cwd.empty()) d.cwd = command.cwd.c_str();
  if (as) {
    d.as = *as;
    if (::geteuid() == 0) {
      d.change_identity = true;
      d.groups = groups_of(*as);
    } else if (as->uid != ::geteuid()) {
      return core::error{core::errc::system_failure,
                         fmt::format("cannot run {} as {}: only root may", d.program, as->user),
                         fmt::format("run the tool as root or as {}", as->user)};
    }
  }
  reserve_standard_descriptors();
  return launch(d);
}

}  // namespace process
