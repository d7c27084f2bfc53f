#include "told.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/file.hpp"

namespace decommission_legacy {
namespace {

namespace fs = std::filesystem;
using process::info;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  auto const first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto const comma = text.find(',');
    if (auto const part = trimmed(text.substr(0, comma)); !part.empty()) parts.emplace_back(part);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return parts;
}

// "/data/kafka1" is not named by "/data/kafka10/conf".
bool names_path(std::string_view word, std::string_view path) {
  for (auto at = word.find(path); at != std::string_view::npos; at = word.find(path, at + 1)) {
    auto const rest = word.substr(at + path.size());
    auto const goes_on = !rest.empty() && (std::isalnum(static_cast<unsigned char>(rest.front())) != 0 ||
                                           std::string_view("-_.").find(rest.front()) != std::string_view::npos);
    if (!goes_on) return true;
  }
  return false;
}

// Of "host:2888:3888", perhaps with ":participant" and ";2181" behind it; an observer votes in no election.
std::optional<std::uint16_t> election_port_in(std::string_view member) {
  member = member.substr(0, member.find(';'));
  auto const role = member.rfind(':');
  if (role == std::string_view::npos || member.substr(role) == ":observer") return std::nullopt;
  if (member.substr(role) == ":participant") member = member.substr(0, role);
  auto const digits = member.substr(member.rfind(':') + 1);
  std::uint16_t port = 0;
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return ec == std::errc() && end == digits.data() + digits.size() ? std::optional(port) : std::nullopt;
}

std::string value_of(binlog::command_values const& values, std::string_view name) {
  auto const found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

// The word behind the main class: a file of properties.
std::map<std::string, std::string> properties_told(info const& p) {
  for (auto word = p.argv.rbegin(); word != p.argv.rend(); ++word) {
    if (!word->ends_with(".properties") && !word->ends_with(".cfg")) continue;
    auto const text = core::read_file(p.cwd / *word);
    if (text) return properties_of(*text);
  }
  return {};
}

void learn_binlog(settings const& s, info const& p, node_view& view) {
  auto const values = told_by(s, p);
  auto data_dir = value_of(values, "data-dir");
  // The default of every version: "data.pump", "data.drainer" where it was started.
  if (data_dir.empty()) data_dir = "data." + std::string(name(s.component));
  view.told_data_dirs = {(p.cwd / data_dir).lexically_normal()};
  for (auto url : split_at_commas(value_of(values, "pd-urls"))) {
    if (url.find("://") == std::string::npos) url.insert(0, "http://");
    while (url.ends_with('/')) url.pop_back();
    if (url.starts_with(s.tls ? "https://" : "http://")) view.pd_urls.push_back(std::move(url));
  }
  if (s.is(component::pump)) {
    view.socket = value_of(values, "socket");
    if (view.socket.empty()) view.socket = "unix:///tmp/pump.sock";
    if (auto const scheme = view.socket.find("://"); scheme != std::string::npos) view.socket.erase(0, scheme + 3);
  }
  view.ids = ids_of(s, view.told_data_dirs, value_of(values, "node-id"));
}

}  // namespace

std::map<std::string, std::string> properties_of(std::string_view text) {
  std::map<std::string, std::string> found;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    auto const line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#') || line.starts_with('!')) continue;
    auto const equals = line.find_first_of("=:");
    if (equals == std::string_view::npos) continue;
    // The last one counts, as in Java.
    found[std::string(trimmed(line.substr(0, equals)))] = trimmed(line.substr(equals + 1));
  }
  return found;
}

std::vector<fs::path> data_dirs_in(std::map<std::string, std::string> const& properties, fs::path const& cwd) {
  std::vector<fs::path> found;
  auto const add = [&](std::string const& name) {
    auto const value = properties.find(name);
    if (value == properties.end()) return false;
    for (auto const& part : split_at_commas(value->second)) found.push_back((cwd / part).lexically_normal());
    return true;
  };
  if (!add("log.dirs")) add("log.dir");
  add("dataDir");
  add("dataLogDir");
  return found;
}

std::map<std::string, std::string> ensemble_properties(std::map<std::string, std::string> const& properties,
                                                       fs::path const& cwd) {
  auto const file = properties.find("dynamicConfigFile");
  if (file == properties.end()) return properties;
  auto const text = core::read_file(cwd / file->second);
  return text ? properties_of(*text) : std::map<std::string, std::string>();
}

std::vector<std::uint16_t> election_ports_in(std::map<std::string, std::string> const& properties) {
  std::vector<std::uint16_t> ports;
  for (auto const& [name, value] : properties)
    if (name.starts_with("server."))
      if (auto const port = election_port_in(value)) ports.push_back(*port);
  return ports;
}

bool same_path(fs::path const& a, fs::path const& b) {
  std::error_code ec;
  auto const clean = [&](fs::path const& p) {
    auto text = fs::weakly_canonical(p, ec).string();
    if (ec) text = p.lexically_normal().string();
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
  };
  return clean(a) == clean(b);
}

binlog::command_values told_by(settings const& s, info const& p) {
  auto const program = s.is(component::pump) ? binlog::program::pump : binlog::program::drainer;
  return binlog::values_of_command(p.argv, p.environment, p.cwd, program);
}

bool belongs_here(settings const& s, info const& p) {
  std::vector<std::string> places;
  if (!s.deploy_dir.empty()) places.push_back(s.deploy_dir.string());
  for (auto const& directory : s.data_dirs) places.push_back(directory.string());
  return std::any_of(places.begin(), places.end(), [&](std::string const& place) {
    if (same_path(p.cwd, place) || p.exe.string().starts_with(place + "/")) return true;
    return std::any_of(p.argv.begin(), p.argv.end(), [&](std::string const& word) { return names_path(word, place); });
  });
}

void learn(settings const& s, info const& p, node_view& view) {
  if (s.is_binlog()) return learn_binlog(s, p, view);
  auto const properties = properties_told(p);
  view.told_data_dirs = data_dirs_in(properties, p.cwd);
  if (auto const found = properties.find("zookeeper.connect"); found != properties.end())
    view.zookeeper_connect = found->second;
  if (s.is(component::zookeeper)) view.election_ports = election_ports_in(ensemble_properties(properties, p.cwd));
}

std::vector<std::string> ids_of(settings const& s, std::vector<fs::path> const& data_dirs, std::string const& given) {
  std::vector<std::string> ids;
  if (s.is(component::pump) && !data_dirs.empty())
    if (auto const text = core::read_file(data_dirs.front() / ".node", 4096); text && !trimmed(*text).empty())
      ids.emplace_back(trimmed(*text));
  if (!given.empty()) ids.push_back(given);
  std::string host(256, '\0');
  if (::gethostname(host.data(), host.size() - 1) != 0) host.clear();
  host.resize(std::char_traits<char>::length(host.c_str()));
  ids.push_back(host + ":" + std::to_string(s.port));
  return ids;
}

}  // namespace decommission_legacy
