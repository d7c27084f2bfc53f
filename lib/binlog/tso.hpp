// TSO: PD's timestamp, int64. Physical part in ms since 1970 above 18 bits of logical counter
// (tidb-binlog:pkg/util/ts.go).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace binlog {

struct tso {
  std::int64_t value = 0;  // 0: none

  friend auto operator<=>(tso const&, tso const&) = default;
  [[nodiscard]] std::int64_t physical_ms() const { return value >> 18; }
  [[nodiscard]] bool empty() const { return value == 0; }
};

// "417070684569600001 (2020-06-01 08:00:00 UTC)", for people.
std::string describe(tso t);

// Negative when `earlier` is the later one.
inline std::chrono::milliseconds between(tso earlier, tso later) {
  return std::chrono::milliseconds(later.physical_ms() - earlier.physical_ms());
}

}  // namespace binlog
