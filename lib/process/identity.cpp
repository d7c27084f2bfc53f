#include "process/identity.hpp"

#include "core/file.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace process {
namespace {

using namespace std::chrono_literals;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0;;) {
    auto const end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<identity> in_passwd(std::string_view text, std::string const& name) {
  for (auto const line : split(text, '\n')) {
    auto found = parse_passwd_line(line);
    if (found && found->user == name) return found;
  }
  return std::nullopt;
}

// Where neither `id` nor LDAP is there.
std::vector<gid_t> groups_in_file(identity const& identity) {
  std::vector<gid_t> groups{identity.gid};
  auto const text = core::read_file("/etc/group");
  if (!text) return groups;
  for (auto const line : split(*text, '\n')) {
    auto const fields = split(line, ':');
    if (fields.size() != 4) continue;
    auto const members = split(fields[3], ',');
    auto const gid = number<gid_t>(fields[2]);
    if (gid && *gid != identity.gid && std::find(members.begin(), members.end(), identity.user) != members.end())
      groups.push_back(*gid);
  }
  return groups;
}

}  // namespace

std::optional<identity> parse_passwd_line(std::string_view line) {
  auto const fields = split(line, ':');
  if (fields.size() != 7 || fields[0].empty()) return std::nullopt;
  auto const uid = number<uid_t>(fields[2]);
  auto const gid = number<gid_t>(fields[3]);
  if (!uid || !gid) return std::nullopt;
  return identity{*uid, *gid, std::string(fields[0]), std::string(fields[5])};
}

core::result<identity> identity_of_user(std::string const& name) {
  auto const unknown = core::error{core::errc::usage, "cannot find user " + name + ": no such user on this host",
                                   "create the user or name another one"};
  if (name.empty() || name.find_first_of(":\n/") != std::string::npos || name.starts_with('-')) return unknown;
  if (auto const text = core::read_file("/etc/passwd"))
    if (auto const found = in_passwd(*text, name)) return *found;
  TRY_ASSIGN(auto const asked, run({{"getent", "passwd", name}}, core::deadline::after(10s)));
  if (asked.exit_code == 0)
    if (auto const found = in_passwd(asked.out, name)) return *found;
  if (asked.exit_code == 2) return unknown;
  return core::error{core::errc::system_failure,
                     "cannot find user " + name + ": getent failed: " + asked.err.substr(0, 200)};
}

std::vector<gid_t> groups_of(identity const& identity) {
  if (identity.user.empty()) return {identity.gid};
  auto const asked = run({{"id", "-G", "--", identity.user}}, core::deadline::after(10s));
  if (!asked || asked->exit_code != 0) return groups_in_file(identity);
  std::vector<gid_t> groups{identity.gid};
  for (auto const word : split(std::string_view(asked->out).substr(0, asked->out.find('\n')), ' '))
    if (auto const gid = number<gid_t>(word); gid && *gid != identity.gid) groups.push_back(*gid);
  return groups;
}

}  // namespace process
