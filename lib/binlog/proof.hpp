// The proof that wait-synced writes (format 1): what decommission-legacy stops a node on. Pure.
#pragma once

#include "binlog/drainer_answers.hpp"
#include "binlog/tso.hpp"
#include "core/error.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace binlog {

struct proof {
  struct drainer {
    std::string url;
    std::optional<drainer_kind> kind;
    std::string verdict;
    std::vector<std::string> lacking;  // required evidence that did not hold
    std::set<std::string> pumps;       // ids that were in its PumpPos
  };
  bool synced = false;
  tso since;                                // everything up to it is applied
  tso taken;                                // PD's time at the end
  std::optional<std::uint64_t> cluster_id;  // nothing where PD did not tell
  std::optional<tso> barrier;
  std::vector<std::string> accepted;
  std::vector<drainer> drainers;

  // Why it does not prove that all is applied; empty where it does.
  [[nodiscard]] std::string gap() const;
};

// errc::no_proof for any other text, also for one that says synced without TSOs.
core::result<proof> decode_proof(std::string_view text, std::string_view what);

}  // namespace binlog
