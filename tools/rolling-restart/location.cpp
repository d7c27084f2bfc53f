// Where a node keeps and offers what, as its command line, environment and configuration file say.
#include "binlog/command_line.hpp"
#include "node.hpp"
#include "process/child.hpp"

namespace rolling_restart {
namespace {

std::string without_scheme(std::string const& address) {
  auto const scheme = address.find("://");
  return scheme == std::string::npos ? address : address.substr(scheme + 3);
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto const comma = text.find(',');
    auto const part = text.substr(0, comma);
    if (!part.empty()) parts.emplace_back(part);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return parts;
}

}  // namespace

location location_of(std::vector<std::string> const& argv, std::vector<std::string> const& environment,
                     std::filesystem::path const& cwd, component component) {
  auto const program = component == component::pump ? binlog::program::pump : binlog::program::drainer;
  auto found = binlog::values_of_command(argv, environment, cwd, program);
  auto const absolute = [&](std::string const& path) {
    return path.empty() ? std::string() : (cwd / path).lexically_normal().string();
  };
  location l;
  l.config = absolute(found["config"]);
  l.data_dir = absolute(found["data-dir"]);
  l.addr = without_scheme(found["addr"]);
  l.advertise = without_scheme(found["advertise-addr"]);
  l.node_id = found["node-id"];
  l.log_file = absolute(found["log-file"]);
  l.initial_commit_ts = found["initial-commit-ts"];
  l.db_type = found["dest-db-type"];
  l.pd_urls = split_at_commas(found["pd-urls"]);
  return l;
}

location location_of_script(std::string_view script, std::filesystem::path const& deploy_dir, component component) {
  auto const start = script.find("\nexec ");
  if (start == std::string_view::npos) return {};
  auto const words = process::split_command(script.substr(start + 6));
  return words ? location_of(*words, {}, deploy_dir, component) : location{};
}

}  // namespace rolling_restart
