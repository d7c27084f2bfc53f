#include "process/proc_text.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace process {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value{};
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";
  std::vector<std::string_view> words;
  for (auto at = text.find_first_not_of(blanks); at != std::string_view::npos;) {
    auto const end = std::min(text.find_first_of(blanks, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(blanks, end);
  }
  return words;
}

template <class Visit>
void each_line(std::string_view text, Visit visit) {
  for (std::size_t start = 0; start < text.size();) {
    auto const end = std::min(text.find('\n', start), text.size());
    visit(text.substr(start, end - start));
    start = end + 1;
  }
}

}  // namespace

std::optional<stat_line> parse_stat(std::string_view text) {
  // comm may hold blanks and parentheses, so it ends at the last ')'.
  auto const open = text.find(" (");
  auto const close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) return std::nullopt;
  auto const fields = words_of(text.substr(close + 1));  // fields[0] is proc(5)'s field 3
  if (fields.size() < 20 || fields[0].size() != 1) return std::nullopt;
  auto const pid = number<pid_t>(text.substr(0, open));
  auto const parent = number<pid_t>(fields[1]);
  auto const threads = number<std::int64_t>(fields[17]);
  auto const start = number<std::uint64_t>(fields[19]);
  if (!pid || !parent || !threads || !start) return std::nullopt;
  return stat_line{*pid, std::string(text.substr(open + 2, close - open - 2)), fields[0][0], *parent, *threads, *start};
}

bool ended(stat_line const& stat) {
  return stat.state == 'X' || stat.state == 'x' || (stat.state == 'Z' && stat.threads <= 1);
}

std::optional<owner> parse_status(std::string_view text) {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  each_line(text, [&](std::string_view line) {
    auto const words = words_of(line);
    if (words.size() != 5) return;
    if (words[0] == "Uid:") uid = number<uid_t>(words[2]);
    if (words[0] == "Gid:") gid = number<gid_t>(words[2]);
  });
  if (!uid || !gid) return std::nullopt;
  return owner{*uid, *gid};
}

std::vector<std::string> split_nul(std::string_view text) {
  std::vector<std::string> entries;
  for (std::size_t start = 0; start < text.size();) {
    auto const end = std::min(text.find('\0', start), text.size());
    entries.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return entries;
}

std::optional<std::vector<std::uint64_t>> listening_inodes(std::string_view table, std::uint16_t port) {
  std::vector<std::uint64_t> inodes;
  bool readable = true;
  bool header = true;
  each_line(table, [&](std::string_view line) {
    if (std::exchange(header, false)) return;
    auto const words = words_of(line);
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    auto const colon = words.size() < 10 ? std::string_view::npos : words[1].rfind(':');
    auto const local =
        colon == std::string_view::npos ? std::nullopt : number<std::uint16_t>(words[1].substr(colon + 1), 16);
    auto const inode = words.size() < 10 ? std::nullopt : number<std::uint64_t>(words[9]);
    if (!local || !inode) {
      readable = false;
    } else if (words[3] == "0A" && *local == port) {
      inodes.push_back(*inode);
    }
  });
  if (!readable) return std::nullopt;
  return inodes;
}

namespace {

// Addresses are words of 32 bits in the host's byte order, each as eight digits; both are little endian where this
// runs.
std::optional<std::string> address_of(std::string_view hex) {
  std::array<unsigned char, 16> bytes{};
  if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
  for (std::size_t word = 0; word * 8 < hex.size(); ++word) {
    auto const value = number<std::uint32_t>(hex.substr(word * 8, 8), 16);
    if (!value) return std::nullopt;
    std::memcpy(bytes.data() + word * 4, &*value, 4);
  }
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  auto const four = hex.size() == 8;
  auto const in_clothes = !four && std::equal(mapped.begin(), mapped.end(), bytes.begin());
  std::array<char, INET6_ADDRSTRLEN> text{};
  auto const* const from = in_clothes ? bytes.data() + 12 : bytes.data();
  if (::inet_ntop(four || in_clothes ? AF_INET : AF_INET6, from, text.data(), text.size()) == nullptr)
    return std::nullopt;
  return std::string(text.data());
}

bool take_endpoint(std::string_view word, std::string& address, std::uint16_t& port) {
  auto const colon = word.rfind(':');
  if (colon == std::string_view::npos) return false;
  auto const host = address_of(word.substr(0, colon));
  auto const digits = number<std::uint16_t>(word.substr(colon + 1), 16);
  if (!host || !digits) return false;
  address = *host;
  port = *digits;
  return true;
}

}  // namespace

std::optional<std::vector<tcp_row>> parse_tcp(std::string_view table) {
  std::vector<tcp_row> rows;
  bool readable = true;
  bool header = true;
  each_line(table, [&](std::string_view line) {
    if (std::exchange(header, false)) return;
    auto const words = words_of(line);
    tcp_row row;
    auto const inode = words.size() < 10 ? std::nullopt : number<std::uint64_t>(words[9]);
    if (!inode || !take_endpoint(words[1], row.local, row.local_port) ||
        !take_endpoint(words[2], row.remote, row.remote_port)) {
      readable = false;
      return;
    }
    row.listening = words[3] == "0A";
    row.established = words[3] == "01";
    row.inode = *inode;
    rows.push_back(std::move(row));
  });
  if (!readable) return std::nullopt;
  return rows;
}

std::optional<std::size_t> unix_connections(std::string_view table, std::string_view path) {
  std::size_t connected = 0;
  bool readable = true;
  bool header = true;
  each_line(table, [&](std::string_view line) {
    if (std::exchange(header, false)) return;
    // Num RefCount Protocol Flags Type St Inode Path; the path may hold blanks.
    auto const words = words_of(line);
    if (words.size() < 7) {
      readable = false;
    } else if (words.size() > 7 && words[5] == "03") {
      auto const start = static_cast<std::size_t>(words[7].data() - line.data());
      if (line.substr(start) == path) ++connected;
    }
  });
  if (!readable) return std::nullopt;
  return connected;
}

std::optional<std::uint64_t> socket_inode(std::string_view link) {
  constexpr std::string_view before = "socket:[";
  if (!link.starts_with(before) || !link.ends_with(']')) return std::nullopt;
  return number<std::uint64_t>(link.substr(before.size(), link.size() - before.size() - 1));
}

std::pair<std::string, bool> parse_exe_link(std::string_view link) {
  constexpr std::string_view mark = " (deleted)";
  if (!link.ends_with(mark)) return {std::string(link), false};
  return {std::string(link.substr(0, link.size() - mark.size())), true};
}

std::vector<std::string> parse_control_groups(std::string_view text) {
  std::vector<std::string> groups;
  each_line(text, [&](std::string_view line) {
    auto const first = line.find(':');
    auto const second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) return;
    auto const controllers = line.substr(first + 1, second - first - 1);
    auto path = std::string(line.substr(second + 1));
    if (controllers != "name=systemd" && !(controllers.empty() && line.starts_with("0:"))) return;
    if (std::find(groups.begin(), groups.end(), path) == groups.end()) groups.push_back(std::move(path));
  });
  return groups;
}

}  // namespace process
