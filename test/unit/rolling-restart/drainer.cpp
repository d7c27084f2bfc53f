#include "drainer.hpp"

#include <catch2/catch.hpp>

using namespace rolling_restart;

namespace {

constexpr std::int64_t now = 417070684569600001;
constexpr std::int64_t minute = 60000LL << 18;

binlog::node entry_at(std::int64_t checkpoint) {
  return {"drainer-a:8249", "10.0.1.14:8249", binlog::node_state::paused, {checkpoint}, {now}};
}

start_facts known() {
  start_facts f;
  f.entry = entry_at(now);
  f.initial_commit_ts = "400";
  f.pumps = {{"pump-a", 0.0}, {"pump-b", static_cast<double>((now - minute) >> 18)}};
  return f;
}

std::string refusal(start_facts const& facts) {
  auto const judged = judge_start(facts);
  return judged ? "" : std::string(core::name(judged.error().code));
}

progress healthy() {
  progress p;
  p.pumps = {"pump-a", "pump-b"};
  p.status.pump_positions = {{"pump-a", {now}}, {"pump-b", {now}}};
  p.status.last_ts = {now};
  p.first = p.status;
  return p;
}

}  // namespace

TEST_CASE("a Drainer goes on from its saved checkpoint", "[drainer]") {
  auto facts = known();
  CHECK(judge_start(facts).value().commit_ts == binlog::tso{now});
  CHECK(judge_start(facts).value().source == "registry");
  facts.keeps_savepoint = true;
  facts.savepoint = binlog::tso{now - 1};
  CHECK(judge_start(facts).value().commit_ts == binlog::tso{now - 1});
  CHECK(judge_start(facts).value().source == "savepoint");
}

TEST_CASE("without a checkpoint only an explicit initial_commit_ts starts it", "[drainer]") {
  auto facts = known();
  facts.entry.reset();
  facts.pumps = {{"pump-a", 0.0}};
  struct row {
    std::string initial;
    std::string code;
  };
  for (auto const& [initial, code] : std::vector<row>{{"", "no_checkpoint"},
                                                      {"soon", "no_checkpoint"},
                                                      {"-2", "no_checkpoint"},
                                                      {"417070684569600001x", "no_checkpoint"},
                                                      {"99999999999999999999", "no_checkpoint"},
                                                      {"417070684569600001", ""},
                                                      {"0", ""},
                                                      {"-1", ""}}) {
    INFO("initial_commit_ts '" << initial << "'");
    facts.initial_commit_ts = initial;
    CHECK(refusal(facts) == code);
  }
}

TEST_CASE("what a start without a checkpoint leaves out is told", "[drainer]") {
  auto facts = known();
  CHECK(start_warning(facts, judge_start(facts).value()).empty());
  facts.entry.reset();
  facts.pumps = {{"pump-a", 0.0}};
  facts.initial_commit_ts = "417070684569600001";
  CHECK(start_warning(facts, judge_start(facts).value()).empty());
  facts.initial_commit_ts = "0";
  CHECK(start_warning(facts, judge_start(facts).value()).find("oldest binlogs") != std::string::npos);
  facts.initial_commit_ts = "-1";
  CHECK(start_warning(facts, judge_start(facts).value()).find("from now on") != std::string::npos);
}

TEST_CASE("a registered Drainer does not begin anew unless it is meant", "[drainer]") {
  auto facts = known();
  SECTION("its savepoint is gone") { facts.keeps_savepoint = true; }
  SECTION("it has saved nothing, and would start at now") {
    facts.entry->max_commit_ts = {};
    facts.initial_commit_ts = "-1";
  }
  CHECK(refusal(facts) == "no_checkpoint");
  facts.accepts_initial_commit_ts = true;
  facts.initial_commit_ts = "417070684569600001";
  CHECK(refusal(facts).empty());
}

TEST_CASE("it does not start behind what a Pump has purged, or where that can't be told", "[drainer]") {
  auto facts = known();
  CHECK(refusal(facts).empty());
  facts.pumps[1].gc_ms = static_cast<double>((now + minute) >> 18);
  CHECK(refusal(facts) == "checkpoint_too_old");
  facts.pumps[1].gc_ms.reset();
  CHECK(refusal(facts) == "peers_not_ready");
}

TEST_CASE("an initial_commit_ts of 0 is older than anything purged", "[drainer]") {
  auto facts = known();
  facts.entry.reset();
  facts.initial_commit_ts = "0";
  CHECK(refusal(facts) == "checkpoint_too_old");
}

TEST_CASE("a Drainer replicates when it reads from every Pump and gets on", "[drainer]") {
  auto seen = healthy();
  CHECK(why_not_replicating(seen, {now}, false).empty());
  CHECK_FALSE(why_not_replicating(seen, {now}, true).empty());
  SECTION("its checkpoint moves") {
    seen.status.last_ts = {now + 1};
    CHECK(why_not_replicating(seen, {now}, true).empty());
  }
  SECTION("every position moves") {
    seen.status.pump_positions = {{"pump-a", {now + 1}}, {"pump-b", {now + 1}}};
    CHECK(why_not_replicating(seen, {now}, true).empty());
  }
  SECTION("one position moves") {
    seen.status.pump_positions = {{"pump-a", {now + 1}}, {"pump-b", {now}}};
    CHECK_FALSE(why_not_replicating(seen, {now}, true).empty());
  }
  SECTION("it was never seen to cover every Pump") {
    seen.first.reset();
    CHECK_FALSE(why_not_replicating(seen, {now}, true).empty());
  }
}

TEST_CASE("each missing piece is named", "[drainer]") {
  auto seen = healthy();
  SECTION("no poll yet") { seen.status.pump_positions.reset(); }
  SECTION("a Pump is missing") { seen.status.pump_positions->erase("pump-b"); }
  SECTION("no Pumps") { seen.pumps.clear(); }
  SECTION("behind") { seen.status.last_ts = {now - 1}; }
  CHECK_FALSE(why_not_replicating(seen, {now}, false).empty());
}
