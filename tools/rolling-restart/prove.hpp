// Proof that a started node does its job (facts: Pump readiness is its own answer, its own registry entry newer than
// the restart, its own executable; a port that opens proves nothing). A Drainer must also get on.
#pragma once

#include "cluster.hpp"
#include "drainer.hpp"
#include "node.hpp"

#include <functional>
#include <optional>
#include <string>

namespace rolling_restart {

struct expectation {
  std::string id;
  std::string exe_sha256;
  binlog::tso after;    // its entry's updateTS must be later
  binlog::tso last_ts;  // of a Drainer: where its checkpoint stood
  bool moving = false;  // of a Drainer: its checkpoint or positions must be seen to move
};

enum class standing {
  ready,
  waiting,  // nothing speaks against it yet
  bad,      // it will not become ready: put the former set back
};

// What one look at a started node saw.
struct sighting {
  bool alive = false;
  bool ended = false;  // a process of it came and went since the start, as far as the supervisor shows
  bool listening = false;
  bool answered = false;                      // HTTP answered with a readable registry
  std::optional<binlog::node> own_entry;      // by the expected id
  std::optional<binlog::node> foreign_entry;  // online, newer than the restart, at this node's address, another id
  std::optional<rolling_restart::progress> progress;  // of a Drainer that answered
  std::string exe_sha256;                             // empty: not looked at yet
  std::string answer_error;
  std::optional<core::error> failure;  // the same with its code, where the node was asked
};

struct judgement {
  rolling_restart::standing standing = standing::waiting;
  std::string why;
};

judgement judge(sighting const& seen, expectation const& expected, std::string const& advertise);
// The same at the end of ready_timeout, where waiting turns into a verdict: alive with the port closed stays `waiting`,
// and so does a Drainer that answers (its downstream may be at fault).
judgement judge_at_deadline(sighting const& seen, expectation const& expected, std::string const& advertise);

struct proof {
  rolling_restart::standing standing = standing::waiting;
  std::string why;          // not ready: what was found
  bool foreign_id = false;  // it came up under another node id
  std::optional<process::info> process;
  std::optional<binlog::node> entry;
  std::optional<core::clock::time_point> first_answer;
  std::optional<binlog::drainer_status> first_status;  // of a Drainer: the first that covered every Pump
};

class prover {
 public:
  // `waiting` is called with a line for people whenever what is waited for changes.
  prover(settings const& settings, cluster& cluster, service::supervisor& supervisor,
         std::function<void(std::string_view)> waiting)
      : settings_(&settings), cluster_(&cluster), supervisor_(&supervisor), waiting_(std::move(waiting)) {}

  // One question to the node itself: fills what `seen` tells of its answer, its entries and its progress.
  void ask(sighting& seen, expectation const& expected, proof* p = nullptr);
  proof wait_until_ready(expectation const& expected);
  // The process of the proof stays, and answers at the end.
  proof stay(proof ready, expectation const& expected, core::milliseconds stable_for);

 private:
  void look(sighting& seen, proof& p, expectation const& expected);
  void ask_pump(sighting& seen, expectation const& expected);
  void ask_drainer(sighting& seen, expectation const& expected, proof* p);
  void find_entries(sighting& seen, std::vector<binlog::node> const& entries, expectation const& expected) const;
  void tell(std::string const& why);
  void follow(sighting& seen, proof& p);
  [[nodiscard]] bool came_and_went(service::state const& service);
  bool registry_readable();

  settings const* settings_;
  cluster* cluster_;
  service::supervisor* supervisor_;
  std::function<void(std::string_view)> waiting_;
  std::string told_;
  std::optional<process::id> hashed_;  // whose executable was read last
  std::string hash_;
  std::optional<pid_t> last_main_pid_;  // as the supervisor named it
  std::optional<core::clock::time_point> absent_since_;
};

}  // namespace rolling_restart
