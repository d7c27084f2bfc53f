#include "copy-binary/identity.hpp"

#include <algorithm>

#include "files/program.hpp"

namespace copy_binary {
namespace {

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

component component_in_help(std::string_view text) {
  auto const plain = files::without_colours(text);
  if (plain.find("Usage of pump:") != std::string::npos) return component::pump;
  if (plain.find("Usage of drainer:") != std::string::npos) return component::drainer;
  return component::any;
}

core::result<void> judge_probe(int exit_code, std::string_view text, fs::path const& config) {
  auto const plain = files::without_colours(text);
  if (exit_code > 0 && plain.find("'probe' is not a valid flag") != std::string::npos) return {};
  auto const ended =
      exit_code < 0 ? std::string("it was ended by a signal") : "exit status " + std::to_string(exit_code);
  return core::error{
      core::errc::config_rejected,
      "cannot use the configuration " + config.string() + " with the new binary (" + ended + "): " + last_words(plain),
      "take the keys the new version does not know out of the configuration"};
}

}  // namespace copy_binary
