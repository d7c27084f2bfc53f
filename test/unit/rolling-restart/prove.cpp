#include "prove.hpp"

#include <catch2/catch.hpp>

using namespace rolling_restart;
using binlog::node_state;

namespace {

constexpr char address[] = "10.0.1.11:8250";
expectation const expected{"pump-a:8250", "abc", {1000}};

sighting ready_node() {
  sighting s;
  s.alive = s.listening = s.answered = true;
  s.exe_sha256 = "abc";
  s.own_entry = binlog::node{"pump-a:8250", address, node_state::online, {}, {1001}};
  return s;
}

}  // namespace

TEST_CASE("a node is ready by its own answer, its own newer entry and its executable together", "[prove]") {
  CHECK(judge(ready_node(), expected, address).standing == standing::ready);
}

TEST_CASE("each missing piece of evidence keeps a node waiting", "[prove]") {
  auto s = ready_node();
  SECTION("no process") { s.alive = false; }
  SECTION("port closed") { s.listening = false; }
  SECTION("port open, no answer") { s.answered = false; }
  SECTION("no entry") { s.own_entry.reset(); }
  SECTION("entry not online") { s.own_entry->state = node_state::paused; }
  SECTION("entry as old as the restart") { s.own_entry->update_ts = {1000}; }
  SECTION("entry at another address") { s.own_entry->host = "10.0.1.12:8250"; }
  auto const now = judge(s, expected, address);
  CHECK(now.standing == standing::waiting);
  CHECK_FALSE(now.why.empty());
}

TEST_CASE("another executable or another node id is proof of badness", "[prove]") {
  auto s = ready_node();
  SECTION("executable") { s.exe_sha256 = "def"; }
  SECTION("node id") { s.foreign_entry = binlog::node{"other:8250", address, node_state::online, {}, {1002}}; }
  CHECK(judge(s, expected, address).standing == standing::bad);
}

TEST_CASE("at the deadline an open port without a good answer is bad, a closed one is still loading", "[prove]") {
  auto s = ready_node();
  s.answered = false;
  CHECK(judge_at_deadline(s, expected, address).standing == standing::bad);
  s.listening = false;
  CHECK(judge_at_deadline(s, expected, address).standing == standing::waiting);
}
