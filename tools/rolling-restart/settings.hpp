// The options of one call, decoded; and the table they are declared in.
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"
#include "files/manifest.hpp"
#include "http/client.hpp"
#include "module/tool.hpp"
#include "service/supervisor.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rolling_restart {

enum class component { pump, drainer };
enum class action { restart, stop, start, rollback, status, verify };
std::string_view name(action action);

struct settings {
  rolling_restart::component component = component::pump;
  rolling_restart::action action = action::restart;
  std::filesystem::path deploy_dir;
  std::filesystem::path data_dir;  // empty until read from the process's command line
  std::uint16_t port = 0;
  std::string advertise;             // "ip:port"; empty until read from the process's command line
  std::vector<std::string> pd_urls;  // likewise
  service::kind supervision = service::kind::systemd;
  std::string unit;
  std::optional<process::identity> user;
  std::vector<std::string> start_command;
  std::vector<std::string> stop_command;
  std::filesystem::path pid_file;
  std::vector<std::string> peers;
  std::filesystem::path stage_dir;
  std::string staged_set;                 // digest; empty: nothing to activate
  std::optional<files::manifest> staged;  // where copy-binary's object was given: dest and sha256 of each file
  std::size_t min_online = 1;
  std::vector<std::string> except;
  std::vector<std::string> accept;
  bool force = false;
  bool lock = true;
  core::milliseconds lock_timeout{};
  core::milliseconds stop_timeout{};
  core::milliseconds ready_timeout{};
  core::milliseconds stable_for{};
  std::optional<pid_t> verify_pid;
  std::string verify_sha256;
  std::optional<http::tls_files> tls;
  // Of a dry run: a file for TLS that the real run would put here first. Nobody can be asked without it.
  std::filesystem::path tls_file_to_come;

  [[nodiscard]] std::string_view component_name() const;
  [[nodiscard]] std::filesystem::path executable() const;  // <deploy_dir>/bin/<component>
  [[nodiscard]] bool accepts(std::string_view name) const;
  [[nodiscard]] std::string node_name() const;  // "pump-8250", for sentences
  [[nodiscard]] bool is_drainer() const { return component == component::drainer; }
};

module::tool const& description();
core::result<settings> decode(module::params const& params, module::context const& context);

}  // namespace rolling_restart
