#include "files/owner.hpp"

#include "core/file.hpp"
#include "process/child.hpp"

#include <charconv>
#include <chrono>
#include <string_view>

namespace files {
namespace {

// The last number means "leave as it is" to chown.
std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t n = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size() || n == UINT32_MAX) return std::nullopt;
  return n;
}

// NAME:PASSWORD:GID:MEMBERS
std::optional<gid_t> in_group_file(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    line.remove_prefix(name.size() + 1);
    line.remove_prefix(std::min(line.size(), line.find(':')));
    if (!line.empty()) return number(line.substr(1, line.find(':', 1) - 1));
  }
  return std::nullopt;
}

}  // namespace

core::result<user> find_user(std::string const& name) {
  if (auto const uid = number(name)) return user{*uid, std::nullopt};
  TRY_ASSIGN(auto const found, process::identity_of_user(name));
  return user{found.uid, found.gid};
}

core::result<gid_t> find_group(std::string const& name) {
  if (auto const gid = number(name)) return *gid;
  core::error const unknown{core::errc::usage, "cannot find group " + name + ": no such group on this host",
                            "create the group or name another one"};
  if (name.empty() || name.find_first_of(":\n/") != std::string::npos || name.starts_with('-')) return unknown;
  if (auto const text = core::read_file("/etc/group"))
    if (auto const gid = in_group_file(*text, name)) return *gid;
  // LDAP and the like: their plug-ins can't be loaded here, the host's own getent has them.
  TRY_ASSIGN(auto const asked,
             process::run({{"getent", "group", name}}, core::deadline::after(std::chrono::seconds(10))));
  if (auto const gid = in_group_file(asked.out, name); gid && asked.exit_code == 0) return *gid;
  if (asked.exit_code == 2) return unknown;
  return core::error{core::errc::system_failure,
                     "cannot find group " + name + ": getent failed: " + asked.err.substr(0, 200)};
}

}  // namespace files
