#include "node.hpp"

#include <unistd.h>

#include <algorithm>

#include "core/file.hpp"
#include "service/unit_file.hpp"
#include "told.hpp"

namespace decommission_legacy {
namespace {

namespace fs = std::filesystem;
using core::errc;
using core::error;
using core::result;
using process::info;

constexpr core::milliseconds look_for{30000};

std::string shown(info const& p) { return p.exe.string() + " (pid " + std::to_string(p.id.pid) + ")"; }

std::vector<pid_t> ancestors(pid_t pid) {
  std::vector<pid_t> all;
  for (auto p = process::inspect(pid); p && p->parent > 1; p = process::inspect(p->parent)) all.push_back(p->parent);
  return all;
}

bool is_among(std::vector<pid_t> const& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// The supervise of daemontools that would start the process again; nothing where there is none, or we live below it
// too.
std::optional<info> supervise_above(pid_t pid) {
  auto const ours = ancestors(::getpid());
  for (auto const above : ancestors(pid)) {
    auto found = process::inspect(above);
    if (found && found->exe.filename() == "supervise" && !is_among(ours, above)) return std::move(*found);
  }
  return std::nullopt;
}

error ambiguous(settings const& s, info const& a, info const& b) {
  return {errc::node_ambiguous,
          "cannot tell which process is " + s.node_name() + ": " + shown(a) + " and " + shown(b) + " could both be",
          "give executable, data_dir and port of the one that is meant"};
}

// Of those that listen on the port, the one that could be the node; else why none can.
result<std::optional<info>> find_listener(settings const& s, node_view& view) {
  TRY_ASSIGN(auto const holders, process::listeners(s.port));
  std::optional<info> node;
  std::optional<info> other;
  for (auto const& holder : holders) {
    auto found = process::inspect(holder.pid);
    if (!found) continue;  // ended meanwhile
    if (!could_be(s, *found)) {
      other = std::move(*found);
      continue;
    }
    if (node && !(node->id == found->id)) return ambiguous(s, *node, *found);
    node = std::move(*found);
  }
  if (!node && other)
    view.mismatches.push_back("the process that listens on port " + std::to_string(s.port) + " is " + shown(*other) +
                              ", not " +
                              (s.executable.empty() ? "a " + std::string(name(s.component)) : s.executable.string()));
  return node;
}

bool serves_this_port(settings const& s, info const& p) {
  if (!s.is_binlog()) return true;
  auto const values = told_by(s, p);
  auto const addr = values.find("addr");
  return addr == values.end() || addr->second.ends_with(":" + std::to_string(s.port));
}

// Nobody listens (yet, or any more): what the unit keeps, or a process of this component from this directory.
result<std::optional<info>> find_silent(settings const& s, node_view& view) {
  if (view.service.main_pid) {
    auto main = process::inspect(*view.service.main_pid);
    if (main) return std::optional(std::move(*main));
    return std::optional<info>();
  }
  TRY_ASSIGN(auto const pids, process::all_processes());
  std::optional<info> node;
  for (auto const pid : pids) {
    auto found = process::inspect(pid);
    if (!found || pid == ::getpid() || !could_be(s, *found) || !belongs_here(s, *found)) continue;
    if (!serves_this_port(s, *found)) {
      view.mismatches.push_back(shown(*found) + " runs for another port than " + std::to_string(s.port));
      continue;
    }
    if (node) return ambiguous(s, *node, *found);
    node = std::move(*found);
  }
  return node;
}

// Whether a unit has this main process; where that can't be told, it may have.
bool keeps(std::string const& unit, pid_t pid) {
  service::settings asked{service::kind::systemd};
  asked.unit = unit;
  auto const state = service::open(asked)->look();
  return !state || state->main_pid == pid;
}

// A unit of systemd's own, not of a user's, that the process lives in and we do not.
std::string unit_around(pid_t pid) {
  auto const ours = process::control_groups(::getpid());
  for (auto const& group : process::control_groups(pid)) {
    auto last = group.substr(group.rfind('/') + 1);
    auto const own = std::find(ours.begin(), ours.end(), group) != ours.end();
    if (!own && last.ends_with(".service") && group.find("/user@") == std::string::npos) return last;
  }
  return {};
}

void judge_supervision(settings const& s, node_view& view) {
  auto const& p = *view.process;
  if (s.has_unit()) {
    auto const main = view.service.main_pid;
    if (!view.service.known)
      view.mismatches.push_back("systemd knows no unit " + s.unit);
    else if (main && *main != p.id.pid)
      view.mismatches.push_back("the main process of " + s.unit + " is pid " + std::to_string(*main) + ", not " +
                                shown(p) + " that listens on port " + std::to_string(s.port));
    else if (!main)
      view.mismatches.push_back(s.unit + " is " + view.service.description + ", and does not keep " + shown(p));
  } else if (s.supervision == service::kind::supervise) {
    auto const main = view.service.main_pid;
    if (!view.service.known)
      view.mismatches.push_back("supervise has no folder " + s.down_file().parent_path().string());
    else if (main && *main != p.id.pid && !is_among(ancestors(p.id.pid), *main))
      view.mismatches.push_back("supervise keeps pid " + std::to_string(*main) + ", not " + shown(p) +
                                " that listens on port " + std::to_string(s.port));
  } else if (auto const unit = s.supervision == service::kind::command ? unit_around(p.id.pid) : std::string();
             !unit.empty() && keeps(unit, p.id.pid)) {
    view.mismatches.push_back(shown(p) + " is kept by " + unit + ", which would start it again");
  }
  auto const above = s.supervision == service::kind::command ? supervise_above(p.id.pid) : std::nullopt;
  if (above) view.mismatches.push_back(shown(p) + " is kept by " + shown(*above) + ", which would start it again");
  if (p.exe_deleted && s.is_binlog())
    view.mismatches.push_back(p.exe.string() + " was replaced since pid " + std::to_string(p.id.pid) +
                              " was started: it could not be brought back as it was");
  if (!could_be(s, p)) view.mismatches.push_back(shown(p) + " is not " + s.executable.string());
  if (s.is(component::kafka) && !s.kafka_home.empty() &&
      std::none_of(p.argv.begin(), p.argv.end(),
                   [&](std::string const& word) { return word.find(s.kafka_home.string()) != std::string::npos; }))
    view.mismatches.push_back("the command line of " + shown(p) + " does not name kafka_home " + s.kafka_home.string());
}

// A directory given must be one it was told, or have files of the process in it.
result<void> judge_data_dirs(settings const& s, node_view& view) {
  view.data_dirs = s.data_dirs.empty() ? view.told_data_dirs : s.data_dirs;
  if (view.data_dirs.empty())
    view.mismatches.push_back("nothing tells where " + shown(*view.process) + " keeps its data: give data_dir");
  for (auto const& given : s.data_dirs) {
    auto const told = std::any_of(view.told_data_dirs.begin(), view.told_data_dirs.end(),
                                  [&](fs::path const& each) { return same_path(each, given); });
    if (told) continue;
    TRY_ASSIGN(auto const used, process::uses_directory(view.process->id, given));
    if (!used) view.mismatches.push_back(shown(*view.process) + " does not use data directory " + given.string());
  }
  return {};
}

result<void> find_other_users(node_view& view) {
  std::vector<process::id> others;
  for (auto const& directory : view.data_dirs) {
    TRY_ASSIGN(auto const users, process::users_of_directory(directory));
    others.insert(others.end(), users.begin(), users.end());
  }
  for (auto const& id : others) {
    if (id.pid == ::getpid() || (view.process && id == view.process->id)) continue;
    auto const seen = process::inspect(id.pid);
    if (!seen || (view.process && seen->parent == view.process->id.pid)) continue;
    auto const text = shown(*seen);
    if (std::find(view.other_users.begin(), view.other_users.end(), text) == view.other_users.end())
      view.other_users.push_back(text);
  }
  return {};
}

result<std::string> address_of(settings const& s, info const& p) {
  TRY_ASSIGN(auto const rows, process::tcp_sockets());
  for (auto const& row : rows) {
    if (!row.listening || row.local_port != s.port) continue;
    auto const holder = process::holder_of_socket(row.inode);
    if (!holder || !(*holder == p.id)) continue;
    auto const host = row.local == "0.0.0.0" ? "127.0.0.1" : row.local == "::" ? "127.0.0.1" : row.local;
    auto const bracketed = host.find(':') != std::string::npos ? "[" + std::string(host) + "]" : std::string(host);
    return bracketed + ":" + std::to_string(s.port);
  }
  return std::string();
}

}  // namespace

service::settings supervisor_settings(settings const& s) {
  service::settings out{s.supervision};
  out.unit = s.unit;
  out.deploy_dir = s.deploy_dir;
  out.component = name(s.component);
  out.patient = true;
  return out;
}

bool could_be(settings const& s, info const& p) {
  if (!s.executable.empty() && !same_path(p.exe, s.executable)) return false;
  if (s.is_binlog()) return true;
  constexpr std::string_view kafka = "kafka.Kafka";
  constexpr std::string_view zookeeper[] = {"org.apache.zookeeper.server.quorum.QuorumPeerMain",
                                            "org.apache.zookeeper.server.ZooKeeperServerMain"};
  return std::any_of(p.argv.begin(), p.argv.end(), [&](std::string const& word) {
    return s.is(component::kafka) ? word == kafka : word == zookeeper[0] || word == zookeeper[1];
  });
}

result<node_view> look_at_node(settings& s, service::supervisor& supervisor) {
  node_view view;
  if (s.supervision != service::kind::command) {
    TRY_ASSIGN(view.service, supervisor.look());
  }
  std::error_code ec;
  if (s.supervision == service::kind::supervise) view.service.masked = fs::exists(s.down_file(), ec);
  if (s.has_unit()) {
    TRY_ASSIGN(view.unit_file, service::unit_file_of(supervisor_settings(s), core::deadline::after(look_for)));
  }
  TRY_ASSIGN(view.process, find_listener(s, view));
  view.listening = view.process.has_value();
  if (!view.process && view.mismatches.empty()) {
    TRY_ASSIGN(view.process, find_silent(s, view));
  }
  view.data_dirs = s.data_dirs;
  if (s.has_unit() && !view.process && !view.service.known)
    view.mismatches.push_back("systemd knows no unit " + s.unit);
  if (view.process) {
    learn(s, *view.process, view);
    TRY_ASSIGN(view.address, address_of(s, *view.process));
    judge_supervision(s, view);
    TRY(judge_data_dirs(s, view));
  }
  if (s.pd_urls.empty()) s.pd_urls = view.pd_urls;
  if (view.ids.empty() && s.is_binlog()) view.ids = ids_of(s, view.data_dirs, "");
  TRY(find_other_users(view));
  return view;
}

}  // namespace decommission_legacy
