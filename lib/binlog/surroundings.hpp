// What Pumps, PD and TiDBs say around the Drainers: PD's time, the Pumps to be expected, and whether the TiDBs have
// left the old Pumps. Pure: answers and their times go in. An answer older than 30 s counts for nothing.
#pragma once

#include "binlog/evidence.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace binlog {

class surroundings {
 public:
  struct demands {
    std::vector<std::string> pumps;  // "ip:port", as answers are numbered in pump()
    std::vector<std::string> expected_ids;
    bool registry = false;           // PD is asked for it
    std::vector<std::string> tidbs;  // "ip:port", as answers are numbered in tidb()
    std::size_t old_pumps = 0;       // how many old Pumps, and
    std::size_t new_pumps = 0;       // new Pumps, are watched
  };

  explicit surroundings(demands demanded);

  // `at`: when it was asked.
  void pump(std::size_t number, core::milliseconds at, core::result<pump_answer> answer);
  void time(core::milliseconds at, tso fresh);  // of a Pump that is asked for nothing else
  void registry(core::milliseconds at, core::result<registered_pumps> answer);
  // `socket`: of an old Pump, that this TiDB writes to; "" for none, or where it does not tell.
  void tidb(std::size_t number, core::milliseconds at, core::result<std::vector<tidb_server>> answer,
            std::string socket = {});
  void writes(std::size_t number, core::milliseconds at, core::result<pump_writes> answer);
  void taken(std::size_t number, core::milliseconds at, core::result<double> answer);

  // PD's time at `at`: the last fresh TSO, carried on by what passed since it was asked for.
  [[nodiscard]] std::optional<tso> now(core::milliseconds at) const;
  // A TSO asked for at `moment` or later.
  [[nodiscard]] std::optional<tso> taken_after(core::milliseconds moment) const;
  // For Drainers of the old versions, or of the cluster version.
  [[nodiscard]] expected_pumps expected(bool old, core::milliseconds at) const;
  // tidb_switched, old_writes_flat and new_writes, as far as they are watched.
  [[nodiscard]] std::vector<evidence> switched(core::milliseconds at) const;
  // Binlogs that old Pumps lost while they told TiDB that all was well, by number of the Pump.
  [[nodiscard]] std::map<std::size_t, double> lost() const;

 private:
  template <class T>
  struct dated {
    core::milliseconds at{};
    core::result<T> answer = core::error{core::errc::network_failure, "nobody has asked yet"};
    [[nodiscard]] bool good(core::milliseconds now) const;
  };
  void expect_from_cluster(std::set<std::string>& ids, expected_pumps& all, core::milliseconds at) const;
  void expect_from_old(std::set<std::string>& ids, expected_pumps& all, core::milliseconds at) const;
  [[nodiscard]] evidence tidb_switched(core::milliseconds at) const;
  [[nodiscard]] evidence old_writes_flat(core::milliseconds at) const;
  [[nodiscard]] evidence new_writes(core::milliseconds at) const;

  demands demanded_;
  std::vector<dated<pump_answer>> pumps_;
  dated<registered_pumps> registry_;
  std::vector<dated<std::vector<tidb_server>>> tidbs_;
  std::vector<std::string> sockets_;  // of the TiDBs
  std::vector<dated<pump_writes>> writes_;
  std::vector<dated<double>> taken_;
  std::optional<core::milliseconds> all_on_since_;
  std::optional<core::milliseconds> flat_since_;
  std::optional<core::milliseconds> new_writes_since_;
  std::optional<tso> fresh_;
  core::milliseconds fresh_at_{};
};

}  // namespace binlog
