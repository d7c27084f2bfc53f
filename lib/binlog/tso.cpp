#include "binlog/tso.hpp"

#include <ctime>

namespace binlog {

std::string describe(tso t) {
  auto const seconds = static_cast<std::time_t>(t.physical_ms() / 1000);
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&seconds, &parts) == nullptr) return std::to_string(t.value);
  return std::to_string(t.value) + " (" + std::string(text, std::strftime(text, sizeof text, "%F %T UTC", &parts)) +
         ")";
}

}  // namespace binlog
