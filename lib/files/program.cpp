#include "files/program.hpp"

namespace files {
namespace {

std::string without_colours(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    plain += text[i];
  }
  return plain;
}

// The first word behind a label, nothing where the label is missing.
std::string word_after(std::string_view text, std::string_view label) {
  auto const at = text.find(label);
  if (at == std::string_view::npos) return "";
  text.remove_prefix(at + label.size());
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  auto const last = text.find_first_of(" \t\r\n", first);
  return std::string(text.substr(first, last == std::string_view::npos ? last : last - first));
}

}  // namespace

program_version parse_version(std::string_view output) {
  auto const text = without_colours(output);
  auto const release = word_after(text, "Release Version:");
  auto const hash = word_after(text, "Git Commit Hash:");
  program_version version;
  version.labelled = !release.empty() || !hash.empty();
  // A build without make prints "Not provided (use make build instead of go build)".
  if (!release.empty() && release != "Not")
    version.release = release;
  else if (hash != "Not")
    version.release = hash;
  return version;
}

}  // namespace files
