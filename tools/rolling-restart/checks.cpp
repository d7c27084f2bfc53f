// What speaks against taking the node now. Each check names its reason and changes nothing.
#include <sys/statvfs.h>

#include <algorithm>
#include <thread>

#include "binlog/config.hpp"
#include "binlog/version.hpp"
#include "core/file.hpp"
#include "session.hpp"
#include "switches.hpp"

namespace rolling_restart {

using core::errc;
using core::error;
using core::result;

namespace {

constexpr core::milliseconds between_samples{5000};
constexpr core::milliseconds oldest_entry{15000};
constexpr std::uint64_t least_room = 8U << 20U;  // bytes

std::string port_of(std::string const& address) {
  auto const colon = address.rfind(':');
  return colon == std::string::npos ? "" : address.substr(colon + 1);
}

error moved(errc code, std::string_view what, std::string const& from, std::string const& to,
            std::string const& danger) {
  return {
      code,
      "cannot restart onto the new configuration: it moves the " + std::string(what) + " from " + from + " to " + to,
      danger + "; if it is meant, accept " +
          std::string(core::name(code)).substr(0, core::name(code).find("_changed"))};
}

}  // namespace

// A Pump whose .node is lost comes back under its host's name: a second Pump, while the first stays paused for ever and
// stalls every Drainer. A Drainer has no .node at all: a renamed host makes it another one, without a checkpoint.
result<void> session::check_identity() const {
  if (!enforced(safety::node_id)) return {};
  std::vector<std::string> here;
  for (auto const& entry : settings_.is_drainer() ? registry_.drainers : registry_.pumps)
    if (entry.host == settings_.advertise && entry.state != binlog::node_state::offline) here.push_back(entry.id);
  if (here.size() == 1 && here[0] == node_.id_after_restart) return {};
  if (here.empty() && (entry_ || !node_.process)) return {};
  if (!node_.process && std::find(here.begin(), here.end(), node_.id_after_restart) != here.end()) return {};
  if (here.empty())
    return error{errc::node_ambiguous,
                 "cannot find " + settings_.node_name() + " in the registry: no entry " + node_.id + " and none for " +
                     settings_.advertise,
                 "check advertise and pd_urls"};
  std::string ids;
  for (auto const& id : here) ids += (ids.empty() ? "" : ", ") + id;
  if (here.size() == 1)
    return error{errc::node_ambiguous,
                 "cannot restart " + settings_.node_name() + ": it is registered as " + ids +
                     ", but would come back as " + node_.id_after_restart,
                 settings_.is_drainer()
                     ? "set node-id = \"" + ids + "\" in its drainer.toml first"
                     : "write " + ids + " into " + (settings_.data_dir / ".node").string() + " first"};
  return error{
      errc::node_ambiguous,
      "cannot tell which registry entry is " + settings_.node_name() + ": " + ids + " all name " + settings_.advertise,
      "mark the leftover ones offline once their binlogs are drained"};
}

// A closing Pump ignores SIGTERM. Its entry stays online and is no longer renewed (facts 1.2), and its own /status
// fails with the server's cancelled context (tidb-binlog:pump/server.go Close).
result<void> session::check_not_closing() {
  if (node_.process && !ready_ && not_ready_because_.find("context canceled") != std::string::npos)
    return error{errc::not_ready,
                 "cannot restart " + settings_.node_name() + ": it is closing and would ignore the stop",
                 "wait until it is offline"};
  if (!node_.process || !entry_ || !ready_) return {};
  auto const status = cluster_->own_status(core::milliseconds(10000));
  if (!status || binlog::between(entry_->update_ts, status->commit_ts) < oldest_entry) return {};
  std::this_thread::sleep_for(between_samples);
  TRY_ASSIGN(auto const again, cluster_->read());
  auto const* second = again.pump(node_.id);
  if (second == nullptr || second->update_ts != entry_->update_ts) return {};
  return error{errc::not_ready,
               "cannot restart " + settings_.node_name() +
                   ": it answers, but its registry entry is no longer renewed: " + "it is closing, or has lost PD",
               "wait until it is offline, or look at its log"};
}

// Two processes under one id: two Drainers would both write downstream, and neither has a lock against it (facts 2.4).
result<void> session::check_not_elsewhere() {
  if (node_.process || !entry_ || entry_->state != binlog::node_state::online || !enforced(safety::elsewhere))
    return {};
  std::this_thread::sleep_for(between_samples);
  TRY_ASSIGN(auto const again, cluster_->read());
  auto const* second = own_entry_in(again);
  if (second == nullptr || second->update_ts == entry_->update_ts) return {};
  return error{errc::node_ambiguous,
               "cannot start " + settings_.node_name() + ": another process serves as " + node_.id +
                   ": the registry entry is being renewed, and nothing runs here",
               "find and stop it first: two at once would both write"};
}

// As the run script says it that will lie there next; empty where the set has none.
location session::staged_location() const {
  if (target_)
    for (auto const& file : target_->files) {
      if (file.dest.filename() != "run_" + std::string(settings_.component_name()) + ".sh") continue;
      auto content = core::read_file(file.path);
      if (!content) content = core::read_file(file.dest);
      if (content) return location_of_script(*content, settings_.deploy_dir, settings_.component);
    }
  return {};
}

result<start_facts> session::facts_of_start() const {
  auto const staged = staged_location();
  auto config = binlog::read_drainer_config(staged_or_in_place(drainer_toml()));
  if (!node_.location.db_type.empty()) config.db_type = node_.location.db_type;
  start_facts facts{.entry = entry_,
                    .keeps_savepoint = config.keeps_savepoint(),
                    .initial_commit_ts =
                        staged.initial_commit_ts.empty() ? node_.location.initial_commit_ts : staged.initial_commit_ts,
                    .accepts_initial_commit_ts = settings_.accepts("initial_commit_ts")};
  if (facts.keeps_savepoint) {
    TRY_ASSIGN(facts.savepoint, binlog::read_savepoint(settings_.data_dir / "savepoint"));
  }
  return facts;
}

result<void> session::check_start_point() {
  if (!enforced(safety::start_point)) return {};
  TRY_ASSIGN(auto facts, facts_of_start());
  facts.pumps = cluster_->held_by_pumps(registry_);
  TRY_ASSIGN(auto const from, judge_start(facts));
  if (auto warning = start_warning(facts, from); !warning.empty()) warnings_.push_back(std::move(warning));
  return {};
}

// Before a stop only told: the Drainer may be stopped for the very reason.
result<void> session::check_drainer() {
  auto checked = [&]() -> result<void> {
    TRY(check_peers());
    return check_start_point();
  }();
  if (checked || settings_.action != action::stop) return checked;
  warnings_.push_back("as things stand it could not be started again: " + checked.error().what);
  return {};
}

result<void> session::check_moved() const {
  if (!enforced(safety::moved)) return {};
  auto const& now = node_.location;
  auto next = given_;
  next.addr = ":" + std::to_string(settings_.port);
  auto const staged = staged_location();
  if (!staged.data_dir.empty()) next.data_dir = staged.data_dir;
  if (!staged.advertise.empty()) next.advertise = staged.advertise;
  if (!port_of(staged.addr).empty()) next.addr = staged.addr;
  auto const differs = [](std::string const& from, std::string const& to) {
    return !from.empty() && !to.empty() &&
           std::filesystem::path(from).lexically_normal() != std::filesystem::path(to).lexically_normal();
  };
  if (differs(now.data_dir, next.data_dir) && !settings_.accepts("data_dir"))
    return moved(errc::data_dir_changed, "data directory", now.data_dir, next.data_dir,
                 "binlogs not yet read stay behind in the old one");
  if (differs(port_of(now.addr), port_of(next.addr)) && !settings_.accepts("port"))
    return moved(errc::port_changed, "port", port_of(now.addr), port_of(next.addr),
                 "Drainers keep the old address until they are restarted");
  if (differs(now.advertise, next.advertise) && !settings_.accepts("advertise"))
    return moved(errc::advertise_changed, "advertised address", now.advertise, next.advertise,
                 "Drainers keep the old address until they are restarted");
  return {};
}

result<void> session::check_downgrade() const {
  if (!target_ || !node_.process || settings_.accepts("downgrade")) return {};
  for (auto const& file : target_->files) {
    if (file.dest != settings_.executable()) continue;
    auto const to = binlog::version::parse(file.version.empty() ? version_of(file.path) : file.version);
    auto const from = binlog::version::parse(node_.version);
    if (from.known() && to.known() && to < from)
      return error{errc::downgrade,
                   "cannot restart " + settings_.node_name() + " onto " + to.text() + ": it runs " + from.text(),
                   "older versions are not guaranteed to read newer data; if it is meant, accept downgrade"};
  }
  return {};
}

result<void> session::check_peers() {
  if (!enforced(safety::peers)) return {};
  TRY_ASSIGN(auto const verdict, cluster_->judge_peers(registry_, settings_.is_drainer() ? "" : node_.id));
  peers_online_ = verdict.online;
  if (verdict.ready()) return {};
  if (settings_.is_drainer()) {
    auto stalled = verdict.error();
    stalled.what = "cannot start " + settings_.node_name() + ", it would stall: " + stalled.what;
    return stalled;
  }
  // A Pump that is down takes no writes: starting it can only help.
  if (node_.process) return verdict.error();
  warnings_.push_back(verdict.error().what);
  return {};
}

// It writes while it starts: on a full disk neither the new nor the former version would come back.
result<void> session::check_room() const {
  struct statvfs there {};
  if (::statvfs(settings_.data_dir.c_str(), &there) != 0) return {};
  if (there.f_bavail * there.f_frsize >= least_room) return {};
  return error{errc::no_space,
               "cannot restart " + settings_.node_name() + ": the disk of " + settings_.data_dir.string() + " is full",
               "free some space there, then run the same command again"};
}

result<void> session::check_this_node() const {
  if (node_.service.masked)
    return error{errc::service_masked, "cannot restart " + settings_.node_name() + ": its unit is masked",
                 "systemctl unmask " + settings_.unit};
  // It may do its job well: nothing is known, and after a restart nothing more would be.
  if (no_answer_ && (no_answer_->code == errc::tls_failed || no_answer_->code == errc::tls_plaintext_peer))
    return error{no_answer_->code, "cannot tell whether " + settings_.node_name() + " is well: " + no_answer_->what,
                 no_answer_->hint};
  if (settings_.action == action::start && node_.process && files_differ_)
    return error{errc::already_running,
                 "cannot start " + settings_.node_name() + ": it runs already, on other files than the staged ones",
                 "use action=restart"};
  // Moved first: in another data directory the node's id is not to be found, and that would hide the cause.
  if (settings_.action != action::stop) {
    TRY(check_moved());
    TRY(check_room());
  }
  TRY(check_identity());
  if (settings_.action != action::stop) {
    TRY(check_downgrade());
    if (target_ && !context_->check) TRY(files::check_staged(*target_));
  }
  return {};
}

result<void> session::check_cluster() {
  if (!settings_.tls_file_to_come.empty()) {
    warnings_.push_back("neither PD nor any other node was asked: " + settings_.tls_file_to_come.string() +
                        " is not on this host yet. A real run puts it there, and asks before it starts anything");
    return {};
  }
  if (settings_.action != action::stop) TRY(check_not_elsewhere());
  if (settings_.is_drainer()) return check_drainer();
  TRY(check_not_closing());
  TRY(check_peers());
  if (settings_.action != action::stop) {
    std::vector<std::string> versions{node_.version};
    if (target_) versions.push_back(version_in(*target_));
    TRY(cluster_->check_drainers(registry_, versions, node_.id));
  }
  return {};
}

result<void> session::check_before_stop() {
  TRY(check_this_node());
  return check_cluster();
}

}  // namespace rolling_restart
