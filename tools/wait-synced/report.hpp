// What a watch came to: the result, the proof, and the picture for people. Pure.
#pragma once

#include "watch.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace wait_synced {

std::string count_of(std::size_t drainers);

// synced, since, cluster_id and drainers, as the contract page has them.
core::json::object result_of(watch const& watched);

// "2 of 3 Drainers are not: URL (last_ts, pumps_complete), ...".
std::string missing_in(watch const& watched);

struct times {
  std::chrono::system_clock::time_point started;
  std::chrono::system_clock::time_point finished;
};
// The proof that decommission-legacy reads: the result, and by what and when it was found.
core::json::object proof_of(watch const& watched, settings const& settings, times const& when);

// Lag, rate and estimate of each Drainer, those that are furthest behind first; remembers earlier pictures for the
// rate.
class picture {
 public:
  std::vector<module::picture_line> draw(watch const& watched);

 private:
  struct point {
    core::milliseconds at;
    binlog::tso reached;
  };
  module::picture_line line_of(watched_drainer const& drainer, std::optional<binlog::tso> since);
  std::map<std::string, point> points_;  // by URL: where each was some seconds ago
};

}  // namespace wait_synced
