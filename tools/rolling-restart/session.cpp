#include "session.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "files/digest.hpp"
#include "memory.hpp"
#include "rolling_restart.hpp"
#include "switches.hpp"
#include "window.hpp"

namespace rolling_restart {

using core::errc;
using core::error;
using core::result;
using module::outcome;

namespace {

core::json::object describe_node(node_view const& node, std::optional<binlog::node> const& entry) {
  core::json::object o;
  o["state"] = entry ? core::json::value(binlog::name(entry->state)) : core::json::value(nullptr);
  o["pid"] = node.process ? core::json::value(node.process->id.pid) : core::json::value(nullptr);
  o["version"] = node.version;
  o["exe_sha256"] = node.exe_sha256;
  o["update_ts"] = entry ? core::json::value(entry->update_ts.value) : core::json::value(nullptr);
  return o;
}

std::string host_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return host.data();
}

std::string owner() { return "rolling-restart on " + host_name() + ", pid " + std::to_string(::getpid()); }

}  // namespace

session::session(settings settings, module::context const& context)
    : settings_(std::move(settings)), context_(&context) {}

core::json::object session::fields() const {
  core::json::object node{{"id", node_.id}, {"before", describe_node(node_, entry_)}};
  node["after"] = after_ ? describe_node(*after_, entry_after_) : describe_node(node_, entry_);
  core::json::array phases;
  for (auto const& p : phases_) phases.push_back(core::json::object{{"name", p.name}, {"ms", p.took.count()}});
  core::json::array online;
  for (auto const& id : peers_online_) online.push_back(core::json::string(id));
  core::json::object all{{"node", std::move(node)},
                         {"phases", std::move(phases)},
                         {"peers_online", std::move(online)},
                         {"rolled_back", rolled_back_}};
  if (checkpoint_)
    all["checkpoint"] =
        core::json::object{{"commit_ts", checkpoint_->commit_ts.value}, {"source", checkpoint_->source}};
  if (last_answer_ && first_answer_ && stopped_something_)
    all["downtime_ms"] = std::chrono::duration_cast<core::milliseconds>(*first_answer_ - *last_answer_).count();
  return all;
}

outcome session::refused(error e) const {
  auto o = outcome::failed(std::move(e));
  o.fields = fields();
  o.warnings = warnings_;
  return o;
}

outcome session::unchanged(plan const& plan) const {
  if (settings_.action == action::stop)
    if (auto const stopped = stopped_for_good(); !stopped) return refused(stopped.error());
  outcome o;
  o.msg = plan.reason;
  o.fields = fields();
  o.warnings = warnings_;
  o.plan = core::json::array{};
  return o;
}

outcome session::run() {
  if (auto const opened = open(); !opened) return outcome::failed(opened.error());
  if (auto const last = troubled_last(settings_.stage_dir))
    // Ansible prints warnings without the host they are from.
    warnings_.push_back("the last " + last->action + " of " + settings_.node_name() + " on " + host_name() + " (" +
                        last->time + ") ended so: " + last->msg);
  files::recall_digests(settings_.stage_dir);
  read_ahead();
  if (auto const looked = look(); !looked) return refused(looked.error());
  if (settings_.action == action::status) return report_status();
  if (settings_.action == action::verify) return verify();
  return change();
}

outcome session::report_status() {
  auto const s = current_situation();
  auto const next = make_plan(settings_, s);
  outcome o;
  o.fields = fields();
  o.fields["ready"] = ready_;
  o.fields["broken"] = !ready_ || s.in_flight;
  o.fields["staged_differs"] = files_differ_ || !s.runs_installed_binary;
  o.fields["registry"] = registry_.source;
  o.plan = describe(next, settings_, target_ ? &*target_ : nullptr);
  o.msg = settings_.node_name() + (ready_ ? " is ready" : " is not ready: " + not_ready_because_);
  if (!node_.version.empty()) o.msg += ", version " + node_.version;
  if (s.in_flight) o.msg += "; an earlier call left a set unproven";
  o.warnings = warnings_;
  return o;
}

