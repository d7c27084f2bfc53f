// What /proc says of running processes.
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"

#include <sys/types.h>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace process {

// A process, told from a later one with the same pid by its start time (clock ticks since boot).
struct id {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  friend bool operator==(id const&, id const&) = default;
};

struct info {
  process::id id;
  pid_t parent = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::filesystem::path exe;  // without the kernel's " (deleted)"
  bool exe_deleted = false;   // the file was replaced or removed since the start
  std::vector<std::string> argv;
  std::filesystem::path cwd;
  std::vector<std::string> environment;
};

// errc::system_failure when there is no such process or /proc may not be read.
core::result<info> inspect(pid_t pid);
[[nodiscard]] bool alive(id const& process);  // zombies are not

// The file a process runs, as a path to open (below /proc): right also when the file was replaced or deleted. Check
// afterwards that the process is still alive(), or it may have been somebody else's.
std::filesystem::path running_image(id const& process);

// The processes that hold a LISTEN socket on this TCP port (IPv4 or IPv6, any address). A socket whose owner can't be
// seen (another user's, not root) is errc::system_failure, not an empty list.
core::result<std::vector<id>> listeners(std::uint16_t port);
// All processes whose executable is this path (symlinks resolved; also when since replaced or deleted), but for those
// that only print their version or help: everybody who asks for these starts one. One that may
// be, but whose executable can't be seen (another user's, not root), is errc::system_failure.
core::result<std::vector<id>> processes_of(std::filesystem::path const& executable);

// Pids of all processes there are now.
core::result<std::vector<pid_t>> all_processes();
// The id of a living process; nothing when there is none.
std::optional<id> identify(pid_t pid);
// Its control groups as systemd sees them, like "/system.slice/pump-8250.service"; empty when it is gone.
std::vector<std::string> control_groups(pid_t pid);

// Waits for the end (by pidfd where the kernel has it, else every 20 ms); true when gone before the deadline.
bool wait_for_exit(id const& process, core::deadline deadline);
// Sends SIGTERM after checking that it is still the same process. The only signal there is here. Done already when the
// process is gone.
core::result<void> terminate(id const& process);

}  // namespace process
