// Prometheus' text format, as much of it as one sample takes.
#include "binlog/drainer_answers.hpp"
#include "binlog/pump_api.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string>

namespace binlog {
namespace {

void skip_spaces(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// Takes `{a="x",b="y"}` off, one pair after the other to `visit`; false when the braces don't close.
template <class Visit>
bool take_labels(std::string_view& line, Visit visit) {
  line.remove_prefix(1);
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char const c = line[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '}')) {
      auto pair = line.substr(start, i - start);
      skip_spaces(pair);
      visit(pair);
      start = i + 1;
      if (c == '}') {
        line.remove_prefix(i + 1);
        return true;
      }
    }
  }
  return false;
}

std::optional<double> value_of(std::string_view text) {
  skip_spaces(text);
  // A number, then perhaps a time stamp; strtod, because from_chars for doubles would add 36 kB to each tool.
  std::string const terminated(text.substr(0, text.find('\n')));
  char* end = nullptr;
  errno = 0;
  auto const value = std::strtod(terminated.c_str(), &end);
  if (end == terminated.c_str() || std::isnan(value) || errno == ERANGE) return std::nullopt;
  auto const rest = std::string_view(end);
  if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t' && rest.front() != '\r') return std::nullopt;
  return value;
}

// What stands behind the name, where the line is of this name and no longer one.
std::optional<std::string_view> behind(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return std::nullopt;
  line.remove_prefix(name.size());
  if (!line.starts_with('{') && !line.starts_with(' ') && !line.starts_with('\t')) return std::nullopt;
  return line;
}

std::optional<double> sample(std::string_view line, std::string_view name,
                             std::initializer_list<std::string_view> labels) {
  auto rest = behind(line, name);
  if (!rest) return std::nullopt;
  std::size_t found = 0;
  auto const count = [&](auto pair) {
    if (std::find(labels.begin(), labels.end(), pair) != labels.end()) ++found;
  };
  if (rest->starts_with('{') && !take_labels(*rest, count)) return std::nullopt;
  return found == labels.size() ? value_of(*rest) : std::nullopt;
}

std::string_view take_line(std::string_view& text) {
  auto const line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

}  // namespace

std::optional<double> metric(std::string_view text, std::string_view name,
                             std::initializer_list<std::string_view> labels) {
  while (!text.empty())
    if (auto const value = sample(take_line(text), name, labels)) return value;
  return std::nullopt;
}

std::optional<std::vector<std::pair<std::string, double>>> metrics(std::string_view text, std::string_view name,
                                                                   std::string_view label) {
  std::vector<std::pair<std::string, double>> all;
  auto const start = std::string(label) + "=\"";
  while (!text.empty()) {
    auto rest = behind(take_line(text), name);
    if (!rest) continue;
    std::string of;
    auto const note = [&](std::string_view pair) {
      if (pair.starts_with(start) && pair.ends_with('"'))
        of = pair.substr(start.size(), pair.size() - start.size() - 1);
    };
    if (rest->starts_with('{') && !take_labels(*rest, note)) return std::nullopt;
    auto const value = value_of(*rest);
    if (!value) return std::nullopt;
    all.emplace_back(std::move(of), *value);
  }
  return all;
}

}  // namespace binlog
