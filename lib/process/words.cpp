#include "process/child.hpp"

#include <utility>

namespace process {

core::result<std::vector<std::string>> split_command(std::string_view text, std::string_view what) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = text[i];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      if (text[++i] != '\n') word += text[i];
    } else {
      word += c;
    }
  }
  if (quote != 0)
    return core::error{core::errc::usage,
                       "cannot read " + std::string(what) + ": a quote is not closed in: " + std::string(text)};
  if (in_word) words.push_back(std::move(word));
  return words;
}

}  // namespace process
