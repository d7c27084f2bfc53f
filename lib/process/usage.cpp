#include "process/usage.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "process/proc_file.hpp"

namespace process {
namespace {

namespace fs = std::filesystem;

struct descriptors {
  std::vector<std::string> targets;
  int error = 0;
};

descriptors open_files(pid_t pid) {
  descriptors found;
  auto const path = proc_path(pid, "fd");
  std::unique_ptr<DIR, int (*)(DIR*)> const directory(::opendir(path.c_str()), ::closedir);
  if (!directory) {
    found.error = errno;
    return found;
  }
  while (auto const* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    if (auto link = read_link(path + "/" + entry->d_name); link.error == 0)
      found.targets.push_back(std::move(link.target));
  }
  return found;
}

bool below(std::string_view path, std::string const& directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string resolved(fs::path const& directory) {
  std::error_code ec;
  auto path = fs::weakly_canonical(directory, ec);
  if (ec) path = directory.lexically_normal();
  auto text = path.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

core::result<std::vector<tcp_row>> rows_of(char const* path) {
  TRY_ASSIGN(auto const table, read_proc(path));
  auto rows = parse_tcp(table);
  if (rows) return std::move(*rows);
  return core::error{core::errc::system_failure, fmt::format("cannot read {}: a line in another form", path)};
}

}  // namespace

core::result<std::vector<tcp_row>> tcp_sockets() {
  TRY_ASSIGN(auto rows, rows_of("/proc/self/net/tcp"));
  std::error_code ec;
  if (!fs::exists("/proc/self/net/tcp6", ec)) return rows;  // IPv6 switched off
  TRY_ASSIGN(auto more, rows_of("/proc/self/net/tcp6"));
  rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return rows;
}

core::result<std::set<std::string>> local_addresses() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return core::system_error("list this host's addresses", errno);
  std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> const all(raw, ::freeifaddrs);
  std::set<std::string> addresses;
  for (auto const* each = raw; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    auto const family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    void const* const bytes =
        family == AF_INET ? static_cast<void const*>(&reinterpret_cast<sockaddr_in const*>(each->ifa_addr)->sin_addr)
                          : static_cast<void const*>(&reinterpret_cast<sockaddr_in6 const*>(each->ifa_addr)->sin6_addr);
    if (::inet_ntop(family, bytes, text.data(), text.size()) != nullptr) addresses.emplace(text.data());
  }
  return addresses;
}

bool is_local(std::string const& address, std::set<std::string> const& local) {
  return address.starts_with("127.") || address == "::1" || local.contains(address);
}

core::result<std::size_t> clients_of_unix_socket(id const& server, fs::path const& path) {
  auto const file = proc_path(server.pid, "net/unix");
  TRY_ASSIGN(auto const table, read_proc(file));
  if (auto const count = unix_connections(table, path.string())) return *count;
  return core::error{core::errc::system_failure, fmt::format("cannot read {}: a line in another form", file)};
}

core::result<bool> uses_directory(id const& process, fs::path const& directory) {
  auto const wanted = resolved(directory);
  auto const found = open_files(process.pid);
  if (found.error == EACCES || found.error == EPERM)
    return core::error{core::errc::system_failure,
                       fmt::format("cannot tell what process {} has open: not permitted", process.pid),
                       "run the tool as root"};
  return std::any_of(found.targets.begin(), found.targets.end(),
                     [&](std::string const& target) { return below(target, wanted); });
}

core::result<std::vector<id>> users_of_directory(fs::path const& directory) {
  TRY_ASSIGN(auto const pids, all_processes());
  std::vector<id> users;
  for (auto const pid : pids) {
    auto const self = identify(pid);
    if (!self) continue;
    auto const uses = uses_directory(*self, directory);
    if (!uses && ::geteuid() == 0) return uses.error();
    if (uses && *uses && alive(*self)) users.push_back(*self);
  }
  return users;
}

std::optional<id> holder_of_socket(std::uint64_t inode) {
  auto const pids = all_processes();
  if (!pids) return std::nullopt;
  for (auto const pid : *pids)
    for (auto const& target : open_files(pid).targets)
      if (socket_inode(target) == inode) return identify(pid);
  return std::nullopt;
}

}  // namespace process
