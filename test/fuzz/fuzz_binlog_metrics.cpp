// Prometheus text.
#include "binlog/pump_api.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const value = binlog::metric(text, "size", {"type=\"available\""});
  if (value && std::isnan(*value)) std::abort();
  if (value && !binlog::metric(text, "size")) std::abort();
  return 0;
}
