// Waiting for a process and ending it, by pidfd where the kernel has it (5.3), else by number after looking twice.
#include "core/descriptor.hpp"
#include "process/inspect.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <thread>

namespace process {
namespace {

using namespace std::chrono_literals;

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

core::descriptor open_pidfd(pid_t pid) {
  return core::descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

bool poll_until_gone(id const& process, core::deadline deadline) {
  while (alive(process)) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::min<core::milliseconds>(20ms, deadline.left() + 1ms));
  }
  return true;
}

}  // namespace

bool wait_for_exit(id const& process, core::deadline deadline) {
  auto const handle = open_pidfd(process.pid);
  if (!handle) return poll_until_gone(process, deadline);
  // Only now: a descriptor opened for a number that went to another process is found out here.
  if (!alive(process)) return true;
  for (;;) {
    pollfd entry{handle.get(), POLLIN, 0};
    auto const left = std::min<std::int64_t>(deadline.left().count(), std::numeric_limits<int>::max());
    auto const ready = ::poll(&entry, 1, static_cast<int>(left));
    if (ready > 0 && (entry.revents & POLLIN) != 0) return true;
    if (ready > 0 || (ready < 0 && errno != EINTR)) return poll_until_gone(process, deadline);
    if (ready == 0 && deadline.passed()) return false;
  }
}

core::result<void> terminate(id const& process) {
  if (process.pid <= 1) return core::error{core::errc::system_failure, "cannot end a process: none is named"};
  auto const handle = open_pidfd(process.pid);
  if (!alive(process)) return {};
  auto sent = handle ? ::syscall(SYS_pidfd_send_signal, handle.get(), SIGTERM, nullptr, 0U) : -1L;
  if (!handle || (sent != 0 && errno == ENOSYS)) sent = ::kill(process.pid, SIGTERM);
  if (sent == 0 || errno == ESRCH) return {};
  auto e = core::system_error(fmt::format("send SIGTERM to process {}", process.pid), errno);
  if (errno == EPERM) e.hint = "run the tool as root or as the user the process runs as";
  return e;
}

}  // namespace process
