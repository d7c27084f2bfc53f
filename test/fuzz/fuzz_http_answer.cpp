// An HTTP answer: however its bytes are cut, the outcome is the same, and the body never exceeds its limit.
#include "http/answer.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

core::result<http::response> parse(std::string_view bytes, std::size_t step) {
  http::answer answer(100);
  while (!bytes.empty()) {
    TRY_ASSIGN(auto const whole, answer.feed(bytes.substr(0, step)));
    if (whole) return answer.take();
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  TRY(answer.end());
  return answer.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
  auto const at_once = parse(bytes, bytes.size() + 1);
  auto const in_pieces = parse(bytes, data[0] % 16U + 1U);
  if (at_once && at_once->body.size() > 100) std::abort();
  // A limit may be told at different places, so only good outcomes are compared.
  if (at_once && in_pieces && (at_once->body != in_pieces->body || at_once->status != in_pieces->status)) std::abort();
  return 0;
}
