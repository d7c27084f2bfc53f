// The node on this host: its process, what that was told and uses, its supervisor's word. Read from /proc, its
// configuration file and the supervisor.
#pragma once

#include "binlog/command_line.hpp"
#include "process/usage.hpp"
#include "service/supervisor.hpp"
#include "settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace decommission_legacy {

struct node_view {
  std::optional<process::info> process;
  bool listening = false;
  std::string address;  // to speak to it: where it listens; empty while it does not
  service::state service;
  std::optional<std::filesystem::path> unit_file;
  std::vector<std::filesystem::path> data_dirs;  // given, else told
  // What it was told.
  std::vector<std::filesystem::path> told_data_dirs;
  std::vector<std::string> pd_urls;
  std::string socket;                         // Pump: the unix socket TiDB writes to
  std::string zookeeper_connect;              // Kafka
  std::vector<std::uint16_t> election_ports;  // ZooKeeper: of each that votes in its ensemble, itself too
  std::vector<std::string> ids;               // Pump, Drainer: what it may have registered as, the likeliest first
  // What speaks against it.
  std::vector<std::string> mismatches;   // a sentence each: parts that do not belong together
  std::vector<std::string> other_users;  // other processes that have its data open
};

service::settings supervisor_settings(settings const& settings);

// errc::node_ambiguous where several processes could be the node, system_failure where /proc can't be read. Fills
// settings.pd_urls where they were not given.
core::result<node_view> look_at_node(settings& settings, service::supervisor& supervisor);

// Whether a process is one of this component with this command line: by its executable, or for Kafka and ZooKeeper by
// their main class.
bool could_be(settings const& settings, process::info const& process);

// A Java properties file as far as Kafka and ZooKeeper use them: name=value lines, comments left out.
std::map<std::string, std::string> properties_of(std::string_view text);

// The directories a Kafka or ZooKeeper keeps data in, as its properties say.
std::vector<std::filesystem::path> data_dirs_in(std::map<std::string, std::string> const& properties,
                                                std::filesystem::path const& cwd);

// Those that name a ZooKeeper's ensemble: its own, or those of its dynamicConfigFile (from 3.5 on; then its own may
// name none), which it opens where it runs (apache/zookeeper:QuorumPeerConfig.java, parse).
std::map<std::string, std::string> ensemble_properties(std::map<std::string, std::string> const& properties,
                                                       std::filesystem::path const& cwd);

// The port for elections of each member that votes; none where a ZooKeeper stands alone.
std::vector<std::uint16_t> election_ports_in(std::map<std::string, std::string> const& properties);

}  // namespace decommission_legacy
