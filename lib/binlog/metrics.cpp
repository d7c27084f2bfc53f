// Prometheus' text format, as much of it as one sample takes.
#include "binlog/pump_api.hpp"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string>

namespace binlog {
namespace {

void skip_spaces(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// Takes `{a="x",b="y"}` off; true when one of the pairs is `wanted`, nothing when the braces don't close.
std::optional<bool> take_labels(std::string_view& line, std::string_view wanted) {
  line.remove_prefix(1);
  bool found = false;
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
      found = found || pair == wanted;
      start = i + 1;
      if (c == '}') {
        line.remove_prefix(i + 1);
        return found;
      }
    }
  }
  return std::nullopt;
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

std::optional<double> sample(std::string_view line, std::string_view name, std::string_view label) {
  if (!line.starts_with(name)) return std::nullopt;
  line.remove_prefix(name.size());
  bool labelled = label.empty();
  if (line.starts_with('{')) {
    auto const found = take_labels(line, label);
    if (!found) return std::nullopt;
    labelled = labelled || *found;
  } else if (!line.starts_with(' ') && !line.starts_with('\t')) {
    return std::nullopt;  // a longer name
  }
  return labelled ? value_of(line) : std::nullopt;
}

}  // namespace

std::optional<double> metric(std::string_view text, std::string_view name, std::string_view label) {
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    if (auto const value = sample(line, name, label)) return value;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return std::nullopt;
}

}  // namespace binlog
