#include "copy-binary/diff.hpp"

#include "core/file.hpp"
#include "module/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace copy_binary {
namespace {

constexpr std::size_t most_text = 1U << 16U;

bool names_secret(std::string_view key) {
  constexpr std::array<std::string_view, 5> words = {"passw", "pwd", "secret", "token", "credential"};
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

bool is_text(std::string_view content) {
  return content.find('\0') == std::string_view::npos && module::escape_invalid_utf8(content) == content;
}

std::string side(std::string const& content, std::string const& version, files::attributes const& a) {
  return fmt::format("{}{}mode {:04o}, owner {}:{}\n", content, version.empty() ? "" : "version " + version + "\n",
                     a.mode, a.owner, a.group);
}

std::string binary_text(std::string const& sha256, std::uint64_t size) {
  return fmt::format("sha256 {}\n{} bytes\n", sha256, size);
}

std::string text_or_digest(origin const& from, std::string const& sha256, std::uint64_t size) {
  if (size > most_text || from.kind == origin::kind::nowhere) return binary_text(sha256, size);
  auto const source = open(from);
  if (!source) return binary_text(sha256, size);
  std::string content(most_text, '\0');
  std::size_t have = 0;
  for (;;) {
    auto const n = (*source)->read(content.data() + have, content.size() - have);
    if (!n) return binary_text(sha256, size);
    have += *n;
    if (*n == 0 || have == content.size()) break;
  }
  content.resize(have);
  if (!is_text(content)) return binary_text(sha256, size);
  if (!content.empty() && content.back() != '\n') content += '\n';
  return without_secrets(content);
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    auto const separator = line.find_first_of("=:");
    if (separator != std::string_view::npos && names_secret(line.substr(0, separator)))
      shown.append(line.substr(0, separator + 1)).append(" ********");
    else
      shown.append(line);
    text.remove_prefix(line.size());
    if (text.empty()) break;
    shown += '\n';
    text.remove_prefix(1);
  }
  return shown;
}

core::json::array diff_of(execution const& e, executed const& done) {
  core::json::array all;
  for (std::size_t i = 0; i < e.host.files.size(); ++i) {
    auto const& f = e.host.files[i];
    if (e.plan.actions[i] == action::nothing) continue;
    std::string before;
    if (f.present)
      before = side(text_or_digest({origin::kind::file, f.dest, {}, {}, {}}, f.present->sha256, f.present->size),
                    done.findings[i].former_version, f.present->attributes);
    auto after = side(text_or_digest(f.from, f.content.sha256, f.content.size), done.findings[i].version, f.wanted);
    if (before == after) after += "(a value not shown differs)\n";
    all.push_back(core::json::object{
        {"before_header", f.dest.string()}, {"after_header", f.dest.string()}, {"before", before}, {"after", after}});
  }
  return all;
}

}  // namespace copy_binary
