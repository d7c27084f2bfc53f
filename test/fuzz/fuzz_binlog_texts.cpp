// Versions as programs print them, and the lock's value as anybody may have written it.
#include "binlog/lock_value.hpp"
#include "binlog/version.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const version = binlog::version::parse(text);
  if (version.known() && !(version == binlog::version::parse(version.text()))) std::abort();
  static_cast<void>(binlog::notifies_drainers_on_every_start(version));
  for (char const c : binlog::describe_lock(text))
    if (static_cast<unsigned char>(c) < ' ') std::abort();
  return 0;
}
