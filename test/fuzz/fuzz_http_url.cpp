// A URL that is taken can't smuggle anything into the request.
#include "http/url.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const parsed = http::parse_url({reinterpret_cast<char const*>(data), size});
  if (!parsed) return 0;
  if (parsed->host.empty() || parsed->port == 0 || !parsed->target.starts_with('/')) std::abort();
  for (char const c : parsed->authority + parsed->target)
    if (c <= ' ' || c >= 0x7f) std::abort();
  return 0;
}
