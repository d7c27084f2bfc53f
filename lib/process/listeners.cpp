// From a TCP port to the processes that listen on it.
#include "process/inspect.hpp"
#include "process/proc_file.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <thread>

namespace process {
namespace {

using inode_set = std::set<std::uint64_t>;

core::result<inode_set> listening_sockets(std::uint16_t port) {
  inode_set found;
  for (auto const* path : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) continue;  // IPv6 switched off
    TRY_ASSIGN(auto const table, read_proc(path));
    auto const inodes = listening_inodes(table, port);
    if (!inodes)
      return core::error{core::errc::system_failure, fmt::format("cannot read {}: a line in another form", path)};
    found.insert(inodes->begin(), inodes->end());
  }
  return found;
}

// Which of `wanted` the process holds. A process that ended meanwhile holds none.
inode_set held_by(pid_t pid, inode_set const& wanted) {
  inode_set held;
  auto const path = proc_path(pid, "fd");
  auto* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return held;
  while (auto const* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    auto const link = read_link(path + "/" + entry->d_name);
    auto const inode = link.error == 0 ? socket_inode(link.target) : std::nullopt;
    if (inode && wanted.contains(*inode)) held.insert(*inode);
  }
  ::closedir(directory);
  return held;
}

struct owners {
  std::vector<id> processes;
  inode_set ownerless;
};

core::result<owners> owners_of(inode_set const& wanted) {
  owners result{{}, wanted};
  TRY_ASSIGN(auto const pids, all_processes());
  for (auto const pid : pids) {
    auto const held = held_by(pid, wanted);
    auto const self = held.empty() ? std::nullopt : identify(pid);
    if (!self) continue;
    result.processes.push_back(*self);
    for (auto const inode : held) result.ownerless.erase(inode);
  }
  return result;
}

}  // namespace

core::result<std::vector<id>> listeners(std::uint16_t port) {
  using namespace std::chrono_literals;
  // A socket without a visible owner may only be one whose process ends just now: looked at again before it counts.
  for (int tries = 0; tries < 3; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(20ms);
    TRY_ASSIGN(auto const sockets, listening_sockets(port));
    if (sockets.empty()) return std::vector<id>{};
    TRY_ASSIGN(auto found, owners_of(sockets));
    if (found.ownerless.empty()) return std::move(found.processes);
  }
  return core::error{core::errc::system_failure,
                     fmt::format("cannot find the process that listens on port {}: its owner can't be seen", port),
                     "run the tool as root or as the user the node runs as"};
}

}  // namespace process
