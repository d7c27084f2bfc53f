// What decommission-legacy reads of others: proofs, manifests, /proc's tables, properties, Kafka's scripts.
#include "binlog/old_registry.hpp"
#include "binlog/proof.hpp"
#include "decommission-legacy/manifest.hpp"
#include "decommission-legacy/users.hpp"
#include "process/proc_text.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  namespace retire = decommission_legacy;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  if (auto const proof = binlog::decode_proof(text, "it"); proof && proof->drainers.empty()) std::abort();
  if (auto const manifest = retire::decode_manifest(text, "it")) {
    auto const again = retire::decode_manifest(retire::encode(*manifest), "it");
    if (!again || retire::encode(*again) != retire::encode(*manifest)) std::abort();
  }
  static_cast<void>(binlog::decode_old_registry({{"/tidb-binlog/pumps/a/object", std::string(text)}}));
  static_cast<void>(binlog::decode_kept_cluster_id(text));
  if (auto const rows = process::parse_tcp(text); rows && rows->size() > size) std::abort();
  static_cast<void>(process::unix_connections(text, "/tmp/pump.sock"));
  auto const properties = retire::properties_of(text);
  static_cast<void>(retire::data_dirs_in(properties, "/"));
  if (retire::election_ports_in(properties).size() > properties.size()) std::abort();
  static_cast<void>(retire::children_in(text));
  if (retire::lines_in(text).size() > size) std::abort();
  return 0;
}
