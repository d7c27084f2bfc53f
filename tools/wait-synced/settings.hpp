// The options of one call, decoded; and the table they are declared in.
#pragma once

#include "binlog/evidence.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "http/client.hpp"
#include "module/tool.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace wait_synced {

// Base URLs carry no slash at the end; "/status" and its like are put behind them.
struct settings {
  std::vector<std::string> drainers;
  std::vector<std::string> pumps;
  std::vector<std::string> expected_pumps;
  std::vector<std::string> pd_urls;
  std::vector<std::string> tidbs;
  std::vector<std::string> old_pumps;
  std::vector<std::string> new_pumps;
  std::string tso_from;           // may be empty
  binlog::requirements demanded;  // without `since` where a fresh one is to be taken
  core::milliseconds interval{};
  core::milliseconds timeout{};
  std::filesystem::path evidence_file;  // may be empty
  std::optional<http::tls_files> tls;

  [[nodiscard]] bool watches_switch() const { return !tidbs.empty() || !old_pumps.empty() || !new_pumps.empty(); }
};

module::tool const& description();
core::result<settings> decode(module::params const& params);

}  // namespace wait_synced
