// The node as it is found: its process, its supervisor's word, its own answer, its identity.
#pragma once

#include "binlog/pump_api.hpp"
#include "files/activation.hpp"
#include "process/inspect.hpp"
#include "service/supervisor.hpp"
#include "settings.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace rolling_restart {

// What a command line, its environment and configuration file say where the node keeps and offers what.
struct location {
  std::string data_dir;
  std::string addr;
  std::string advertise;
  std::string node_id;
  std::string log_file;
  std::string config;
  std::string initial_commit_ts;  // of a Drainer, as this and the next one
  std::string db_type;            // by flag only
  std::vector<std::string> pd_urls;
};

// Flags win over environment (PUMP_<FLAG>, BINLOG_SERVER_<FLAG>), relative paths count from `cwd`
// (tidb-binlog:pump/config.go, drainer/config.go).
location location_of(std::vector<std::string> const& argv, std::vector<std::string> const& environment,
                     std::filesystem::path const& cwd, component component);
// The same from a run script such as tidb-ansible's run_pump.sh, where it can be read: the words after `exec`.
location location_of_script(std::string_view script, std::filesystem::path const& deploy_dir, component component);

struct node_view {
  std::optional<process::info> process;
  bool listening = false;
  std::string exe_sha256;  // of what the process runs
  std::string version;     // Release Version of what the process runs, or of the installed file when none runs
  rolling_restart::location location;
  service::state service;
  std::string id;                // "" where it can't be told before the first start
  std::string id_after_restart;  // what the node will register as when started again; differs only where .node is lost
  std::optional<std::string> dot_node;  // content of <data_dir>/.node
};

// deploy_dir, where not given, from the process that holds the port.
core::result<void> find_deploy_dir(settings& settings);

// Finds the one process that is this node: it holds the port, or the supervisor names it, or nothing else runs the
// executable. errc::wrong_executable where another program holds the port or those disagree, errc::node_ambiguous where
// several processes could be it.
core::result<std::optional<process::info>> find_process(settings const& settings, service::state const& service,
                                                        bool& listening);

// Versions by sha256 of programs that were asked already.
using known_versions = std::map<std::string, std::string, std::less<>>;

// Everything of node_view; fills what `settings` leaves open from the process's command line.
core::result<node_view> look_at_node(settings& settings, service::supervisor& supervisor,
                                     known_versions const& known = {});

// Release Version (or hash) that an executable prints for -V, "" where it prints none.
std::string version_of(std::filesystem::path const& executable);

}  // namespace rolling_restart
