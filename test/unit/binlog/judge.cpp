#include "binlog/judge.hpp"

#include "binlog/pump_api.hpp"
#include "support.hpp"

#include <algorithm>

using binlog::node;
using binlog::node_state;
using binlog::peer_view;
using binlog::tso;

namespace {

constexpr std::int64_t now_ms = 1590998400000;

tso at(std::int64_t ms) { return tso{ms << 18}; }

node pump(std::string const& id, node_state state = node_state::online, std::int64_t age_ms = 1000) {
  return {id, "10.0.1.12:8250", state, at(now_ms - age_ms), at(now_ms - age_ms)};
}

peer_view ready(node const& entry) {
  return {.entry = entry,
          .answers = true,
          .own_state = node_state::online,
          .available_bytes = 20.0 * 1024 * 1024 * 1024,
          .now = at(now_ms)};
}

void check_reasons(std::vector<std::string> const& reasons, std::vector<std::string> const& parts) {
  CAPTURE(reasons);
  REQUIRE(reasons.size() == parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) CHECK_THAT(reasons[i], Catch::Contains(parts[i]));
}

}  // namespace

TEST_CASE("a Pump that is online, fresh, answering and has space is ready", "[binlog][judge]") {
  CHECK(binlog::reasons_peer_not_ready(ready(pump("pump-b:8250"))).empty());
  // Its own monotonic clock may run ahead of PD's.
  CHECK(binlog::reasons_peer_not_ready(ready(pump("pump-b:8250", node_state::online, -20000))).empty());
  CHECK(binlog::reasons_peer_not_ready(ready(pump("pump-b:8250", node_state::online, 15000))).empty());
}

TEST_CASE("each way not to be ready has its sentence", "[binlog][judge]") {
  struct row {
    std::string what;
    std::function<void(peer_view&)> change;
    std::vector<std::string> reasons;
  };
  auto const r = GENERATE(values<row>({
      {"paused", [](peer_view& v) { v.entry.state = node_state::paused; }, {"pump-b:8250 (10.0.1.12:8250) is paused"}},
      {"closing", [](peer_view& v) { v.entry.state = node_state::closing; }, {"is closing"}},
      {"pausing", [](peer_view& v) { v.entry.state = node_state::pausing; }, {"is pausing"}},
      {"unknown state", [](peer_view& v) { v.entry.state = node_state::unknown; }, {"not known"}},
      {"killed",
       [](peer_view& v) {
         v.answers = false;
         v.answer_error = "connection refused";
         v.entry.update_ts = at(now_ms - 48000);
         v.earlier_update_ts = v.entry.update_ts;
       },
       {"is online in the registry but does not answer: connection refused (left behind by a crash?)"}},
      {"firewalled",
       [](peer_view& v) {
         v.answers = false;
         v.answer_error = "no whole answer within 10000 ms";
       },
       {"does not answer: no whole answer within 10000 ms"}},
      {"never asked", [](peer_view& v) { v.answers = false; }, {"nobody asked it"}},
      {"close in progress",
       [](peer_view& v) {
         v.entry.update_ts = at(now_ms - 48000);
         v.earlier_update_ts = v.entry.update_ts;
       },
       {"registry entry is 48 s old though it answers (closing, or PD"}},
      {"old, one sample only", [](peer_view& v) { v.entry.update_ts = at(now_ms - 16000); }, {"is 16 s old"}},
      {"says it is paused", [](peer_view& v) { v.own_state = node_state::paused; }, {"says itself that it is paused"}},
      {"not in its own list", [](peer_view& v) { v.own_state = std::nullopt; }, {"does not find itself"}},
      {"no TSO", [](peer_view& v) { v.now = {}; }, {"no TSO to compare with"}},
      {"full",
       [](peer_view& v) { v.available_bytes = 3.1 * 1024 * 1024 * 1024; },
       {"has 3.1 GiB free, below 10.0 GiB where it stops taking writes"}},
      {"space unknown", [](peer_view& v) { v.available_bytes = std::nullopt; }, {"how much space is free"}},
      {"two troubles",
       [](peer_view& v) {
         v.own_state = node_state::closing;
         v.available_bytes = 0;
       },
       {"says itself that it is closing", "0.0 GiB free"}},
  }));
  INFO(r.what);
  auto view = ready(pump("pump-b:8250"));
  r.change(view);
  check_reasons(binlog::reasons_peer_not_ready(view), r.reasons);
}

