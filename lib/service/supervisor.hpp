// The program that keeps a node running: systemd, daemontools' supervise, or nobody (a command).
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"
#include "process/child.hpp"
#include "process/inspect.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace service {

enum class kind { systemd, supervise, command };

struct settings {
  service::kind kind;
  std::string unit;                       // systemd: "pump-8250" or "pump-8250.service"
  std::filesystem::path deploy_dir;       // supervise: bin/{supervise,svc,svstat}, status/<component>, scripts/
  std::string component;                  // "pump" or "drainer"
  std::optional<process::identity> user;  // whom a started supervise or command runs as
  std::optional<process::command> start;  // command: how to start
  std::optional<process::command> stop;   // command: how to stop; nothing: SIGTERM
  std::filesystem::path pid_file;         // command: optional
  // systemd: a stop has all the time it takes: SIGTERM and nothing after it, without restart, until the process ends
  bool patient = false;
  // systemd; other values than these are for tests
  std::string systemctl = "systemctl";
  std::filesystem::path runtime_units = "/run/systemd/system";
};

enum class activity {
  running,     // has a main process
  stopped,     // down, and will stay down
  restarting,  // between two tries: systemd's auto-restart, supervise's one second
  failed,      // gave up; down (systemd: a process may still be alive, see leftover)
};

struct state {
  service::activity activity = activity::stopped;
  std::optional<pid_t> main_pid;
  // Alive although the service is not running: in its cgroup (systemd after a stop timeout), or with the node's
  // executable and no supervise above it (supervise killed).
  std::vector<pid_t> leftover;
  bool masked = false;         // told never to start
  bool known = true;           // false: no unit, no status directory
  std::uint64_t restarts = 0;  // automatic restarts so far, where the supervisor counts them
  std::string description;     // what the supervisor itself says, for people
};

class supervisor {
 public:
  virtual ~supervisor() = default;
  // Supervision by command knows a process only by its pid file: without one it is always `stopped`.
  virtual core::result<service::state> look() = 0;
  // Asks for the stop and makes sure the supervisor neither kills by SIGKILL nor starts the node again. Returns when
  // the request is accepted; `node` may still be ending: wait for its exit. `node` is the process to stop, where known;
  // errc::node_ambiguous, and nothing is done, when it lives but is not the one supervised. Nothing
  // is sent where the supervisor says that the stop is under way.
  virtual core::result<void> stop(std::optional<process::id> const& node, core::deadline deadline) = 0;
  // Lets the running node end by itself without being started again (supervise: `svc -o`; systemd with Restart=always:
  // a runtime drop-in Restart=no, gone again with start()); nothing to do elsewhere. The node goes on running.
  virtual core::result<void> hold(core::deadline deadline) = 0;
  // Asks for the start; readiness is not waited for. errc::start_failed (also while a former process still lives: there
  // would be two), errc::service_masked. Nothing to do where it runs already.
  virtual core::result<void> start(core::deadline deadline) = 0;
  // Makes changed unit files count (systemd: daemon-reload); nothing elsewhere.
  virtual core::result<void> reload(core::deadline deadline) = 0;
};

std::unique_ptr<supervisor> open(settings const& settings);

}  // namespace service
