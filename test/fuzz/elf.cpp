// An executable's headers.
#include "files/elf.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  [[maybe_unused]] auto const checked = files::check_elf({reinterpret_cast<char const*>(data), size}, "it", 62);
  return 0;
}
