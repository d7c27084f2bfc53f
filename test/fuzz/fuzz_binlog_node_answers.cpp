// Everything a Pump or Drainer answers, and a registry value.
#include "binlog/pump_api.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const body(reinterpret_cast<char const*>(data), size);
  if (auto const status = binlog::decode_pump_status(body, "x")) {
    if (status->commit_ts.value <= 0) std::abort();
    for (auto const& node : status->nodes)
      if (node.id.empty() || node.host.empty() || node.update_ts.value < 0) std::abort();
  }
  if (auto const status = binlog::decode_drainer_status(body, "x"); status && status->last_ts.value < 0) std::abort();
  static_cast<void>(binlog::decode_drainers(body, "x"));
  static_cast<void>(binlog::decode_state_answer(body, "x"));
  if (auto const value = core::parse_json(body, "x")) static_cast<void>(binlog::decode_node(*value, "x"));
  return 0;
}
