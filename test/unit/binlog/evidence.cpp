#include "binlog/evidence.hpp"

#include "binlog/metrics_page.hpp"
#include "binlog/surroundings.hpp"
#include "support.hpp"

using binlog::evidence_name;
using binlog::holding;
using binlog::tso;
using binlog::verdict;
using core::milliseconds;
using test::sample;

namespace {

constexpr tso base{417070684569600001};  // 2020-06-01T08:00:00Z: the samples' present
tso later(tso from, int ms) { return {from.value + (static_cast<std::int64_t>(ms) << 18)}; }

binlog::evidence const* find(binlog::judgement const& judged, evidence_name name) {
  for (auto const& each : judged.found)
    if (each.name == name) return &each;
  return nullptr;
}

// The same answer again and again, a second apart; an old Drainer looks at PD every ten of them.
struct series {
  core::result<binlog::drainer_answer> status;
  core::result<binlog::drainer_metrics> metrics = core::error{};
  binlog::requirements demanded{.since = tso{417070683521024001}};
  binlog::expected_pumps expected{.ids = {"pump-a:8250", "pump-b:8250", "pump-c:8250"}};
  bool window_moves = false;
  binlog::drainer_case rules = {};
  int second = 0;

  binlog::judgement look() {
    auto const at = second++;
    auto seen = status;
    if (seen && window_moves) {
      seen->upper = later(seen->upper, at / 10 * 10000);
      seen->lower = later(seen->lower, at / 10 * 10000);
    }
    return rules.add({milliseconds(at * 1000), seen, metrics, later(base, at * 1000)}, demanded, expected);
  }
  verdict after(int seconds) {
    auto judged = look();
    while (second <= seconds) judged = look();
    return judged.verdict;
  }
};

series of(std::string const& file) {
  return {.status = binlog::decode_drainer(sample("drainer-" + file + ".json"), "it")};
}

series old(std::string const& file) {
  auto made = of(file);
  made.metrics = binlog::decode_drainer_metrics(sample("metrics-drainer-kafka.txt"), "it");
  made.demanded.barrier = tso{417070675918848001};  // of the checkpoint row that belongs to these metrics
  made.expected.ids = made.status && made.status->pumps ? *made.status->pumps : std::vector<std::string>{"tidb-1:8250"};
  made.window_moves = true;
  return made;
}

}  // namespace

TEST_CASE("cluster samples: LastTS decides, whatever Synced says", "[binlog]") {
  for (auto const* file : {"cluster-status-synced-good-v3plus", "cluster-status-replicating",
                           "cluster-status-false-but-done-v2.1-mysql-dispatch"}) {
    INFO(file);
    CHECK(of(file).after(9) == verdict::not_synced);
    CHECK(of(file).after(10) == verdict::synced);
  }
  for (auto const* file : {"cluster-status-initial-ts-zero", "cluster-status-just-started-null",
                           "cluster-status-synced-lying-backlog-not-pulled-pump-firewalled",
                           "cluster-status-synced-lying-downstream-blocked", "cluster-status-synced-lying-no-pumps",
                           "cluster-status-synced-lying-one-pump-paused"}) {
    INFO(file);
    CHECK(of(file).after(400) != verdict::synced);
  }
  CHECK(of("cluster-status-just-started-null").after(60) == verdict::unknown);
}

TEST_CASE("old samples need window, emptied queues and a checkpoint past the barrier", "[binlog]") {
  for (auto const* file : {"kafka-status-synced-good-pb-dest", "kafka-status-synced-good-old-build-no-tsmap",
                           "kafka-status-false-but-done-mysql-dispatch", "kafka-status-position-suffix-and-offset",
                           "local-status-not-synced-normal-idle"}) {
    INFO(file);
    auto good = old(file);
    CHECK(good.after(19) == verdict::not_synced);  // one change of Upper
    CHECK(good.after(20) == verdict::synced);
    auto no_barrier = old(file);
    no_barrier.demanded.barrier.reset();
    CHECK(no_barrier.after(60) == verdict::unknown);
    no_barrier.demanded.accepted = {evidence_name::applied};
    CHECK(no_barrier.after(120) == verdict::synced);
    auto frozen = old(file);
    frozen.window_moves = false;
    CHECK(frozen.after(400) != verdict::synced);
  }
  for (auto const* file :
       {"kafka-status-just-started", "kafka-status-not-synced", "kafka-status-synced-lying-huge-gap",
        "kafka-status-synced-lying-tso-failed-window-frozen", "kafka-status-synced-zero-window-with-pumps",
        "kafka-status-synced-zero-window", "local-status-synced-zero-window", "local-status-just-started-null-body"}) {
    INFO(file);
    auto lying = old(file);
    lying.window_moves = false;
    CHECK(lying.after(400) != verdict::synced);
  }
}

