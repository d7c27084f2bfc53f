// The stopped window: from the stop of the node until it is proven or put back.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <thread>

#include "core/file.hpp"
#include "files/digest.hpp"
#include "memory.hpp"
#include "session.hpp"
#include "switches.hpp"
#include "window.hpp"

namespace rolling_restart {

using core::errc;
using core::error;
using core::result;
using module::outcome;

namespace {

constexpr core::milliseconds look_interval{50};
// TiDB leaves a Pump that ended without saying so alone for up to 30 s (facts 5).
constexpr core::milliseconds after_graceless_end{30000};

std::string now_utc() {
  auto const now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

bool changes_unit(files::activation const& done) {
  for (std::size_t i = 0; i < done.set.files.size(); ++i)
    if (done.set.files[i].dest.extension() == ".service" && done.formers[i].sha256 != done.set.files[i].sha256)
      return true;
  return false;
}

}  // namespace

void session::enter(std::string_view name) {
  leave_phase();
  phase_started_ = core::clock::now();
  phases_.push_back({std::string(name), core::milliseconds(-1)});
  context_->report.progress(settings_.node_name() + ": " + std::string(name));
  // For people and tests that watch; that it can't be written is found out by the journal, where it matters.
  (void)write_phase(settings_.stage_dir, name);
}

void session::leave_phase() {
  if (!phases_.empty() && phases_.back().took.count() < 0) phases_.back().took = core::since(phase_started_);
}

outcome session::execute(plan const& plan) {
  deferred_signals const window;
  if (context_->abandoned())
    return refused({errc::interrupted, "cannot go on: whoever asked for it is gone, nothing was changed"});
  if (lock_)
    if (auto const ours = lock_->confirm(); !ours) return refused(ours.error());
  // The next call must be able to read what this one did: a stage_dir that can't be written ends it here.
  if (auto const writable = files::write_journal(settings_.stage_dir, journal_); !writable)
    return refused(writable.error());
  if (node_.process)
    if (auto const kept = remember_node(settings_.stage_dir, *node_.process); !kept) return refused(kept.error());
  expected_.id = node_.id;
  if (entry_) expected_.after = entry_->update_ts;
  if (!plan.contains(step::start)) expected_.after = {};
  expected_.moving = settings_.is_drainer();
  // Found dead with its entry still online: it was killed, or its host went down.
  graceless_ = !node_.process && entry_ && entry_->state == binlog::node_state::online;

  auto const end = [&](outcome o) {
    leave_phase();
    lock_.reset();
    files::save_digests(settings_.stage_dir,
                        after_ && after_->process ? process::running_image(after_->process->id) : "");
    (void)write_phase(settings_.stage_dir, "done");
    (void)write_last(settings_.stage_dir,
                     {now_utc(), std::string(name(settings_.action)), o.failure ? o.failure->what : o.msg,
                      o.failure ? std::string(core::name(o.failure->code)) : "", deferred_signals::seen()});
    return o;
  };
  for (auto const step : plan.steps) {
    enter(name(step));
    if (auto const done = carry_out(step); !done) return end(failed_in(step, done.error()));
  }
  return end(finished());
}

result<void> session::carry_out(step step) {
  switch (step) {
    case step::stop:
      return stop();
    case step::undo: {
      auto const undone = *journal_.in_flight;
      TRY(files::undo(settings_.stage_dir, journal_));
      return reload_units(undone);
    }
    case step::activate:
      if (!prepared_) {
        TRY_ASSIGN(prepared_, files::prepare(journal_, *target_, direction_));
      }
      TRY(files::activate(settings_.stage_dir, journal_, *prepared_));
      return reload_units(*prepared_);
    case step::start:
      return start();
    case step::ready:
      return ready();
    case step::stable:
      return stable();
    case step::commit:
      return files::commit(settings_.stage_dir, journal_);
  }
  return {};
}

// Only where it must be: it costs a busy host a second, with the node down.
result<void> session::reload_units(files::activation const& done) {
  if (!changes_unit(done)) return {};
  return supervisor_->reload(core::deadline::after(settings_.stop_timeout));
}

result<void> session::stop() {
  stopped_something_ = true;
  auto const node = node_.process ? std::optional(node_.process->id) : std::nullopt;
  sighting seen;
  if (ready_) make_prover().ask(seen, {.id = node_.id});
  if (seen.answered) last_answer_ = core::clock::now();
  if (seen.progress) expected_.last_ts = seen.progress->status.last_ts;
  TRY(supervisor_->stop(node, core::deadline::after(settings_.stop_timeout)));
  if (enforced(safety::gone)) TRY(wait_until_gone());
  // What the node wrote last; online means it ended without a word, or could not reach PD.
  if (auto const left = cluster_->read(); left) {
    if (auto const* own = own_entry_in(*left); own != nullptr) {
      entry_after_ = *own;
      graceless_ = own->state == binlog::node_state::online;
      expected_.after = std::max(expected_.after, own->update_ts);
    }
    if (auto const fresh = cluster_->fresh_tso(*left); fresh) expected_.after = std::max(expected_.after, *fresh);
  }
  return {};
}

result<void> session::wait_until_gone() {
  auto const deadline = core::deadline::after(settings_.stop_timeout);
  auto const still_there = [&](pid_t pid) {
    return error{errc::stop_timeout,
                 "cannot stop " + settings_.node_name() + ": pid " + std::to_string(pid) + " is still alive after " +
                     std::to_string(settings_.stop_timeout.count() / 1000) +
                     " s; nothing was changed and nothing started",
                 "it is never killed: wait for it to end, then run the same command again, which starts the node"};
  };
  if (node_.process && !process::wait_for_exit(node_.process->id, deadline)) return still_there(node_.process->id.pid);
  for (;;) {
    TRY_ASSIGN(auto const service, supervisor_->look());
    bool listening = false;
    TRY_ASSIGN(auto const left, find_process(settings_, service, listening));
    if (!left && service.leftover.empty()) return {};
    if (deadline.passed()) return still_there(left ? left->id.pid : service.leftover.front());
    std::this_thread::sleep_for(look_interval);
  }
}

// What was saved when it was started: the proof must not fall behind it.
result<void> session::start() {
  expected_.exe_sha256 = installed_digest();
  if (settings_.is_drainer()) {
    TRY_ASSIGN(auto facts, facts_of_start());
    if (entry_after_) facts.entry = entry_after_;
    checkpoint_ = saved_checkpoint(facts);
    expected_.last_ts = std::max(expected_.last_ts, checkpoint_ ? checkpoint_->commit_ts : binlog::tso{});
  }
  return supervisor_->start(core::deadline::after(settings_.stop_timeout));
}

result<void> session::ready() {
  expected_.exe_sha256 = installed_digest();
  proof_ = make_prover().wait_until_ready(expected_);
  if (proof_.first_answer) first_answer_ = proof_.first_answer;
  if (proof_.standing == standing::ready) return {};
  return error{errc::not_ready, "cannot prove " + settings_.node_name() + " ready: " + proof_.why};
}

result<void> session::stable() {
  auto stable_for = settings_.stable_for;
  if (graceless_) {
    warnings_.emplace_back(
        "the node had ended without telling the registry; TiDB may leave it alone for 30 s, waited for");
    stable_for = std::max(stable_for, after_graceless_end);
  }
  proof_ = make_prover().stay(proof_, expected_, stable_for);
  if (proof_.standing == standing::ready) return {};
  return error{errc::not_ready, "cannot prove " + settings_.node_name() + " stable: " + proof_.why};
}

prover session::make_prover() {
  return {settings_, *cluster_, *supervisor_, [this](std::string_view line) { context_->report.progress(line); }};
}

std::string session::now_running() const {
  if (!after_ || !after_->process) return "no process of it runs now";
  return "pid " + std::to_string(after_->process->id.pid) + " runs now" +
         (after_->version.empty() ? "" : " on version " + after_->version);
}

void session::look_after() {
  if (auto view = look_at_node(settings_, *supervisor_, versions_asked()); view) after_ = std::move(*view);
  auto const registry = cluster_->read();
  registry_read_after_ = registry.has_value();
  if (!registry) return;
  if (auto const* own = own_entry_in(*registry); own != nullptr) entry_after_ = *own;
  if (!settings_.is_drainer()) return;
  auto facts = facts_of_start();
  if (!facts) return;
  facts->entry = entry_after_;
  checkpoint_ = saved_checkpoint(*facts);
}

// A Drainer left online blocks the start of Pumps, and where its checkpoint stands decides how it can be started again.
result<void> session::stopped_for_good() const {
  if (!settings_.is_drainer()) return {};
  auto const& entry = stopped_something_ ? entry_after_ : entry_;
  if (stopped_something_ && !registry_read_after_)
    return error{errc::registry_unreadable,
                 settings_.node_name() + " is stopped, but cannot tell whether it said so: the registry can't be read",
                 "check that PD is up, then run the same command again"};
  if (entry && entry->state == binlog::node_state::online)
    return error{errc::stale_drainer,
                 "cannot call " + settings_.node_name() +
                     " stopped: its process is gone, but the registry still says " +
                     "online (it was killed, or PD was away)",
                 "start it again; or, if it is not to come back soon, mark it paused (binlogctl), since it would keep "
                 "Pumps from starting"};
  return {};
}

outcome session::failed_in(step step, error e) {
  auto const had_started = step == step::start || step == step::ready || step == step::stable;
  auto const while_down = step == step::activate || step == step::undo;
  auto const proven_bad =
      journal_.in_flight && (step == step::start || (had_started && proof_.standing == standing::bad));
  if ((while_down || proven_bad) && enforced(safety::put_back)) return put_back(e.what);
  look_after();
  auto o = refused(std::move(e));
  o.changed = stopped_something_ || had_started;
  o.failure->what += "; " + now_running();
  if (had_started && o.failure->hint.empty())
    o.failure->hint = proof_.standing == standing::bad
                          ? "look at its log; run the same command again when the cause is removed"
                          : "it was left running: look at its log; when it is ready, run the same command again";
  return o;
}

// A Pump under a wrong id drains and goes offline by its own `close`; stopped otherwise it would stay in the registry
// as paused, and every Drainer would wait for it.
void session::end_foreign_node() {
  if (!proof_.foreign_id || !proof_.entry) return;
  auto const ghost = *proof_.entry;
  (void)supervisor_->hold(core::deadline::after(settings_.stop_timeout));
  auto const closed = cluster_->nodes().close_node(settings_.advertise, ghost.id, core::milliseconds(10000));
  auto gone = false;
  if (closed && proof_.process)
    gone = process::wait_for_exit(proof_.process->id, core::deadline::after(settings_.stop_timeout));
  auto const registry = cluster_->read();
  auto const* left = !registry                ? nullptr
                     : settings_.is_drainer() ? registry->drainer(ghost.id)
                                              : registry->pump(ghost.id);
  if (!gone || left == nullptr || left->state != binlog::node_state::offline)
    warnings_.push_back("the registry still has node " + ghost.id + " (" + ghost.host +
                        "), which came up under a wrong id: every Drainer waits for it until it is marked offline");
}

// A version that renamed the node must not make the former one come back under the wrong name too.
void session::restore_dot_node() const {
  if (settings_.component != component::pump || !node_.dot_node) return;
  auto const path = settings_.data_dir / ".node";
  auto const now = core::read_file(path, 4096);
  if (now && now->starts_with(*node_.dot_node)) return;
  struct stat before {};
  auto const owned = ::stat(path.c_str(), &before) == 0 || ::stat(settings_.data_dir.c_str(), &before) == 0;
  if (core::replace_file(path, *node_.dot_node, 0600) && owned)
    (void)::chown(path.c_str(), before.st_uid, before.st_gid);
}

result<void> session::bring_former_back() {
  end_foreign_node();
  auto const service = supervisor_->look();
  bool listening = false;
  if (service) {
    TRY_ASSIGN(node_.process, find_process(settings_, *service, listening));
  }
  TRY(supervisor_->stop(node_.process ? std::optional(node_.process->id) : std::nullopt,
                        core::deadline::after(settings_.stop_timeout)));
  TRY(wait_until_gone());
  if (journal_.in_flight) {
    auto const undone = *journal_.in_flight;
    TRY(files::undo(settings_.stage_dir, journal_));
    TRY(reload_units(undone));
  }
  restore_dot_node();
  target_.reset();
  TRY(start());
  TRY(ready());
  return stable();
}

std::string session::version_in(files::manifest const& set) const {
  for (auto const& file : set.files)
    if (file.dest == settings_.executable()) return file.version;
  return "";
}

outcome session::put_back(std::string const& cause) {
  enter("put_back");
  auto const before = node_.process;
  auto const failed_version = journal_.in_flight ? version_in(journal_.in_flight->set) : "";
  first_answer_.reset();
  auto const back = bring_former_back();
  node_.process = before;
  look_after();
  auto o = refused(back ? error{errc::rolled_back,
                                "cannot upgrade " + settings_.node_name() +
                                    (failed_version.empty() ? "" : " to " + failed_version) + ": " + cause +
                                    "; it is back on its former version and proven: " + now_running(),
                                "look at the log of the failed start; the staged version is not fit for this node"}
                        : error{errc::rollback_failed,
                                "cannot put " + settings_.node_name() + " back after it failed (" + cause +
                                    "): " + back.error().what + "; " + now_running(),
                                "this node needs a person now: look at its log; the other nodes were left alone"});
  o.changed = true;
  rolled_back_ = back.has_value();
  o.fields = fields();
  return o;
}

// Asked once more: the renewing thread may not have noticed yet. PD being away for a moment is not a loss.
bool session::lock_was_lost() {
  if (!lock_) return false;
  auto const ours = lock_->confirm();
  return lock_->lost() || (!ours && ours.error().code == errc::lock_lost);
}

outcome session::finished() {
  leave_phase();
  look_after();
  outcome o;
  o.changed = true;
  o.warnings = warnings_;
  o.msg = settings_.action == action::stop
              ? settings_.node_name() + " is stopped" + (graceless_ ? ", but did not tell the registry" : "") +
                    (checkpoint_              ? "; its checkpoint stands at " + binlog::describe(checkpoint_->commit_ts)
                     : settings_.is_drainer() ? "; it has saved no checkpoint"
                                              : "")
              : settings_.node_name() + " runs " + (after_ && !after_->version.empty() ? after_->version : "") +
                    " and is proven ready";
  if (settings_.action == action::stop)
    if (auto const stopped = stopped_for_good(); !stopped) o.failure = stopped.error();
  if (lock_was_lost())
    o.failure =
        error{errc::lock_lost,
              "cannot vouch for one node at a time: the lock was lost while " + settings_.node_name() +
                  " was down; it was brought back: " + now_running(),
              "check that PD is up, look whether another call restarted a node, then run the same command again"};
  o.fields = fields();
  return o;
}

}  // namespace rolling_restart
