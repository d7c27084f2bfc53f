// From a TCP port to the processes that listen on it.
#include "core/descriptor.hpp"
#include "process/inspect.hpp"
#include "process/proc_file.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <thread>

namespace process {
namespace {

using inode_set = std::set<std::uint64_t>;

bool ask_for_listeners(int netlink, std::uint8_t family, std::uint16_t port) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 wanted;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.wanted.sdiag_family = family;
  request.wanted.sdiag_protocol = IPPROTO_TCP;
  request.wanted.idiag_states = 1U << TCP_LISTEN;
  request.wanted.id.idiag_sport = htons(port);
  return ::send(netlink, &request, sizeof request, 0) == sizeof request;
}

// False where the kernel has no such service.
bool read_answers(int netlink, std::uint16_t port, inode_set& found) {
  alignas(nlmsghdr) std::array<char, 1U << 15U> buffer;
  for (;;) {
    auto const size = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    auto left = static_cast<unsigned>(size);
    for (auto const* each = reinterpret_cast<nlmsghdr const*>(buffer.data()); NLMSG_OK(each, left);
         each = NLMSG_NEXT(each, left)) {
      if (each->nlmsg_type == NLMSG_ERROR) return false;
      if (each->nlmsg_type == NLMSG_DONE) {
        int outcome = 0;  // that of the kernel's half, older ones leave it out
        if (each->nlmsg_len >= NLMSG_LENGTH(sizeof outcome)) std::memcpy(&outcome, NLMSG_DATA(each), sizeof outcome);
        return outcome >= 0;
      }
      if (each->nlmsg_type != SOCK_DIAG_BY_FAMILY || each->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg)))
        return false;
      auto const* socket = static_cast<inet_diag_msg const*>(NLMSG_DATA(each));
      if (ntohs(socket->id.idiag_sport) == port) found.insert(socket->idiag_inode);
    }
  }
}

// The kernel's table of listeners alone. The texts in /proc go through all connections there are: 5 ms on an idle host,
// a second on one with 100,000, and the node is looked at often while it is down.
std::optional<inode_set> ask_kernel(std::uint16_t port) {
  core::descriptor const netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return std::nullopt;
  inode_set found;
  for (auto const family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}})
    if (!ask_for_listeners(netlink.get(), family, port) || !read_answers(netlink.get(), port, found))
      return std::nullopt;
  return found;
}

core::result<inode_set> listening_sockets(std::uint16_t port) {
  if (auto asked = ask_kernel(port)) return std::move(*asked);
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
