#include "files/program.hpp"

namespace files {
namespace {

// The rest of the line behind `label`, at its first occurrence.
std::string_view behind(std::string_view text, std::string_view label) {
  auto const at = text.find(label);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + label.size());
  text = text.substr(0, text.find_first_of("\r\n"));
  auto const first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

std::string value_of(std::string_view text, std::string_view label) {
  auto const value = behind(text, label);
  if (value.starts_with("Not provided")) return {};
  return std::string(value.substr(0, value.find_first_of(" \t")));
}

}  // namespace

std::string without_colours(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      i += 2;
      while (i < text.size() && !(text[i] >= '@' && text[i] <= '~')) ++i;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

printed_version parse_version(std::string_view text) {
  auto const plain = without_colours(text);
  printed_version v;
  v.labelled =
      plain.find("Release Version:") != std::string::npos || plain.find("Git Commit Hash:") != std::string::npos;
  v.release = value_of(plain, "Release Version:");
  v.git_hash = value_of(plain, "Git Commit Hash:");
  return v;
}

}  // namespace files
