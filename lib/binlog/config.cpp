#include "binlog/config.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <cctype>
#include <charconv>
#include <string>

#include "core/file.hpp"

namespace binlog {

constexpr double default_space = 10.0 * 1024 * 1024 * 1024;

std::optional<double> parse_size(std::string_view text) {
  double number = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || number < 0) return std::nullopt;
  std::string unit;
  for (auto const* c = end; c != text.data() + text.size(); ++c)
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
