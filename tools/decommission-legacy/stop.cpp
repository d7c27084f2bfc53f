// The steps of a stop. Each looks first whether it is done already.
#include <algorithm>
#include <chrono>
#include <thread>

#include "core/file.hpp"
#include "record.hpp"
#include "service/unit_file.hpp"
#include "session.hpp"

namespace decommission_legacy {
namespace {

using core::errc;
using core::error;
using core::result;
using core::json::object;
using namespace std::chrono_literals;

// What a stop command gets before it is helped; a broker's controlled shutdown may take longer and is not disturbed by
// a second SIGTERM.
constexpr auto stop_command_helps_for = 15s;
// An old Drainer's key lives 60 s without its process, a Pump's 5 s.
constexpr auto key_outlives_by = 90s;
constexpr auto between_looks = 500ms;
// A stop that nobody meant to last shows within the second it takes supervise to start its process again.
constexpr auto settle_for = 1500ms;

std::string pid_text(process::id const& id) { return "pid " + std::to_string(id.pid); }

}  // namespace

result<void> session::enter(stage stage) {
  if (manifest_->stage == stage) return {};
  manifest_->stage = stage;
  return remember(settings_.manifest_dir(), *manifest_);
}

std::optional<process::id> session::target() const {
  if (seen_.node.process) return seen_.node.process->id;
  if (manifest_ && manifest_->process && process::alive(manifest_->process->id)) return manifest_->process->id;
  return std::nullopt;
}

session::step_result session::record_node() {
  auto const& node = seen_.node;
  auto const told = manifest_ && manifest_->stage >= stage::stopping && manifest_->stage <= stage::retired;
  auto const same = told && (!node.process || (manifest_->process && manifest_->process->id == node.process->id));
  if (same) return done{false, {{"recorded_at", manifest_->recorded_at}, {"stage", name(manifest_->stage)}}};
  auto const entries = own_entries(settings_, seen_);
  TRY_ASSIGN(auto fresh, record(settings_, node, entries.empty() ? std::string() : entries.front().id));
  fresh.verified = how_ == beginning::afresh ? evidence_of(settings_, seen_) : manifest_->verified;
  if (manifest_) {
    // The link to /dev/null tells nothing of the unit, and a node that is down nothing of how it ran.
    if (fresh.unit_file.empty()) fresh.unit_file = manifest_->unit_file;
    if (fresh.down_file.empty()) fresh.down_file = manifest_->down_file;
    if (!fresh.process) fresh.process = manifest_->process;
    if (fresh.node_id.empty()) fresh.node_id = manifest_->node_id;
    fresh.copies.insert(fresh.copies.end(), manifest_->copies.begin(), manifest_->copies.end());
  }
  TRY(remember(settings_.manifest_dir(), fresh));
  manifest_ = std::move(fresh);
  core::json::array copies;
  for (auto const& copy : manifest_->copies) copies.push_back(core::json::string(copy.path));
  return done{true,
              {{"files", manifest_->files.size()}, {"copies", std::move(copies)}, {"node_id", manifest_->node_id}}};
}

session::step_result session::hold() {
  if (!target()) return done{false, {{"unit", settings_.unit}}};
  TRY(supervisor_->hold(deadline_));
  return done{true, {{"unit", settings_.unit}, {"drop_in", "SendSIGKILL=no TimeoutStopSec=infinity Restart=no"}}};
}

error session::still_running(process::id const& node) const {
  return {errc::stop_timeout, "cannot retire " + settings_.node_name() + ": " + pid_text(node) + " is still running",
          "it was told to stop and is never killed; nothing else was changed. Run the same command again to wait on"};
}

result<void> session::ask_to_stop(process::id const& node) {
  if (settings_.is_kept()) return supervisor_->stop(node, deadline_);
  if (settings_.stop_command.empty()) return process::terminate(node);
  // Whatever it answers: run_kafka.sh exits 0 without having stopped anything.
  auto const ran = process::run({settings_.stop_command, "/"}, deadline_.within(60s));
  if (!ran) warnings_.push_back(ran.error().what);
  if (process::wait_for_exit(node, deadline_.within(stop_command_helps_for))) return {};
  if (ran)
    warnings_.push_back("stop_command exited with " + std::to_string(ran->exit_code) + " and " + pid_text(node) +
                        " went on running: SIGTERM was sent to it");
  return process::terminate(node);
}

session::step_result session::stop_node() {
  auto const node = target();
  if (!node) {
    TRY(enter(stage::stopped == manifest_->stage || stage::retired == manifest_->stage ? manifest_->stage
                                                                                       : stage::stopped));
    return done{false, {{"process", "gone"}}};
  }
  if (manifest_->stage < stage::signalled) TRY(enter(stage::stopping));
  TRY(ask_to_stop(*node));
  TRY(enter(stage::signalled));
  auto const begun = core::clock::now();
  if (!process::wait_for_exit(*node, deadline_)) return still_running(*node);
  TRY(enter(stage::stopped));
  return done{true, {{"pid", node->pid}, {"process", "gone"}, {"waited_ms", core::since(begun).count()}}};
}

result<std::optional<binlog::old_node>> session::own_entry() {
  TRY_ASSIGN(seen_.old, around_->old_registry());
  std::vector<binlog::old_node> own;
  if (manifest_ && !manifest_->node_id.empty()) {
    auto const& all = settings_.is(component::pump) ? seen_.old->pumps : seen_.old->drainers;
    std::copy_if(all.begin(), all.end(), std::back_inserter(own),
                 [&](auto const& entry) { return entry.id == manifest_->node_id; });
  } else {
    own = own_entries(settings_, seen_);
  }
  for (auto const& entry : own)
    if (entry.alive) return std::optional(entry);
  return own.empty() ? std::optional<binlog::old_node>() : std::optional(own.front());
}

session::step_result session::deregistered() {
  auto const begun = core::clock::now();
  for (auto const limit = deadline_.within(key_outlives_by);;) {
    auto const entry = own_entry();
    if (!entry && settings_.accept.registry) {
      if (std::find(accepted_.begin(), accepted_.end(), "registry") == accepted_.end())
        accepted_.emplace_back("registry");
      return done{false, {{"alive_key", "not read"}}};
    }
    if (!entry && limit.passed()) return entry.error();
    if (entry && (!*entry || !(*entry)->alive))
      return done{false,
                  {{"alive_key", "gone"},
                   {"id", *entry ? (*entry)->id : manifest_->node_id},
                   {"waited_ms", core::since(begun).count()}}};
    if (limit.passed())
      return error{errc::revived,
                   "cannot retire " + settings_.node_name() + ": its process is gone, but the key of " + (*entry)->id +
                       " in the registry is still alive",
                   "somebody keeps it: is it running elsewhere?"};
    std::this_thread::sleep_for(between_looks);
  }
}

session::step_result session::mask() {
  if (!settings_.has_unit()) {
    auto const path = settings_.down_file();
    std::error_code ec;
    if (std::filesystem::exists(path, ec)) return done{false, {{"down_file", path.string()}}};
    TRY(core::replace_file(path, ""));
    return done{true, {{"down_file", path.string()}}};
  }
  if (manifest_->unit_file.empty() && seen_.node.service.masked) return done{false, {{"unit", "masked"}}};
  if (manifest_->unit_file.empty())
    return error{errc::wrong_node,
                 "cannot keep " + settings_.unit + " from starting: systemd does not tell where its file is",
                 "look at: systemctl cat " + settings_.unit};
  auto const kept = settings_.manifest_dir() / settings_.unit;
  TRY_ASSIGN(auto const masked, service::mask_unit(manifest_->unit_file, kept));
  if (masked) TRY(supervisor_->reload(deadline_));
  return done{masked, {{"unit_file", manifest_->unit_file}, {"kept", kept.string()}, {"link", "/dev/null"}}};
}

session::step_result session::settled() {
  auto const already = manifest_->stage == stage::retired;
  if (!already) std::this_thread::sleep_for(settle_for);
  TRY_ASSIGN(auto const node, look_at_node(settings_, *supervisor_));
  if (node.process)
    return error{errc::revived,
                 "cannot retire " + settings_.node_name() + ": " + pid_text(node.process->id) +
                     " runs again after it was stopped",
                 "find out who started it"};
  if (settings_.is_kept() && node.service.known && !node.service.masked)
    return error{errc::revived,
                 "cannot retire " + settings_.node_name() + ": " +
                     (settings_.has_unit() ? settings_.unit + " is not masked"
                                           : settings_.down_file().string() + " is not there"),
                 "find out who put it back"};
  auto const up =
      node.service.activity == service::activity::running || node.service.activity == service::activity::restarting;
  if (settings_.is_kept() && up)
    return error{errc::revived,
                 "cannot retire " + settings_.node_name() + ": its supervisor says " + node.service.description,
                 "find out who started it"};
  TRY(enter(stage::retired));
  object evidence{{"process", "gone"}, {"port", settings_.port}, {"listening", false}};
  if (settings_.has_unit()) evidence["unit"] = "masked";
  return done{false, std::move(evidence)};
}

}  // namespace decommission_legacy
