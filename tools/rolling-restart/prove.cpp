#include "prove.hpp"

#include <algorithm>
#include <thread>

#include "files/digest.hpp"
#include "switches.hpp"

namespace rolling_restart {
namespace {

// A started node is looked at often at first, so that the proof adds little to the downtime.
constexpr core::milliseconds first_interval{10};
constexpr core::milliseconds longest_interval{250};
constexpr core::milliseconds answer_timeout{3000};
// Between the start and the first process of it; a run script takes milliseconds.
constexpr core::milliseconds longest_absence{3000};

std::string see_log(proof const& p, settings const& s) {
  auto const log_file = p.process ? location_of(p.process->argv, {}, p.process->cwd, s.component).log_file : "";
  return "; see " + (log_file.empty() ? (s.deploy_dir / "log").string() : log_file);
}

}  // namespace

judgement judge(sighting const& seen, expectation const& expected, std::string const& advertise) {
  if (enforced(safety::executable) && !seen.exe_sha256.empty() && seen.exe_sha256 != expected.exe_sha256)
    return {standing::bad, "it runs another executable (" + seen.exe_sha256.substr(0, 12) +
                               ") than the one in place (" + expected.exe_sha256.substr(0, 12) + ")"};
  if (enforced(safety::node_id) && seen.foreign_entry)
    return {standing::bad, "it came up under node id " + seen.foreign_entry->id + " instead of " + expected.id};
  if (!seen.alive) return {standing::waiting, "no process yet"};
  if (!seen.listening) return {standing::waiting, "its port is closed"};
  if (!seen.answered) {
    if (enforced(safety::own_answer)) return {standing::waiting, "its port is open, but " + seen.answer_error};
    return {standing::ready, ""};
  }
  if (!enforced(safety::own_entry)) return {standing::ready, ""};
  if (!seen.own_entry) return {standing::waiting, "the registry has no entry " + expected.id};
  if (seen.own_entry->state != binlog::node_state::online)
    return {standing::waiting, "its registry entry says " + std::string(binlog::name(seen.own_entry->state))};
  if (seen.own_entry->host != advertise)
    return {standing::waiting, "its registry entry names the address " + seen.own_entry->host};
  if (seen.own_entry->update_ts <= expected.after)
    return {standing::waiting, "its registry entry is older than the restart"};
  if (!seen.progress || !enforced(safety::progress)) return {standing::ready, ""};
  auto const why = why_not_replicating(*seen.progress, expected.last_ts, expected.moving);
  return {why.empty() ? standing::ready : standing::waiting, why};
}

judgement judge_at_deadline(sighting const& seen, expectation const& expected, std::string const& advertise) {
  auto last = judge(seen, expected, advertise);
  if (last.standing != standing::waiting || !seen.alive || !seen.listening || seen.progress) return last;
  return {standing::bad, last.why};
}

bool prover::registry_readable() { return cluster_->read().has_value(); }

// A process that exits at once is gone before it can be looked at: the supervisor's word tells.
bool prover::came_and_went(service::state const& service) {
  auto const another = last_main_pid_ && service.main_pid && *service.main_pid != *last_main_pid_;
  if (service.main_pid) {
    last_main_pid_ = service.main_pid;
    absent_since_.reset();
  } else if (!absent_since_) {
    absent_since_ = core::clock::now();
  }
  return another || service.activity == service::activity::restarting ||
         service.activity == service::activity::failed ||
         (absent_since_ && core::since(*absent_since_) > longest_absence);
}

void prover::follow(sighting& seen, proof& p) {
  auto const service = supervisor_->look();
  if (!service) {
    seen.answer_error = service.error().what;
    return;
  }
  bool listening = false;
  auto found = find_process(*settings_, *service, listening);
  if (found)
    p.process = std::move(*found);
  else
    seen.answer_error = found.error().what;
  if (p.process) absent_since_.reset();
  seen.ended = !p.process && came_and_went(*service);
}

void prover::find_entries(sighting& seen, std::vector<binlog::node> const& entries, expectation const& expected) const {
  for (auto const& entry : entries) {
    if (entry.id == expected.id) {
      seen.own_entry = entry;
    } else if (entry.host == settings_->advertise && entry.state == binlog::node_state::online &&
               entry.update_ts > expected.after) {
      seen.foreign_entry = entry;
    }
  }
}

void prover::ask_pump(sighting& seen, expectation const& expected) {
  auto const status = cluster_->own_status(answer_timeout);
  if (!status) {
    seen.failure = status.error();
    seen.answer_error = seen.failure->what;
    return;
  }
  seen.answered = true;
  find_entries(seen, status->nodes, expected);
}

void prover::ask_drainer(sighting& seen, expectation const& expected, proof* p) {
  auto status = cluster_->own_drainer_status(answer_timeout);
  if (!status) {
    seen.failure = status.error();
    seen.answer_error = seen.failure->what;
    return;
  }
  auto const registry = cluster_->read();
  if (!registry) {
    seen.answer_error = registry.error().what;
    return;
  }
  seen.answered = true;
  find_entries(seen, registry->drainers, expected);
  seen.progress = progress{std::move(*status), pumps_to_read(*registry), p != nullptr ? p->first_status : std::nullopt};
  if (p != nullptr && !p->first_status && why_not_replicating(*seen.progress, {}, false).empty())
    p->first_status = seen.progress->status;
}

void prover::ask(sighting& seen, expectation const& expected, proof* p) {
  if (settings_->is_drainer())
    ask_drainer(seen, expected, p);
  else
    ask_pump(seen, expected);
}

// A Drainer may load DDL history for minutes: whoever waits is told for what.
void prover::tell(std::string const& why) {
  if (why.empty() || why == told_) return;
  told_ = why;
  waiting_(settings_->node_name() + ": " + why);
}

void prover::look(sighting& seen, proof& p, expectation const& expected) {
  seen = {};
  if (!p.process) follow(seen, p);
  if (!p.process) return;
  seen.alive = process::alive(p.process->id);
  if (!seen.alive) return;
  ask(seen, expected, &p);
  if (seen.answered && !p.first_answer) p.first_answer = core::clock::now();
  // Read once for each process, and after the answer: it takes time and does not change.
  if (hashed_ != p.process->id) {
    auto const digest = files::sha256_of_file(process::running_image(p.process->id));
    hash_ = digest ? *digest : "";
    hashed_ = p.process->id;
  }
  seen.exe_sha256 = hash_;
  if (auto const holders = process::listeners(settings_->port); holders)
    seen.listening = std::find(holders->begin(), holders->end(), p.process->id) != holders->end();
  // Asked over the network the answer could be another process's: only the holder of the port speaks for the node.
  if (!seen.listening) seen.answered = false;
}

proof prover::wait_until_ready(expectation const& expected) {
  proof p;
  sighting seen;
  auto const deadline = core::deadline::after(settings_->ready_timeout);
  auto interval = first_interval;
  for (;;) {
    auto const followed = p.process;
    look(seen, p, expected);
    if (seen.ended || (followed && !seen.alive)) {
      p.why =
          followed ? "its process (pid " + std::to_string(followed->id.pid) + ") ended" : "its process ends at once";
      p.why += see_log(p, *settings_);
      // A Pump exits when PD is away, whatever its version (facts 1.4): that proves nothing.
      if (registry_readable()) {
        p.standing = standing::bad;
        return p;
      }
      p.process.reset();
      last_main_pid_.reset();
      absent_since_.reset();
    } else {
      auto const now = deadline.passed() ? judge_at_deadline(seen, expected, settings_->advertise)
                                         : judge(seen, expected, settings_->advertise);
      p.standing = now.standing;
      if (!now.why.empty()) p.why = now.why;
      p.foreign_id = seen.foreign_entry.has_value();
      p.entry = p.foreign_id ? seen.foreign_entry : seen.own_entry;
      if (now.standing == standing::bad && !registry_readable() && !p.foreign_id) p.standing = standing::waiting;
      if (p.standing != standing::waiting) return p;
      tell(p.why);
    }
    if (deadline.passed()) return p;
    std::this_thread::sleep_for(std::min(interval, deadline.left()));
    interval = std::min(interval * 3 / 2, longest_interval);
  }
}

proof prover::stay(proof ready, expectation const& expected, core::milliseconds stable_for) {
  auto const started = core::clock::now();
  if (process::wait_for_exit(ready.process->id, core::deadline::after(stable_for))) {
    ready.standing = registry_readable() ? standing::bad : standing::waiting;
    ready.why = "its process (pid " + std::to_string(ready.process->id.pid) + ") ended " +
                std::to_string(core::since(started).count()) + " ms after it was ready" + see_log(ready, *settings_);
    return ready;
  }
  // One slow answer is not a verdict.
  auto const deadline = core::deadline::after(std::max(stable_for, core::milliseconds(15000)));
  for (;;) {
    sighting seen;
    look(seen, ready, expected);
    auto const now = judge(seen, expected, settings_->advertise);
    ready.standing = now.standing;
    ready.why = now.why;
    if (now.standing == standing::ready && seen.own_entry) ready.entry = seen.own_entry;
    if (now.standing != standing::waiting || !seen.alive || deadline.passed()) break;
    std::this_thread::sleep_for(longest_interval);
  }
  return ready;
}

}  // namespace rolling_restart
