#include "binlog/config.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_FLOAT_CHARCONV 0
#include <toml++/toml.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <string>

#include "core/file.hpp"

namespace binlog {

constexpr double default_space = 10.0 * 1024 * 1024 * 1024;

std::optional<double> parse_size(std::string_view text) {
  std::string const terminated(text);
  char* end = nullptr;
  auto number = std::strtod(terminated.c_str(), &end);
  if (end == terminated.c_str() || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string unit;
  for (auto const* c = end; *c != '\0'; ++c)
    if (*c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  if (unit.empty() || unit == "b") return number;
  auto const power = std::string_view("kmgtpe").find(unit[0]);
  if (power == std::string_view::npos) return std::nullopt;
  auto const rest = std::string_view(unit).substr(1);
  if (rest != "" && rest != "b" && rest != "i" && rest != "ib") return std::nullopt;
  auto const base = rest.starts_with('i') ? 1024.0 : 1000.0;
  for (std::size_t i = 0; i <= power; ++i) number *= base;
  return number;
}

std::map<std::string, std::string> top_level_strings(std::filesystem::path const& toml_file) {
  std::map<std::string, std::string> found;
  auto const text = core::read_file(toml_file);
  if (!text) return found;
  auto const parsed = toml::parse(*text);
  if (!parsed) return found;
  for (auto const& [key, node] : parsed.table())
    if (auto const value = node.value<std::string>()) found.emplace(std::string(key.str()), *value);
  return found;
}

double stop_write_space_of(std::filesystem::path const& pump_toml) {
  auto const text = core::read_file(pump_toml);
  if (!text) return default_space;
  auto const parsed = toml::parse(*text);
  if (!parsed) return default_space;
  auto const value = parsed.table()["storage"]["stop-write-at-available-space"];
  if (auto const bytes = value.value<double>()) return *bytes;
  if (auto const sentence = value.value<std::string>()) return parse_size(*sentence).value_or(default_space);
  return default_space;
}

}  // namespace binlog