TEST_CASE("a version without metrics passes on the operator's word, and on its window and Pumps", "[binlog]") {
  auto const all = std::set{evidence_name::drained, evidence_name::applied};
  auto const none = binlog::metrics_page(http::response{.status = 404}, "URL");
  auto local = old("local-status-not-synced-normal-idle");
  local.metrics = none.error();
  auto const judged = local.look();
  for (auto const which : all) {
    CHECK(find(judged, which)->held == holding::unknown);
    CHECK(find(judged, which)->value.as_string().find("serves no metrics") != std::string::npos);
  }
  CHECK(local.after(60) == verdict::unknown);
  for (auto const which : all) {
    local.demanded.accepted = {which};
    CHECK(local.after(local.second + 30) == verdict::unknown);
  }
  local.demanded.accepted = all;
  CHECK(local.after(local.second + 30) == verdict::synced);
  local.expected.ids.emplace_back("tidb-9:8250");
  CHECK(local.after(local.second + 30) == verdict::not_synced);
  auto frozen = old("local-status-not-synced-normal-idle");
  frozen.metrics = none.error();
  frozen.demanded.accepted = all;
  frozen.window_moves = false;
  CHECK(frozen.after(400) != verdict::synced);
}

TEST_CASE("only a 404 is a version without metrics", "[binlog]") {
  CHECK(binlog::serves_none(binlog::metrics_page(http::response{.status = 404}, "URL").error()));
  for (auto const status : {301U, 400U, 403U, 410U, 500U, 503U})
    CHECK_FALSE(binlog::serves_none(binlog::metrics_page(http::response{.status = status}, "URL").error()));
  CHECK_FALSE(binlog::serves_none(binlog::metrics_page(core::error{core::errc::timed_out, "slow"}, "URL").error()));
  CHECK(*binlog::metrics_page(http::response{.status = 200, .body = "x 1"}, "URL") == "x 1");
}

TEST_CASE("a blocked downstream with a small gap looks good but for its checkpoint", "[binlog]") {
  auto blocked = old("kafka-status-synced-lying-downstream-blocked-small-gap");
  blocked.demanded.barrier = tso{417070675918848001 + 64};
  CHECK(blocked.after(400) == verdict::not_synced);
  CHECK(find(blocked.look(), evidence_name::applied)->held == holding::no);
  CHECK(find(blocked.look(), evidence_name::window)->held == holding::yes);
  CHECK(find(blocked.look(), evidence_name::drained)->held == holding::yes);
}

TEST_CASE("each required evidence alone keeps an old Drainer from passing", "[binlog]") {
  auto const spoil = GENERATE(as<int>(), 0, 1, 2, 3, 4, 5);
  auto made = old("kafka-status-synced-good-pb-dest");
  evidence_name const names[] = {evidence_name::shape,   evidence_name::pumps_complete, evidence_name::window,
                                 evidence_name::drained, evidence_name::drained,        evidence_name::applied};
  if (spoil == 0) made.demanded.kind = binlog::drainer_kind::cluster;
  if (spoil == 1) made.expected.ids.emplace_back("tidb-3:8250");
  if (spoil == 2) made.demanded.since = later(base, 600000);
  if (spoil == 3) made.metrics->queued = 1;
  if (spoil == 4) made.metrics = core::error{core::errc::timed_out, "no answer"};
  if (spoil == 5) made.metrics->position.reset();
  CHECK(made.after(60) != verdict::synced);
  CHECK(find(made.look(), names[spoil])->held != holding::yes);
}

