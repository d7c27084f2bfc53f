#include "binlog/command_line.hpp"

#include <algorithm>
#include <cctype>

#include "binlog/config.hpp"

namespace binlog {
namespace {

// Only flags with values matter here.
command_values flags_of(std::vector<std::string> const& argv) {
  command_values found;
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

void add_environment(command_values& found, std::vector<std::string> const& environment, program program) {
  std::string_view const prefix = program == program::pump ? "PUMP_" : "BINLOG_SERVER_";
  for (auto const& variable : environment) {
    auto const equals = variable.find('=');
    if (!variable.starts_with(prefix) || equals == std::string::npos || equals + 1 == variable.size()) continue;
    auto name = variable.substr(prefix.size(), equals - prefix.size());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c == '_' ? '-' : static_cast<char>(std::tolower(c)); });
    found.emplace(name, variable.substr(equals + 1));
  }
}

}  // namespace

command_values values_of_command(std::vector<std::string> const& argv, std::vector<std::string> const& environment,
                                 std::filesystem::path const& cwd, program program) {
  auto found = flags_of(argv);
  add_environment(found, environment, program);
  if (auto const config = found.find("config"); config != found.end() && !config->second.empty())
    for (auto const& [name, value] : top_level_values((cwd / config->second).lexically_normal()))
      found.emplace(name, value);
  return found;
}

}  // namespace binlog
