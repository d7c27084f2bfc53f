// Everything Drainers of any era, and what stands around them, answer; and the rules fed with it.
#include "binlog/evidence.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const body(reinterpret_cast<char const*>(data), size);
  auto const status = binlog::decode_drainer(body, "x");
  auto const metrics = binlog::decode_drainer_metrics(body, "x");
  if (status && (status->last_ts.value < 0 || status->lower.value < 0 || status->upper.value < 0)) std::abort();
  if (metrics && (metrics->queued < 0 || metrics->position.value_or(1) <= 0)) std::abort();
  if (auto const pump = binlog::decode_pump(body, "x"); pump && pump->commit_ts.value <= 0) std::abort();
  static_cast<void>(binlog::decode_pump_writes(body, "x"));
  static_cast<void>(binlog::decode_taken_binlogs(body, "x"));
  static_cast<void>(binlog::decode_tidb_servers(body, "x"));
  static_cast<void>(binlog::decode_tidb_socket(body, "x"));
  static_cast<void>(binlog::decode_cluster_id(body, "x"));
  static_cast<void>(binlog::decode_registered_pumps({{"/tidb-binlog/pumps/a/object", std::string(body)}}));

  binlog::drainer_case rules;
  binlog::requirements const demanded{.since = binlog::tso{1000}, .barrier = binlog::tso{1000}};
  for (int second = 0; second < 30; ++second) {
    auto const judged =
        rules.add({core::milliseconds(1000 * second), status, metrics, binlog::tso{1000}}, demanded, {.ids = {"a"}});
    // An unreadable answer never passes, nor does a window that stands still.
    if (judged.verdict == binlog::verdict::synced && (!status || binlog::is_old(status->kind))) std::abort();
  }
  return 0;
}
