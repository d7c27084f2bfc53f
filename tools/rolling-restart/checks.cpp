// What speaks against taking the node now. Each check names its reason and changes nothing.
#include <algorithm>
#include <thread>

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
// stalls every Drainer.
result<void> session::check_identity() const {
  if (!enforced(safety::node_id) || !node_.process) return {};
  std::vector<std::string> here;
  for (auto const& pump : settings_.component == component::pump ? registry_.pumps : registry_.drainers)
    if (pump.host == settings_.advertise && pump.state != binlog::node_state::offline) here.push_back(pump.id);
  if (here.size() == 1 && here[0] == node_.id_after_restart) return {};
  if (here.empty() && entry_) return {};
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
                 "write " + ids + " into " + (settings_.data_dir / ".node").string() + " first"};
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

result<void> session::check_moved() const {
  if (!enforced(safety::moved)) return {};
  auto const& now = node_.location;
  auto next = given_;
  next.addr = ":" + std::to_string(settings_.port);
  if (target_)
    for (auto const& file : target_->files) {
      if (file.dest.filename() != "run_" + std::string(settings_.component_name()) + ".sh") continue;
      auto content = core::read_file(file.path);
      if (!content) content = core::read_file(file.dest);
      if (!content) continue;
      auto const staged = location_of_script(*content, settings_.deploy_dir, settings_.component);
      if (!staged.data_dir.empty()) next.data_dir = staged.data_dir;
      if (!staged.advertise.empty()) next.advertise = staged.advertise;
      if (!port_of(staged.addr).empty()) next.addr = staged.addr;
    }
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
  if (settings_.component != component::pump || !enforced(safety::peers)) return {};
  TRY_ASSIGN(auto const verdict, cluster_->judge_peers(registry_, node_.id));
  peers_online_ = verdict.online;
  if (verdict.ready()) return {};
  // A Pump that is down takes no writes: starting it can only help.
  if (node_.process) return verdict.error();
  warnings_.push_back(verdict.error().what);
  return {};
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
  if (settings_.action != action::stop) TRY(check_moved());
  TRY(check_identity());
  if (settings_.action != action::stop) {
    TRY(check_downgrade());
    if (target_ && !context_->check && enforced(safety::staged)) TRY(files::check_staged(*target_));
  }
  return {};
}

result<void> session::check_cluster() {
  TRY(check_not_closing());
  TRY(check_peers());
  if (settings_.component == component::pump && settings_.action != action::stop) {
    std::vector<std::string> versions{node_.version};
    if (target_)
      for (auto const& file : target_->files)
        if (file.dest == settings_.executable()) versions.push_back(file.version);
    TRY(cluster_->check_drainers(registry_, versions, node_.id));
  }
  return {};
}

result<void> session::check_before_stop() {
  TRY(check_this_node());
  return check_cluster();
}

}  // namespace rolling_restart
