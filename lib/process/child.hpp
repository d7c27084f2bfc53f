// Runs other programs. The only user of Boost.Process.
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"

#include <sys/types.h>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace process {

struct command {
  std::vector<std::string> argv;                             // argv[0] with a slash is a path, else found on PATH
  std::filesystem::path cwd = {};                            // empty: this process's
  std::optional<std::vector<std::string>> environment = {};  // NAME=value; nothing: this process's
};

// "bin/pump --addr='0.0.0.0:8250'" to words; quotes and backslashes as a shell reads them, nothing else expanded.
// `what` names the text in the error (errc::usage).
core::result<std::vector<std::string>> split_command(std::string_view text, std::string_view what = "a command");

struct exit_report {
  int exit_code = 0;  // -1 when ended by a signal
  int signal = 0;     // 0 when it exited by itself
  std::string out;    // stdout and stderr apart, each at most 1 MiB, the rest is dropped
  std::string err;
};

// Runs to the end, stdin from /dev/null, default signal dispositions, own process group. At the deadline the child gets
// SIGTERM, two seconds later SIGQUIT, never SIGKILL; then errc::timed_out, naming the pid if it still lives.
// errc::system_failure if it can't be started.
core::result<exit_report> run(command const& command, core::deadline deadline);

// Who a daemon runs as; nothing: as this process does.
struct identity {
  uid_t uid;
  gid_t gid;
  std::string user;                 // for its supplementary groups
  std::filesystem::path home = {};  // as the user data base says
};
// errc::usage when there is no such user.
core::result<identity> identity_of_user(std::string const& name);

// Starts a program that outlives this process: new session, stdio on /dev/null, default signal dispositions, all other
// descriptors closed, umask 022, child of init. Returns its pid (not an intermediate's) once exec succeeded; a failed
// exec is an error that says why.
core::result<pid_t> start_detached(command const& command, std::optional<identity> const& as);

}  // namespace process
