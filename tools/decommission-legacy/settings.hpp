// The options of one call, decoded; and the table they are declared in.
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"
#include "http/client.hpp"
#include "module/tool.hpp"
#include "service/supervisor.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace decommission_legacy {

enum class component { drainer, pump, kafka, zookeeper };
std::string_view name(component component);

enum class action { stop, undo };

// What the operator answers for.
struct accepted {
  bool loss = false;
  bool tidb_status = false;
  bool registry = false;
  bool cluster_id = false;
  bool ensemble = false;
  bool metrics = false;
  std::optional<std::uint64_t> abandoned;  // cluster id
  std::set<std::string> groups;
  std::set<std::string> clients;
  std::set<std::string> znodes;
};

// Base URLs carry no slash at the end.
struct settings {
  decommission_legacy::component component = component::drainer;
  decommission_legacy::action action = action::stop;
  std::filesystem::path evidence_file;
  core::milliseconds max_age{};
  std::vector<std::string> new_pumps;
  std::vector<std::string> new_drainers;
  std::vector<std::string> pd_urls;
  std::vector<std::string> tidbs;
  std::vector<std::string> old_pumps;
  std::vector<std::string> old_drainers;
  std::vector<std::string> brokers;
  service::kind supervision = service::kind::command;
  std::string unit;
  std::filesystem::path executable;  // may be empty: not compared
  std::filesystem::path deploy_dir;  // may be empty
  std::vector<std::filesystem::path> data_dirs;
  std::uint16_t port = 0;
  std::vector<std::string> start_command;
  std::vector<std::string> stop_command;
  std::filesystem::path kafka_home;
  std::uint16_t zookeeper_port = 0;
  std::set<std::string> binlog_topics;
  accepted accept;
  std::optional<http::tls_files> tls;
  core::milliseconds timeout{};

  [[nodiscard]] bool is(decommission_legacy::component which) const { return component == which; }
  // Of TiDB Binlog: registers in PD.
  [[nodiscard]] bool is_binlog() const { return is(component::drainer) || is(component::pump); }
  [[nodiscard]] bool has_unit() const { return supervision == service::kind::systemd; }
  [[nodiscard]] bool is_kept() const { return supervision != service::kind::command; }
  // daemontools: while this file is there, supervise does not start the node by itself.
  [[nodiscard]] std::filesystem::path down_file() const;
  [[nodiscard]] std::string node_name() const;               // "pump-8250", for sentences
  [[nodiscard]] std::filesystem::path manifest_dir() const;  // <deploy_dir>/decommission/<component>-<port>
};

module::tool const& description();
core::result<settings> decode(module::params const& params, module::context const& context);

}  // namespace decommission_legacy