TEST_CASE("an old entry that still moves is a living one", "[binlog][judge]") {
  auto view = ready(pump("pump-b:8250", node_state::online, 48000));
  view.earlier_update_ts = at(now_ms - 53000);
  CHECK(binlog::reasons_peer_not_ready(view).empty());
  view.answers = false;
  view.answer_error = "timed out";
  auto const reasons = binlog::reasons_peer_not_ready(view);
  check_reasons(reasons, {"does not answer: timed out"});
  CHECK_THAT(reasons[0], !Catch::Contains("crash"));
}

TEST_CASE("thresholds follow the Pump's configuration", "[binlog][judge]") {
  binlog::thresholds limits;
  limits.heartbeat = core::milliseconds(10000);
  CHECK(binlog::reasons_peer_not_ready(ready(pump("b", node_state::online, 48000)), limits).empty());
  limits.min_available_bytes = 30.0 * 1024 * 1024 * 1024;
  check_reasons(binlog::reasons_peer_not_ready(ready(pump("b")), limits), {"20.0 GiB free, below 30.0 GiB"});
  limits.min_available_bytes = 0;
  limits.space_must_be_known = false;
  auto view = ready(pump("b"));
  view.available_bytes = std::nullopt;
  CHECK(binlog::reasons_peer_not_ready(view, limits).empty());
}

TEST_CASE("peers are judged together", "[binlog][judge]") {
  auto const offline = node_state::offline;
  auto const paused = node_state::paused;
  struct row {
    std::string what;
    std::vector<std::pair<std::string, node_state>> pumps;
    std::size_t min_online;
    std::set<std::string> except;
    std::vector<std::string> online, reasons;
  };
  auto const on = node_state::online;
  std::vector<row> const rows = {
      {"three", {{"a", on}, {"b", on}, {"c", on}}, 1, {}, {"b", "c"}, {}},
      {"the own state does not matter", {{"a", paused}, {"b", on}}, 1, {}, {"b"}, {}},
      {"offline ones do not count", {{"a", on}, {"b", on}, {"gone", offline}}, 1, {}, {"b"}, {}},
      {"a paused leftover stops it", {{"a", on}, {"b", on}, {"gone", paused}}, 1, {}, {"b"}, {"gone", "is paused"}},
      {"unless excepted", {{"a", on}, {"b", on}, {"gone", paused}}, 1, {"gone"}, {"b"}, {}},
      {"alone", {{"a", on}}, 1, {}, {}, {"0 other Pumps are ready, 1 demanded"}},
      {"alone and said so", {{"a", on}}, 0, {}, {}, {}},
      {"excepted ones are not counted", {{"a", on}, {"b", paused}}, 1, {"b"}, {}, {"0 other Pumps are ready"}},
      {"excepted but ready ones are", {{"a", on}, {"b", on}}, 1, {"b"}, {"b"}, {}},
      {"two demanded", {{"a", on}, {"b", on}}, 2, {}, {"b"}, {"1 other Pump is ready, 2 demanded"}},
      {"empty registry", {}, 1, {}, {}, {"0 other"}},
      {"all paused", {{"a", paused}, {"b", paused}}, 1, {}, {}, {"is paused", "0 other"}},
  };
  for (auto const& r : rows) {
    INFO(r.what);
    binlog::registry registry;
    std::vector<peer_view> views;
    for (auto const& [id, state] : r.pumps) {
      auto entry = pump(id, state);
      entry.host = "10.0.1." + std::to_string(registry.pumps.size()) + ":8250";
      registry.pumps.push_back(entry);
      views.push_back(ready(entry));
    }
    std::reverse(views.begin(), views.end());
    auto const verdict = binlog::judge_peers(registry, views, "a", r.min_online, r.except);
    CHECK(verdict.online == r.online);
    if (r.what == "a paused leftover stops it")
      check_reasons(verdict.reasons, {"gone (10.0.1.2:8250) is paused"});
    else
      check_reasons(verdict.reasons, r.reasons);
    CHECK(verdict.ready() == r.reasons.empty());
    if (!verdict.ready()) {
      CHECK(verdict.error().code == core::errc::peers_not_ready);
      CHECK_THAT(verdict.error().what, Catch::Contains(verdict.reasons[0]));
    }
  }
}

