// Packed files and archives. The first byte chooses the packing and whether a member is looked for.
#include "files/source.hpp"

#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view packings[] = {"identity", "gzip", "xz", "zstd"};
  auto opened = files::unpack(packings[data[0] % 4],
                              files::open_text(std::string(reinterpret_cast<char const*>(data) + 1, size - 1)), "it");
  if (opened && data[0] >= 128) opened = files::open_tar_member(std::move(*opened), "pump", "it");
  if (opened) [[maybe_unused]]
    auto const summary = files::summarize(**opened, 1U << 20U);
  return 0;
}
