// What binaries print, SHA256SUMS files, and texts shown to people.
#include "copy-binary/diff.hpp"
#include "copy-binary/identity.hpp"
#include "copy-binary/request.hpp"
#include "files/program.hpp"
#include "module/render.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const version = files::parse_version(text);
  if (version.best().find('\n') != std::string::npos) std::abort();
  copy_binary::component_in_help(text);
  [[maybe_unused]] auto const judged = copy_binary::judge_probe(1, text, "/c");
  auto const digest = copy_binary::digest_in_sums(text, {"pump"});
  if (digest && digest->size() != 64) std::abort();
  copy_binary::without_secrets(text);
  auto const escaped = module::escape_invalid_utf8(text);
  if (module::escape_invalid_utf8(escaped) != escaped) std::abort();
  return 0;
}