TEST_CASE("a Pump nobody looked at is not ready", "[binlog][judge]") {
  binlog::registry registry;
  registry.pumps = {pump("a"), pump("b")};
  registry.pumps[1].host = "10.0.1.13:8250";
  auto const verdict = binlog::judge_peers(registry, {}, "a", 0, {});
  check_reasons(verdict.reasons, {"nobody asked it"});
}

TEST_CASE("two ids at one address are a leftover and a node", "[binlog][judge]") {
  binlog::registry registry;
  registry.pumps = {pump("a"), pump("old-name"), pump("gone", node_state::offline)};
  std::vector<peer_view> const views = {ready(registry.pumps[1])};
  check_reasons(binlog::judge_peers(registry, views, "a", 1, {}).reasons, {"a and old-name share the address"});
  CHECK(binlog::judge_peers(registry, views, "a", 1, {"old-name"}).ready());
}

TEST_CASE("the samples of /status are judged as the facts say", "[binlog][judge]") {
  struct row {
    std::string file;
    bool ready;
  };
  auto const r = GENERATE(values<row>({
      {"ok", true},
      {"maxcommit-not-moving-young-unmatched-prewrite", true},
      {"one-paused", false},
      {"all-pumps-paused", false},
      {"offline-leftover-paused-other-host", false},
      {"stale-online-after-sigkill", false},
      {"label-present", false},  // a lone Pump
  }));
  INFO(r.file);
  auto const status = binlog::decode_pump_status(test::sample("pump-cluster-status-" + r.file + ".json"), "x");
  REQUIRE(status);
  binlog::registry registry{status->nodes, {}, "x"};
  std::vector<peer_view> views;
  for (auto const& entry : status->nodes) {
    views.push_back(ready(entry));
    views.back().now = status->commit_ts;
  }
  CHECK(binlog::judge_peers(registry, views, "pump-a:8250", 1, {}).ready() == r.ready);
}

TEST_CASE("Drainers left online are found", "[binlog][judge]") {
  core::result<void> const good;
  core::result<void> const refused = core::error{core::errc::network_failure, "cannot GET x: connection refused"};
  std::vector<node> const drainers = {pump("d1"), pump("d2", node_state::paused), pump("d3"), pump("d4")};
  auto const stale = binlog::stale_drainers(drainers, {good, refused, refused});
  REQUIRE(stale.size() == 2);
  CHECK(stale[0].entry.id == "d3");
  CHECK(stale[1].cause == "nobody asked it");
  CHECK(binlog::stale_drainers({}, {}).empty());
  auto const error = binlog::stale_drainers_error(stale);
  CHECK(error.code == core::errc::stale_drainer);
  CHECK_THAT(error.what, Catch::Contains("d3 (10.0.1.12:8250)") && Catch::Contains("connection refused"));
}

TEST_CASE("whom a stale Drainer keeps from starting", "[binlog][judge]") {
  auto const blocks = [](std::string const& version, std::optional<node_state> before) {
    return binlog::stale_drainer_blocks_start(binlog::version::parse(version), before);
  };
  CHECK(blocks("v3.0.4", node_state::paused));
  CHECK(blocks("v2.1.19", node_state::online));
  CHECK_FALSE(blocks("v3.0.5", node_state::paused));
  CHECK_FALSE(blocks("v4.0.16", node_state::online));
  CHECK(blocks("v4.0.16", node_state::offline));
  CHECK(blocks("v4.0.16", std::nullopt));
  CHECK(blocks("", node_state::paused));
}