outcome session::verify() {
  if (!ready_)
    return refused({errc::not_ready, "cannot verify " + settings_.node_name() + ": " + not_ready_because_,
                    "look at its log; run the same command again when it is repaired"});
  if (node_.process->id.pid != *settings_.verify_pid)
    return refused({errc::not_ready,
                    "cannot verify " + settings_.node_name() + ": it was restarted since (pid " +
                        std::to_string(*settings_.verify_pid) + " is now " + std::to_string(node_.process->id.pid) +
                        ")",
                    "look at its log for the reason"});
  if (enforced(safety::executable) && node_.exe_sha256 != settings_.verify_sha256)
    return refused({errc::wrong_executable,
                    "cannot verify " + settings_.node_name() + ": it runs " + node_.exe_sha256.substr(0, 12) +
                        ", not " + settings_.verify_sha256.substr(0, 12),
                    "run the same command again"});
  outcome o;
  o.fields = fields();
  o.msg = settings_.node_name() + " still runs as proven";
  return o;
}

result<void> session::take_lock() {
  if (!settings_.lock || !enforced(safety::lock)) return {};
  deferred_signals const noted;
  auto const interrupted = [this] { return !deferred_signals::seen().empty() || context_->abandoned(); };
  auto const wait = context_->timeout ? std::min(settings_.lock_timeout, *context_->timeout) : settings_.lock_timeout;
  TRY_ASSIGN(lock_, binlog::cluster_lock::acquire(
                        settings_.pd_urls, settings_.tls, owner(), core::deadline::after(wait),
                        [this](std::string_view line) { context_->report.progress(line); }, interrupted));
  if (interrupted())
    return error{errc::interrupted, "cannot go on: interrupted while waiting for the lock, nothing was changed"};
  return {};
}

// As the plan leaves it, for people who read a dry run.
node_view session::planned_node(plan const& plan) const {
  auto planned = node_;
  planned.process.reset();
  if (plan.contains(step::activate) && target_)
    for (auto const& file : target_->files)
      if (file.dest == settings_.executable()) {
        planned.exe_sha256 = file.sha256;
        if (!file.version.empty()) planned.version = file.version;
      }
  return planned;
}

outcome session::change() {
  auto next = make_plan(settings_, current_situation());
  if (next.steps.empty()) return unchanged(next);
  if (context_->check) {
    if (auto const refusal = check_before_stop(); !refusal) return refused(refusal.error());
    outcome o;
    o.changed = true;
    o.msg = "would take " + settings_.node_name() + " through this plan: " + next.reason;
    after_ = planned_node(next);
    entry_after_ = entry_;
    o.fields = fields();
    o.warnings = warnings_;
    o.plan = describe(next, settings_, target_ ? &*target_ : nullptr);
    return o;
  }
  if (auto const refusal = check_this_node(); !refusal) return refused(refusal.error());
  enter("lock");
  if (auto const locked = take_lock(); !locked) return refused(locked.error());
  // The cluster is checked under the lock only: a Pump that another call has just stopped is no reason to refuse, but
  // to wait. And what was seen before may be old.
  enter("peers");
  if (auto const looked = look(); !looked) return refused(looked.error());
  next = make_plan(settings_, current_situation());
  if (next.steps.empty()) {
    leave_phase();
    return unchanged(next);
  }
  if (auto const refusal = check_before_stop(); !refusal) return refused(refusal.error());
  if (next.contains(step::activate) && !next.contains(step::undo)) {
    auto prepared = files::prepare(journal_, *target_, direction_);
    if (!prepared) return refused(prepared.error());
    prepared_ = std::move(*prepared);
  }
  if (context_->timeout && core::since(context_->started) > *context_->timeout)
    return refused({errc::timed_out,
                    "cannot start in time: the timeout of the call has passed before the node was stopped",
                    "give the call a longer timeout"});
  leave_phase();
  auto o = execute(next);
  o.plan = describe(next, settings_, target_ ? &*target_ : nullptr);
  return o;
}

outcome run(module::params const& params, module::context& context) {
  auto settings = decode(params, context);
  if (!settings) return outcome::failed(settings.error());
  return session(std::move(*settings), context).run();
}

}  // namespace rolling_restart
