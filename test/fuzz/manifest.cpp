// A staged set's manifest: what is accepted comes back the same.
#include "files/manifest.hpp"
#include "core/json.hpp"

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const value = core::parse_json({reinterpret_cast<char const*>(data), size}, "it");
  if (!value) return 0;
  auto const manifest = files::decode_manifest(*value, "it");
  if (!manifest) return 0;
  auto const text = boost::json::serialize(files::encode(*manifest));
  auto const again = files::decode_manifest(*core::parse_json(text, "it"), "it");
  if (!again || boost::json::serialize(files::encode(*again)) != text) std::abort();
  if (files::set_digest(*again) != files::set_digest(*manifest)) std::abort();
  return 0;
}
