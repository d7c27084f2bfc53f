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

namespace {

// An empty table where the file is missing or is not TOML.
toml::table table_of(std::filesystem::path const& file) {
  auto const text = core::read_file(file);
  if (!text) return {};
  auto parsed = toml::parse(*text);
  return parsed ? std::move(parsed).table() : toml::table{};
}

template <class View>
std::string string_at(View const& view, std::string_view fallback = "") {
  return view.value_or(std::string(fallback));
}

}  // namespace

std::map<std::string, std::string> top_level_values(std::filesystem::path const& toml_file) {
  std::map<std::string, std::string> found;
  for (auto const& [key, node] : table_of(toml_file)) {
    if (auto const text = node.value_exact<std::string>()) found.emplace(std::string(key.str()), *text);
    if (auto const number = node.value_exact<std::int64_t>())
      found.emplace(std::string(key.str()), std::to_string(*number));
  }
  return found;
}

bool drainer_config::keeps_savepoint() const {
  auto const& type = checkpoint_type.empty() ? db_type : checkpoint_type;
  return type == "file" || type == "pb" || type == "kafka";
}

drainer_config read_drainer_config(std::filesystem::path const& drainer_toml) {
  auto const table = table_of(drainer_toml);
  drainer_config c;
  c.db_type = string_at(table["syncer"]["db-type"], c.db_type);
  c.checkpoint_type = string_at(table["syncer"]["to"]["checkpoint"]["type"]);
  c.ssl_ca = string_at(table["security"]["ssl-ca"]);
  c.ssl_cert = string_at(table["security"]["ssl-cert"]);
  c.ssl_key = string_at(table["security"]["ssl-key"]);
  return c;
}

core::result<std::optional<tso>> read_savepoint(std::filesystem::path const& file) {
  std::error_code ec;
  if (!std::filesystem::exists(file, ec)) return std::optional<tso>{};
  TRY_ASSIGN(auto const text, core::read_file(file));
  auto const parsed = toml::parse(text);
  auto const commit_ts = parsed ? parsed.table()["commitTS"].value_or(std::int64_t{-1}) : std::int64_t{-1};
  if (commit_ts < 0)
    return core::error{core::errc::bad_answer, "cannot read the checkpoint " + file.string() + ": it holds no commitTS",
                       "restore the file from a copy"};
  return commit_ts == 0 ? std::optional<tso>{} : std::optional(tso{commit_ts});
}

double stop_write_space_of(std::filesystem::path const& pump_toml) {
  auto const table = table_of(pump_toml);
  auto const value = table["storage"]["stop-write-at-available-space"];
  if (auto const bytes = value.value<double>()) return *bytes;
  if (auto const sentence = value.value<std::string>()) return parse_size(*sentence).value_or(default_space);
  return default_space;
}

}  // namespace binlog