TEST_CASE("a break starts the time anew", "[binlog]") {
  auto made = of("cluster-status-replicating");
  made.after(8);
  auto const good = made.status;
  made.status = core::error{core::errc::network_failure, "connection refused"};
  CHECK(made.after(9) == verdict::unknown);
  made.status = good;
  CHECK(made.after(19) == verdict::not_synced);
  CHECK(made.after(20) == verdict::synced);
}

TEST_CASE("an event counted is a break, and its time is said", "[binlog]") {
  auto made = old("kafka-status-synced-good-pb-dest");
  made.after(15);
  made.metrics->events += 1;
  auto const judged = made.look();
  CHECK(judged.found[3].since == milliseconds(16000));
  CHECK(made.after(25) == verdict::not_synced);
  auto const last = made.look();
  CHECK(last.verdict == verdict::synced);
  CHECK(last.stable_at == milliseconds(26000));
}

TEST_CASE("another program on the Drainer's port is not the Drainer", "[binlog]") {
  auto made = old("kafka-status-not-synced");
  made.after(5);
  made.status = binlog::decode_drainer(sample("drainer-cluster-status-synced-good-v3plus.json"), "it");
  made.expected.ids = {"pump-a:8250", "pump-b:8250", "pump-c:8250"};
  CHECK(made.after(60) != verdict::synced);
  CHECK(find(made.look(), evidence_name::shape)->held == holding::no);
}

TEST_CASE("a checkpoint once saved stays saved over a restart", "[binlog]") {
  auto made = old("kafka-status-synced-good-pb-dest");
  made.after(2);
  made.metrics->position.reset();
  CHECK(made.after(60) == verdict::synced);
}

TEST_CASE("what is accepted is not required, and is shown all the same", "[binlog]") {
  auto made = of("cluster-status-replicating");
  made.expected.unknown_because = "no Pump answers";
  CHECK(made.after(20) == verdict::unknown);
  made.demanded.accepted = {evidence_name::pumps_complete};
  CHECK(made.after(40) == verdict::synced);
  auto const judged = made.look();
  auto const* shown = find(judged, evidence_name::pumps_complete);
  CHECK_FALSE(shown->required);
  CHECK(shown->held == holding::unknown);
  CHECK(shown->value == "no Pump answers");
}

TEST_CASE("old Pumps that are offline are expected until the checkpoint is past them", "[binlog]") {
  auto made = old("kafka-status-synced-good-pb-dest");
  made.expected.offline = {{"gone:8250", tso{417070675918848001 - 1000}}};
  CHECK(made.after(60) == verdict::synced);
  made.expected.offline = {{"gone:8250", tso{417070684045312001}}};
  CHECK(made.after(120) == verdict::not_synced);
}

TEST_CASE("since may come late, and may change", "[binlog]") {
  auto made = of("cluster-status-replicating");
  made.demanded.since.reset();
  CHECK(made.after(30) == verdict::unknown);
  made.demanded.since = tso{417070683521024001};
  CHECK(made.after(31) == verdict::not_synced);
  CHECK(made.after(41) == verdict::synced);
  made.demanded.since = base;
  CHECK(made.after(42) == verdict::not_synced);
}

