#include "module/render.hpp"

#include <boost/json/serialize.hpp>

namespace module {
namespace {

// Length of the valid UTF-8 sequence at the start of `text`; 0 where there is none.
std::size_t sequence_length(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto const tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0U) == 0x80U; };
  auto const first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;   // longer than needed
    if (first == 0xed && byte(1) >= 0xa0) return 0;  // surrogates
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) >= 0x90) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

}  // namespace

std::string escape_invalid_utf8(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    if (auto const n = sequence_length(text); n != 0) {
      escaped.append(text.substr(0, n));
      text.remove_prefix(n);
      continue;
    }
    auto const byte = static_cast<unsigned char>(text[0]);
    escaped.append("\\\\x").append(1, hex[byte >> 4U]).append(1, hex[byte & 15U]);
    text.remove_prefix(1);
  }
  return escaped;
}

std::string render(outcome const& outcome, core::milliseconds elapsed) {
  json::object all = outcome.fields;
  all["changed"] = outcome.changed;
  all["failed"] = outcome.failure.has_value();
  all["msg"] = outcome.msg.empty() && outcome.failure ? outcome.failure->what : outcome.msg;
  all["elapsed_ms"] = elapsed.count();
  if (outcome.failure)
    all["error"] = json::object{{"code", core::name(outcome.failure->code)}, {"hint", outcome.failure->hint}};
  if (!outcome.warnings.empty()) all["warnings"] = json::array(outcome.warnings.begin(), outcome.warnings.end());
  if (outcome.diff) all["diff"] = *outcome.diff;
  if (outcome.plan) all["plan"] = *outcome.plan;
  return escape_invalid_utf8(json::serialize(all)) + "\n";
}

int exit_status(outcome const& outcome) { return outcome.failure ? core::exit_status(outcome.failure->code) : 0; }

}  // namespace module
