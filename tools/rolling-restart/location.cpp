// Where a node keeps and offers what, as its command line, environment and configuration file say.
#include <algorithm>
#include <cctype>
#include <map>

#include "binlog/config.hpp"
#include "node.hpp"

namespace rolling_restart {
namespace {

using flags = std::map<std::string, std::string, std::less<>>;

// Go's flag syntax: -name, --name, =value or the next word. Only flags with values matter here.
flags flags_of(std::vector<std::string> const& argv) {
  flags found;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    std::string_view word = argv[i];
    auto const dashes = word.find_first_not_of('-');
    if (dashes == std::string_view::npos || dashes == 0 || dashes > 2) continue;
    word.remove_prefix(dashes);
    if (auto const equals = word.find('='); equals != std::string_view::npos) {
      found.emplace(word.substr(0, equals), word.substr(equals + 1));
    } else if (i + 1 < argv.size() && !argv[i + 1].starts_with('-')) {
      found.emplace(word, argv[++i]);
    }
  }
  return found;
}

void add_environment(flags& found, std::vector<std::string> const& environment, component component) {
  std::string_view const prefix = component == component::pump ? "PUMP_" : "BINLOG_SERVER_";
  for (auto const& variable : environment) {
    auto const equals = variable.find('=');
    if (!variable.starts_with(prefix) || equals == std::string::npos || equals + 1 == variable.size()) continue;
    auto name = variable.substr(prefix.size(), equals - prefix.size());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c == '_' ? '-' : static_cast<char>(std::tolower(c)); });
    found.emplace(name, variable.substr(equals + 1));
  }
}

void add_configuration(flags& found, std::filesystem::path const& file) {
  for (auto const& [name, value] : binlog::top_level_values(file)) found.emplace(name, value);
}

std::string without_scheme(std::string const& address) {
  auto const scheme = address.find("://");
  return scheme == std::string::npos ? address : address.substr(scheme + 3);
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto const comma = text.find(',');
    auto const part = text.substr(0, comma);
    if (!part.empty()) parts.emplace_back(part);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return parts;
}

}  // namespace

location location_of(std::vector<std::string> const& argv, std::vector<std::string> const& environment,
                     std::filesystem::path const& cwd, component component) {
  auto found = flags_of(argv);
  add_environment(found, environment, component);
  auto const absolute = [&](std::string const& path) {
    return path.empty() ? std::string() : (cwd / path).lexically_normal().string();
  };
  location l;
  l.config = absolute(found["config"]);
  if (!l.config.empty()) add_configuration(found, l.config);
  l.data_dir = absolute(found["data-dir"]);
  l.addr = without_scheme(found["addr"]);
  l.advertise = without_scheme(found["advertise-addr"]);
  l.node_id = found["node-id"];
  l.log_file = absolute(found["log-file"]);
  l.initial_commit_ts = found["initial-commit-ts"];
  l.db_type = found["dest-db-type"];
  l.pd_urls = split_at_commas(found["pd-urls"]);
  return l;
}

location location_of_script(std::string_view script, std::filesystem::path const& deploy_dir, component component) {
  auto const start = script.find("\nexec ");
  if (start == std::string_view::npos) return {};
  auto const words = split_command(script.substr(start + 6));
  return words ? location_of(*words, {}, deploy_dir, component) : location{};
}

}  // namespace rolling_restart