TEST_CASE("the Pumps to expect, from every source", "[binlog]") {
  auto const answer = [](std::string const& file) { return binlog::decode_pump(sample(file), "it"); };
  auto const expected = [&](std::vector<std::string> hosts, std::string const& file, bool old) {
    binlog::surroundings around({.pumps = std::move(hosts)});
    around.pump(0, milliseconds(0), answer(file));
    return around.expected(old, milliseconds(0));
  };
  auto const ok = expected({"10.0.1.11:8250", "10.0.1.12:8250"}, "pump-cluster-status-ok.json", false);
  CHECK(ok.ids.size() == 3);
  CHECK(ok.unknown_because.empty());
  CHECK_FALSE(expected({"a:1", "b:1"}, "pump-cluster-status-ok.json", false).unknown_because.empty());
  CHECK_FALSE(expected({"a:1"}, "pump-cluster-status-pd-etcd-down.json", false).unknown_because.empty());
  CHECK_FALSE(expected({"a:1"}, "pump-kafka-status-ok.json", false).unknown_because.empty());
  CHECK(expected({"a:1", "b:1"}, "pump-kafka-status-ok.json", true).ids.size() == 2);
  CHECK(expected({"a:1", "b:1"}, "pump-kafka-status-ok.json", true).unknown_because.empty());
  CHECK_FALSE(expected({"a:1", "b:1", "c:1"}, "pump-kafka-status-ok.json", true).unknown_because.empty());
  CHECK_FALSE(binlog::surroundings({}).expected(true, milliseconds(0)).unknown_because.empty());

  binlog::surroundings stale({.pumps = {"10.0.1.11:8250"}});
  stale.pump(0, milliseconds(0), answer("pump-cluster-status-ok.json"));
  CHECK_FALSE(stale.expected(false, milliseconds(31000)).unknown_because.empty());
  CHECK(stale.now(milliseconds(2000)) == later(tso{417070684569600003}, 2000));
  CHECK_FALSE(stale.now(milliseconds(31000)));
  CHECK(stale.taken_after(milliseconds(0)));
  CHECK_FALSE(stale.taken_after(milliseconds(1)));
}

TEST_CASE("the new Pumps hold a binlog for each TiDB", "[binlog]") {
  binlog::surroundings around({.tidbs = {"a:1", "b:1", "c:1"}, .new_pumps = 2});
  auto const found = [&](int second) { return around.switched(milliseconds(second * 1000)).back(); };
  core::error const silent{core::errc::timed_out, "no answer"};
  CHECK(found(0).held == holding::unknown);
  around.taken(0, milliseconds(0), 2);
  CHECK(found(0).held == holding::unknown);
  around.taken(1, milliseconds(1000), 0);
  CHECK(found(1).held == holding::no);
  around.taken(1, milliseconds(2000), 1);
  CHECK(found(2).held == holding::yes);
  CHECK(found(5).since == milliseconds(2000));
  around.taken(1, milliseconds(6000), silent);
  CHECK(found(6).held == holding::unknown);
  around.taken(0, milliseconds(7000), 3);
  CHECK(found(7).held == holding::yes);
  CHECK(found(40).held == holding::unknown);
}

TEST_CASE("TiDBs have left the old Pumps", "[binlog]") {
  auto const held = [](std::string const& file) {
    binlog::surroundings around({.tidbs = {"tidb:10080"}});
    around.tidb(0, milliseconds(0), binlog::decode_tidb_servers(sample(file), "it"));
    return around.switched(milliseconds(0)).at(0).held;
  };
  CHECK(held("tidb-info-all-ok.json") == holding::yes);
  CHECK(held("tidb-info-all-one-off.json") == holding::no);
  CHECK(held("tidb-info-all-old-version-no-binlog-status.json") == holding::unknown);
  CHECK(held("tidb-binlog-recover-status-skipping.json") == holding::unknown);

  binlog::surroundings with_socket({.tidbs = {"tidb:10080"}});
  with_socket.tidb(0, milliseconds(0), binlog::decode_tidb_servers(sample("tidb-info-all-ok.json"), "it"),
                   "/p/pump.sock");
  CHECK(with_socket.switched(milliseconds(0)).at(0).held == holding::no);

  binlog::surroundings around({.old_pumps = 1});
  auto const write = [&](int second, double calls) {
    around.writes(0, milliseconds(second * 1000), binlog::pump_writes{calls, 0});
    return around.switched(milliseconds(second * 1000)).at(0);
  };
  CHECK(write(0, 5).held == holding::no);
  CHECK(write(1, 5).held == holding::yes);
  CHECK(write(9, 5).since == milliseconds(0));
  CHECK(write(10, 6).held == holding::no);
  CHECK(write(12, 6).since == milliseconds(10000));
  around.writes(0, milliseconds(13000), core::error{core::errc::timed_out, "no answer"});
  CHECK(around.switched(milliseconds(13000)).at(0).held == holding::unknown);
}
