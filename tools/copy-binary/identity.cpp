#include "copy-binary/identity.hpp"

#include <algorithm>

namespace copy_binary {
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

// The last lines, where programs tell why they end.
std::string last_words(std::string_view text) {
  constexpr std::size_t most = 600;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() > most) text.remove_prefix(text.size() - most);
  std::string words(text);
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words.empty() ? "it said nothing" : words;
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

component component_in_help(std::string_view text) {
  auto const plain = without_colours(text);
  if (plain.find("Usage of pump:") != std::string::npos) return component::pump;
  if (plain.find("Usage of drainer:") != std::string::npos) return component::drainer;
  return component::any;
}

core::result<void> judge_probe(int exit_code, std::string_view text, fs::path const& config) {
  auto const plain = without_colours(text);
  if (exit_code > 0 && plain.find("'probe' is not a valid flag") != std::string::npos) return {};
  auto const ended =
      exit_code < 0 ? std::string("it was ended by a signal") : "exit status " + std::to_string(exit_code);
  return core::error{
      core::errc::config_rejected,
      "cannot use the configuration " + config.string() + " with the new binary (" + ended + "): " + last_words(plain),
      "take the keys the new version does not know out of the configuration"};
}

}  // namespace copy_binary
