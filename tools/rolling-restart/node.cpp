#include "node.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "core/file.hpp"
#include "files/digest.hpp"
#include "files/program.hpp"
#include "process/child.hpp"

namespace rolling_restart {
namespace {

namespace fs = std::filesystem;
using core::errc;
using core::error;
using core::result;

constexpr core::milliseconds version_deadline{10000};

bool same_file_path(fs::path const& a, fs::path const& b) {
  std::error_code ec;
  auto const resolve = [&](fs::path const& p) { return fs::weakly_canonical(p.parent_path(), ec) / p.filename(); };
  return a == b || resolve(a) == resolve(b) || fs::weakly_canonical(a, ec) == fs::weakly_canonical(b, ec);
}

error wrong_executable(settings const& s, process::info const& found, std::string const& how) {
  return {errc::wrong_executable,
          "cannot take " + s.node_name() + ": " + how + " is " + found.exe.string() + " (pid " +
              std::to_string(found.id.pid) + "), not " + s.executable().string(),
          "check deploy_dir and port"};
}

error ambiguous(settings const& s, std::string const& cause, std::string const& hint) {
  return {errc::node_ambiguous, "cannot tell which process is " + s.node_name() + ": " + cause, hint};
}

// The holder of the port, where there is one.
result<std::optional<process::info>> find_listener(settings const& s) {
  TRY_ASSIGN(auto const holders, process::listeners(s.port));
  std::optional<process::info> node;
  for (auto const& holder : holders) {
    auto found = process::inspect(holder.pid);
    if (!found) continue;  // ended meanwhile
    if (!same_file_path(found->exe, s.executable()))
      return wrong_executable(s, *found, "the process listening on port " + std::to_string(s.port));
    if (node && !(node->id == found->id))
      return ambiguous(s,
                       "pids " + std::to_string(node->id.pid) + " and " + std::to_string(found->id.pid) +
                           " both listen on port " + std::to_string(s.port),
                       "stop the one that does not belong there");
    node = std::move(*found);
  }
  return node;
}

bool serves_this_port(settings const& s, process::info const& p) {
  auto const l = location_of(p.argv, p.environment, p.cwd, s.component);
  auto const colon = l.addr.rfind(':');
  if (colon == std::string::npos) return true;
  return l.addr.substr(colon + 1) == std::to_string(s.port);
}

// Not listening (yet, or any more): the supervisor's main process, or whatever runs the executable for this port.
result<std::optional<process::info>> find_silent(settings const& s, service::state const& service) {
  TRY_ASSIGN(auto const candidates, process::processes_of(s.executable()));
  std::optional<process::info> node;
  for (auto const& candidate : candidates) {
    auto found = process::inspect(candidate.pid);
    if (!found || !serves_this_port(s, *found)) continue;
    if (service.main_pid == found->id.pid) return std::optional(std::move(*found));
    if (node)
      return ambiguous(s,
                       "pids " + std::to_string(node->id.pid) + " and " + std::to_string(found->id.pid) + " both run " +
                           s.executable().string(),
                       "stop the one that does not belong there");
    node = std::move(*found);
  }
  return node;
}

std::optional<std::string> dot_node_in(fs::path const& data_dir) {
  if (data_dir.empty()) return std::nullopt;
  auto const text = core::read_file(data_dir / ".node", 4096);
  if (!text) return std::nullopt;
  auto const first = text->find_first_not_of(" \t\r\n");
  auto const last = text->find_last_not_of(" \t\r\n");
  return first == std::string::npos ? std::nullopt : std::optional(text->substr(first, last - first + 1));
}

// .node wins over --node-id, which wins over hostname:port (tidb-binlog:pump/node.go); a Drainer has no .node.
void identify(settings const& s, node_view& view) {
  std::string host(256, '\0');
  if (::gethostname(host.data(), host.size() - 1) != 0) host.clear();
  host.resize(std::char_traits<char>::length(host.c_str()));
  auto const by_name = host + ":" + std::to_string(s.port);
  auto const named = !view.location.node_id.empty() ? view.location.node_id : by_name;
  if (s.component == component::pump) view.dot_node = dot_node_in(s.data_dir);
  view.id_after_restart = view.dot_node.value_or(named);
  // While it runs, its id is the one in the directory it runs on.
  auto const used = s.component == component::pump ? dot_node_in(view.location.data_dir) : std::nullopt;
  view.id = used.value_or(view.id_after_restart);
}

// The last command line, kept so that a node that is down can be found and started as it ran.
location installed_location(settings const& s) {
  auto const script = core::read_file(s.deploy_dir / "scripts" / ("run_" + std::string(s.component_name()) + ".sh"));
  return script ? location_of_script(*script, s.deploy_dir, s.component) : location{};
}

void fill_settings(settings& s, location const& l) {
  if (s.data_dir.empty() && !l.data_dir.empty()) s.data_dir = l.data_dir;
  if (s.data_dir.empty()) s.data_dir = s.deploy_dir / ("data." + std::string(s.component_name()));
  if (s.advertise.empty()) s.advertise = !l.advertise.empty() ? l.advertise : l.addr;
  if (s.pd_urls.empty()) s.pd_urls = l.pd_urls;
}

}  // namespace

result<void> find_deploy_dir(settings& s) {
  if (!s.deploy_dir.empty()) return {};
  TRY_ASSIGN(auto const holders, process::listeners(s.port));
  std::set<fs::path> dirs;
  for (auto const& holder : holders)
    if (auto const found = process::inspect(holder.pid); found) dirs.insert(found->exe.parent_path().parent_path());
  if (dirs.size() != 1)
    return error{
        errc::usage,
        "cannot find deploy_dir: " + std::string(dirs.empty() ? "no process listens" : "several programs listen") +
            " on port " + std::to_string(s.port),
        "give --deploy-dir"};
  s.deploy_dir = *dirs.begin();
  return {};
}

std::string version_of(fs::path const& executable) {
  auto const answer = process::run({{executable.string(), "-V"}}, core::deadline::after(version_deadline));
  return answer ? files::parse_version(answer->out + "\n" + answer->err).best() : "";
}

result<std::optional<process::info>> find_process(settings const& s, service::state const& service, bool& listening) {
  TRY_ASSIGN(auto node, find_listener(s));
  listening = node.has_value();
  if (!node) return find_silent(s, service);
  if (service.main_pid && *service.main_pid != node->id.pid) {
    auto const main = process::inspect(*service.main_pid);
    if (main)
      return wrong_executable(
          s, *main, "the main process of its supervisor (pid " + std::to_string(node->id.pid) + " holds the port)");
  }
  return node;
}

result<node_view> look_at_node(settings& s, service::supervisor& supervisor, known_versions const& known) {
  node_view view;
  TRY_ASSIGN(view.service, supervisor.look());
  TRY_ASSIGN(view.process, find_process(s, view.service, view.listening));
  if (view.process) {
    auto const& p = *view.process;
    view.location = location_of(p.argv, p.environment, p.cwd, s.component);
    auto const image = process::running_image(p.id);
    TRY_ASSIGN(view.exe_sha256, files::sha256_of_file(image));
    auto const asked = known.find(view.exe_sha256);
    view.version = asked != known.end() ? asked->second : version_of(image);
  } else {
    view.location = installed_location(s);
    std::error_code ec;
    if (fs::exists(s.executable(), ec)) view.version = version_of(s.executable());
  }
  fill_settings(s, view.location);
  identify(s, view);
  return view;
}

}  // namespace rolling_restart
