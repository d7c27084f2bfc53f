#pragma once

#include "../process/support.hpp"
#include "service/supervisor.hpp"

namespace support {

// A program that runs as <deploy_dir>/bin/pump for whoever looks at its executable: a copy of the shell, waiting.
inline void install_node(std::filesystem::path const& deploy_dir, std::string const& script) {
  std::filesystem::create_directories(deploy_dir / "bin");
  std::filesystem::copy_file("/bin/sh", deploy_dir / "bin/pump");
  write_file(deploy_dir / "scripts/run_pump.sh",
             "#!/bin/sh\ncd " + deploy_dir.string() + "\nexec bin/pump -c '" + script + "'\n", true);
}

// Ends on SIGTERM, once `sleep` returns.
inline constexpr char const* obedient = "trap \"exit 0\" TERM; while :; do sleep 0.05; done";
// Ends on SIGTERM only when a file called "end" is there.
inline constexpr char const* slow = "trap : TERM; while ! [ -e end ]; do sleep 0.05; done";

inline std::optional<process::id> node_of(service::supervisor& supervisor) {
  auto const state = supervisor.look();
  return state && state->main_pid ? process::identify(*state->main_pid) : std::nullopt;
}

}  // namespace support
