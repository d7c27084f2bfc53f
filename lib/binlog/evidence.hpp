// The rules by which a Drainer counts as having applied everything up to a TSO. Pure: snapshots go in, a verdict comes
// out; nobody is asked and no clock is read. `Synced` is reported and never believed: it is true when the downstream
// has been stuck for five minutes, and false for ever with dispatch enabled (facts/binlog.md 2.2, 3.1).
#pragma once

#include "binlog/drainer_answers.hpp"
#include "core/clock.hpp"
#include "core/json.hpp"

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace binlog {

enum class evidence_name {
  shape,            // the answer is whole, of the kind demanded, and of the same kind as ever
  pumps_complete,   // PumpPos names every Pump it has to
  last_ts,          // cluster: LastTS at or past since, in two samples
  window,           // old: Lower at or past since across two changes of Upper, Upper within 30 s of a fresh TSO
  drained,          // old: all queues empty, no event counted meanwhile
  applied,          // old: the saved checkpoint at or past the barrier
  tidb_switched,    // every TiDB writes to the new Pumps
  old_writes_flat,  // no TiDB wrote to an old Pump meanwhile
  new_writes,       // the new Pumps hold binlogs of TiDBs, one for each TiDB at least
};
constexpr std::size_t evidence_count = 9;
std::string_view name(evidence_name evidence);
// Nothing where there is no such evidence.
std::optional<evidence_name> evidence_of(std::string_view name);

enum class holding { yes, no, unknown };

struct evidence {
  evidence_name name;
  bool required;  // and not answered for by the operator
  holding held = holding::unknown;
  core::json::value value = {};  // what was seen; a sentence where nothing could be read
  // It holds in every sample since then; nothing when it does not hold now.
  std::optional<core::milliseconds> since = {};
};

enum class verdict { synced, not_synced, unknown };
std::string_view name(verdict verdict);

struct requirements {
  std::optional<drainer_kind> kind;  // nothing: the kind of its first answer
  std::optional<tso> since;          // nothing: not known yet
  std::optional<tso> barrier;        // commit TS of a DDL run after the last write through an old TiDB
  core::milliseconds stable_for{10000};
  std::set<evidence_name> accepted;  // no longer required: the operator answers for them
};

// The Pumps a Drainer has to name in PumpPos.
struct expected_pumps {
  std::vector<std::string> ids;
  // Old Pumps marked offline then: expected as well, unless the Drainer's checkpoint is later.
  std::vector<registered_pumps::old_pump> offline;
  std::string unknown_because;  // not empty: there may be more
};

// One look at one Drainer. Times are of any clock that never goes back.
struct drainer_sample {
  core::milliseconds at{};  // when it was asked
  core::result<drainer_answer> status;
  core::result<drainer_metrics> metrics;  // old Drainers only
  std::optional<tso> now;                 // PD's time at `at`
};

struct judgement {
  binlog::verdict verdict = binlog::verdict::unknown;
  std::optional<drainer_kind> kind;
  std::optional<bool> reported_synced;
  std::optional<core::milliseconds> lag;  // of LastTS or Lower behind PD's time
  std::optional<tso> reached;             // LastTS or Lower
  std::vector<evidence> found;
  // When the verdict is synced if all stays as it is; nothing while something required does not hold.
  std::optional<core::milliseconds> stable_at;
};

// Folds samples, oldest first, into a judgement; keeps a few numbers and no sample.
class drainer_case {
 public:
  // `more`: evidence about the whole, judged elsewhere, that counts as if it were this Drainer's.
  judgement add(drainer_sample const& sample, requirements const& demanded, expected_pumps const& expected,
                std::vector<evidence> const& more = {});

 private:
  evidence shape(drainer_sample const& sample, requirements const& demanded);
  evidence pumps_complete(drainer_answer const& answer, expected_pumps const& expected) const;
  evidence last_ts(drainer_answer const& answer, requirements const& demanded);
  evidence window(drainer_sample const& sample, requirements const& demanded);
  evidence drained(drainer_sample const& sample);
  evidence applied(drainer_sample const& sample, requirements const& demanded);
  void date(evidence& found, core::milliseconds at);

  std::optional<bool> old_;                    // the kind of its first answer, or the kind demanded
  std::optional<std::int64_t> best_position_;  // saved is saved: a restart does not take it back
  std::optional<tso> passed_since_;            // the `since` that passes_ counts for
  int passes_ = 0;                             // samples, or changes of Upper, past it
  std::optional<tso> last_upper_;
  std::optional<double> last_events_;
  std::array<std::optional<core::milliseconds>, evidence_count> held_since_{};
};

// All evidence of one list: no before unknown, and synced only when every one required has held for stable_for.
void conclude(judgement& judged, core::milliseconds at, core::milliseconds stable_for);

}  // namespace binlog
