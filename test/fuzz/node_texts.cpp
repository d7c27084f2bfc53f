// What a host says of a node: run scripts, supervisors' words, /proc.
#include "node.hpp"
#include "process/proc_text.hpp"
#include "service/svstat.hpp"
#include "service/systemd_show.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const words = process::split_command(text);
  if (words && words->size() > size) std::abort();
  static_cast<void>(
      rolling_restart::location_of_script(text, "/home/tidb/deploy", rolling_restart::component::drainer));
  static_cast<void>(
      rolling_restart::location_of_script("\nexec " + std::string(text), "/d", rolling_restart::component::pump));
  static_cast<void>(service::parse_svstat(text));
  static_cast<void>(service::parse_show(text));
  static_cast<void>(process::parse_stat(text));
  static_cast<void>(process::parse_status(text));
  static_cast<void>(process::parse_exe_link(text));
  static_cast<void>(process::parse_control_groups(text));
  return 0;
}
