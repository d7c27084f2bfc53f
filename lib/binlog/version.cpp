#include "binlog/version.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace binlog {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 10 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

unsigned long number(std::string_view text) {
  unsigned long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto const end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "-31-g1a25971": git describe's commits since the tag.
std::optional<unsigned long> take_commits(std::vector<std::string_view>& parts) {
  if (parts.size() < 2 || !parts.back().starts_with('g') || !is_number(parts[parts.size() - 2])) return std::nullopt;
  auto const hash = parts.back().substr(1);
  if (hash.size() < 4 || hash.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  auto const commits = number(parts[parts.size() - 2]);
  parts.resize(parts.size() - 2);
  return commits;
}

// As semver: numbers by value and before words, words by bytes.
std::strong_ordering compare_identifiers(std::string const& a, std::string const& b) {
  if (is_number(a) && is_number(b)) return number(a) <=> number(b);
  if (is_number(a) != is_number(b)) return is_number(a) ? std::strong_ordering::less : std::strong_ordering::greater;
  return a.compare(b) <=> 0;
}

}  // namespace

version version::parse(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  version parsed;
  parsed.text_ = text;
  if (text.starts_with('v')) text.remove_prefix(1);
  auto parts = split(text.substr(0, text.find('+')), '-');
  auto const release = split(parts.front(), '.');
  if (release.size() != 3 || !std::all_of(release.begin(), release.end(), is_number)) return parsed;
  for (std::size_t i = 0; i < 3; ++i) parsed.release_[i] = number(release[i]);
  parts.erase(parts.begin());
  if (!parts.empty() && parts.back() == "dirty") parts.pop_back();
  if (auto const commits = take_commits(parts)) parsed.commits_ = *commits;
  if (!parts.empty() && parts.back().size() == 8 && is_number(parts.back())) {
    parsed.hotfix_ = number(parts.back());
    parts.pop_back();
  }
  for (auto const part : parts)
    for (auto const identifier : split(part, '.')) parsed.pre_release_.emplace_back(identifier);
  parsed.known_ = true;
  return parsed;
}

std::partial_ordering operator<=>(version const& a, version const& b) {
  if (!a.known_ || !b.known_) return std::partial_ordering::unordered;
  for (std::size_t i = 0; i < 3; ++i)
    if (auto const order = a.release_[i] <=> b.release_[i]; order != 0) return order;
  if (a.pre_release_.empty() != b.pre_release_.empty())
    return a.pre_release_.empty() ? std::partial_ordering::greater : std::partial_ordering::less;
  auto const common = std::min(a.pre_release_.size(), b.pre_release_.size());
  for (std::size_t i = 0; i < common; ++i)
    if (auto const order = compare_identifiers(a.pre_release_[i], b.pre_release_[i]); order != 0) return order;
  if (auto const order = a.pre_release_.size() <=> b.pre_release_.size(); order != 0) return order;
  if (auto const order = a.hotfix_ <=> b.hotfix_; order != 0) return order;
  return a.commits_ <=> b.commits_;
}

bool notifies_drainers_on_every_start(version const& pump) {
  if (!pump.known()) return true;
  static version const first_without = version::parse("v3.0.5");
  static version const alpha = version::parse("v4.0.0-alpha");
  static version const beta = version::parse("v4.0.0-beta");
  return pump < first_without || (pump >= alpha && pump < beta);
}

}  // namespace binlog
