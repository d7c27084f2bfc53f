// The texts below /proc, parsed. Nothing is read here.
#pragma once

#include "core/error.hpp"

#include <sys/types.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace process {

struct stat_line {  // /proc/<pid>/stat
  pid_t pid = 0;
  std::string comm;  // at most 15 bytes of the name, any byte in it
  char state = '?';
  pid_t parent = 0;
  std::int64_t threads = 0;
  std::uint64_t start_ticks = 0;
};
std::optional<stat_line> parse_stat(std::string_view text);
// Dead for all purposes: a zombie, unless other threads of it still run (the first one may end before them).
bool ended(stat_line const& stat);

struct owner {
  uid_t uid = 0;  // effective
  gid_t gid = 0;
};
std::optional<owner> parse_status(std::string_view text);  // /proc/<pid>/status

// cmdline and environ: each entry ended by a NUL (the last one's may be missing).
std::vector<std::string> split_nul(std::string_view text);

// Inodes of LISTEN sockets on `port` in /proc/net/tcp or tcp6; nothing when a line can't be read.
std::optional<std::vector<std::uint64_t>> listening_inodes(std::string_view table, std::uint16_t port);

// One line of /proc/net/tcp or tcp6.
struct tcp_row {
  std::string local;  // "10.0.0.1", "::1"; an IPv4 address in IPv6's clothes is shown as IPv4
  std::uint16_t local_port = 0;
  std::string remote;
  std::uint16_t remote_port = 0;
  bool listening = false;
  bool established = false;
  std::uint64_t inode = 0;
};
// Nothing when a line can't be read.
std::optional<std::vector<tcp_row>> parse_tcp(std::string_view table);

// How many sockets of /proc/net/unix at this path are ends of connections: one for each client that is connected.
// Nothing when a line can't be read.
std::optional<std::size_t> unix_connections(std::string_view table, std::string_view path);

// The inode in a link like "socket:[1234]".
std::optional<std::uint64_t> socket_inode(std::string_view link);

// The path in a link to an executable and whether the kernel marks it deleted.
std::pair<std::string, bool> parse_exe_link(std::string_view link);

// systemd's hierarchies in /proc/<pid>/cgroup: "0::/path" and "1:name=systemd:/path".
std::vector<std::string> parse_control_groups(std::string_view text);

}  // namespace process
