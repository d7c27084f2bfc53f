// What is asked of a Drainer beyond what is asked of a Pump: where it goes on from, and that it gets on. Pure.
#pragma once

#include "binlog/pump_api.hpp"
#include "binlog/registry.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rolling_restart {

// Where a Drainer would go on from when it is started.
struct checkpoint {
  binlog::tso commit_ts;  // empty: from PD's now (initial_commit_ts -1)
  std::string source;     // "registry", "savepoint", "initial_commit_ts"
};

struct start_facts {
  std::optional<binlog::node> entry;  // its registry entry; its maxCommitTS is the saved checkpoint
  bool keeps_savepoint = false;       // the checkpoint is a file, not a row downstream
  std::optional<binlog::tso> savepoint;
  std::string initial_commit_ts;           // as its command line or run script gives it; "" where it does not
  bool accepts_initial_commit_ts = false;  // the operator wants it used although the Drainer was here before
  struct holding {
    std::string id;
    std::optional<double> gc_ms;  // binlogs older than this are purged; nothing where it can't be read
  };
  std::vector<holding> pumps;  // every Pump that is not offline
};

// The checkpoint that is saved, nothing where none is known to be.
std::optional<checkpoint> saved_checkpoint(start_facts const& facts);

// errc::no_checkpoint where it would not know where to go on, or would begin again at an old initial_commit_ts;
// errc::checkpoint_too_old where a Pump has purged what it would read first (facts: it then skips it and says nothing).
core::result<checkpoint> judge_start(start_facts const& facts);

// What people should know of a start without a checkpoint; empty where there is one, or a commit TS was named.
std::string start_warning(start_facts const& facts, checkpoint const& from);

// Ids of the Pumps a Drainer must read from: all that are not offline.
std::vector<std::string> pumps_to_read(binlog::registry const& registry);

// One look at a Drainer that answers.
struct progress {
  binlog::drainer_status status;
  std::vector<std::string> pumps;               // ids of the registry's Pumps that are not offline
  std::optional<binlog::drainer_status> first;  // the first answer of this process that covered every Pump
};

// Why it is not proven to replicate, empty where it is: PumpPos has every Pump, LastTS is at or past `last_ts`, and
// with `moving` LastTS or every PumpPos is past the first answer's.
std::string why_not_replicating(progress const& seen, binlog::tso last_ts, bool moving);

}  // namespace rolling_restart
