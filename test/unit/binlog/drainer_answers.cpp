#include "binlog/drainer_answers.hpp"

#include "binlog/etcd.hpp"
#include "binlog/metrics_page.hpp"
#include "support.hpp"

using binlog::drainer_kind;
using binlog::tso;
using test::sample;

TEST_CASE("every era's Drainer is told by the shape of its answer", "[binlog]") {
  struct row {
    std::string file;
    drainer_kind kind;
    bool synced;
    int pumps;  // -1: null
    std::int64_t reached;
  };
  auto const r = GENERATE(values<row>({
      {"cluster-status-synced-good-v3plus", drainer_kind::cluster, true, 3, 417070683521024001},
      {"cluster-status-replicating", drainer_kind::cluster, false, 3, 417070683521024001},
      {"cluster-status-false-but-done-v2.1-mysql-dispatch", drainer_kind::cluster, false, 3, 417070683521024001},
      {"cluster-status-initial-ts-zero", drainer_kind::cluster, false, 3, 0},
      {"cluster-status-just-started-null", drainer_kind::cluster, false, -1, 0},
      {"cluster-status-synced-lying-backlog-not-pulled-pump-firewalled", drainer_kind::cluster, true, 3,
       417069373849600001},
      {"cluster-status-synced-lying-downstream-blocked", drainer_kind::cluster, true, 3, 417070500544512001},
      {"cluster-status-synced-lying-no-pumps", drainer_kind::cluster, true, 0, 416844192153600001},
      {"cluster-status-synced-lying-one-pump-paused", drainer_kind::cluster, true, 3, 417070523088896001},
      {"kafka-status-false-but-done-mysql-dispatch", drainer_kind::kafka, false, 2, 417070683783168001},
      {"kafka-status-just-started", drainer_kind::kafka, false, -1, 0},
      {"kafka-status-not-synced", drainer_kind::kafka, false, 2, 417070659665920001},
      {"kafka-status-position-suffix-and-offset", drainer_kind::kafka, false, 1, 417070683783168001},
      {"kafka-status-synced-good-old-build-no-tsmap", drainer_kind::kafka, true, 1, 417070683783168001},
      {"kafka-status-synced-good-pb-dest", drainer_kind::kafka, true, 2, 417070683783168001},
      {"kafka-status-synced-lying-downstream-blocked-small-gap", drainer_kind::kafka, true, 2, 417070683783168001},
      {"kafka-status-synced-lying-huge-gap", drainer_kind::kafka, true, 2, 417048035328000001},
      {"kafka-status-synced-lying-tso-failed-window-frozen", drainer_kind::kafka, true, 2, 417070369210368001},
      {"kafka-status-synced-zero-window-with-pumps", drainer_kind::kafka, true, 2, 0},
      {"kafka-status-synced-zero-window", drainer_kind::kafka, true, 0, 0},
      {"local-status-not-synced-normal-idle", drainer_kind::local, false, 1, 417070683783168001},
      {"local-status-synced-zero-window", drainer_kind::kafka, true, 0, 0},
  }));
  INFO(r.file);
  auto const answer = binlog::decode_drainer(sample("drainer-" + r.file + ".json"), "it");
  REQUIRE(answer);
  CHECK(answer->kind == r.kind);
  CHECK(answer->synced == r.synced);
  CHECK((answer->pumps ? static_cast<int>(answer->pumps->size()) : -1) == r.pumps);
  CHECK((binlog::is_old(answer->kind) ? answer->lower : answer->last_ts) == tso{r.reached});
}

TEST_CASE("what is no Drainer's answer is none", "[binlog]") {
  auto const body = GENERATE(
      values<std::string>({"",
                           "null",
                           "[]",
                           "5",
                           "\"x\"",
                           "{}",
                           "<html></html>",
                           "{\"Synced\":true}",
                           R"({"PumpPos":{},"Synced":true,"LastTS":1,"DepositWindow":{"Upper":1,"Lower":1}})",
                           R"({"PumpPos":{},"Synced":true,"LastTS":"1"})",
                           R"({"PumpPos":{},"Synced":true,"LastTS":1.5})",
                           R"({"PumpPos":{},"Synced":true,"LastTS":-1})",
                           R"({"PumpPos":{},"Synced":true,"LastTS":null})",
                           R"({"PumpPos":{},"Synced":true,"LastTS":18446744073709551615})",
                           R"({"PumpPos":{},"Synced":"true","LastTS":1})",
                           R"({"PumpPos":{},"LastTS":1})",
                           R"({"Synced":true,"LastTS":1})",
                           R"({"PumpPos":[],"Synced":true,"LastTS":1})",
                           R"({"PumpPos":{"a":{}},"Synced":true,"LastTS":1})",
                           R"({"PumpPos":{"a":"1"},"Synced":true,"LastTS":1})",
                           R"({"PumpPos":{},"Synced":true,"LastTS":1,"TsMap":{}})",
                           R"({"PumpPos":{},"Synced":true,"DepositWindow":{"Upper":1}})",
                           R"({"PumpPos":{},"Synced":true,"DepositWindow":null})",
                           R"({"PumpPos":{},"Synced":true,"DepositWindow":{"Upper":1,"Lower":-5}})",
                           R"({"PumpPos":{"a":7},"Synced":true,"DepositWindow":{"Upper":1,"Lower":1}})",
                           R"({"PumpPos":{"a":{"offset":1.5}},"Synced":true,"DepositWindow":{"Upper":1,"Lower":1}})",
                           R"({"PumpPos":{},"Synced":true,"LastTS":1} trailing)"}));
  INFO(body);
  CHECK_FALSE(binlog::decode_drainer(body, "it"));
  CHECK_FALSE(binlog::decode_drainer(sample("drainer-local-status-just-started-null-body.json"), "it"));
}

TEST_CASE("an old Drainer's metrics", "[binlog]") {
  auto const good = binlog::decode_drainer_metrics(sample("metrics-drainer-kafka.txt"), "it");
  REQUIRE(good);
  CHECK(good->queued == 0);
  CHECK(good->events == 42);
  CHECK(good->position == 417070675918848000);
  std::string const input = "binlog_drainer_queue_size{name=\"syncer_input\"} 0\n";
  CHECK(binlog::decode_drainer_metrics(input + "binlog_drainer_queue_size{name=\"worker_3\"} 2\n", "it")->queued == 2);
  CHECK_FALSE(binlog::decode_drainer_metrics(input + "binlog_drainer_position 0\n", "it")->position);
  for (auto const& text :
       {std::string(), std::string("<html>"), std::string("binlog_drainer_queue_size{name=\"worker_0\"} 0\n"),
        input + "binlog_drainer_event{type=\"Insert\"} NaN\n", input + "binlog_drainer_queue_size{name=\"x\"} -1\n",
        input + "binlog_drainer_position -4\n", input + "binlog_drainer_position 1e30\n",
        input + "binlog_drainer_event{type=\"Insert 5\n"}) {
    INFO(text);
    CHECK_FALSE(binlog::decode_drainer_metrics(text, "it"));
  }
}

TEST_CASE("an old Drainer has a window once it has looked at the registry", "[binlog]") {
  CHECK(binlog::has_not_looked_yet("# TYPE binlog_drainer_position gauge\nbinlog_drainer_position 0\n"));
  CHECK_FALSE(binlog::has_not_looked_yet(sample("metrics-drainer-kafka.txt")));
  CHECK_FALSE(binlog::has_not_looked_yet(sample("metrics-drainer-cluster.txt")));
  CHECK_FALSE(binlog::has_not_looked_yet(""));
}

TEST_CASE("an old Drainer is asked for its status where its metrics allow it", "[binlog]") {
  auto const asked = [](http::response answer) {
    return binlog::may_be_asked(binlog::metrics_page(std::move(answer), "URL"));
  };
  CHECK(asked({.status = 200, .body = sample("metrics-drainer-kafka.txt")}));
  CHECK(asked({.status = 404}));
  CHECK(asked({.status = 200, .body = "binlog_drainer_position 0\n"}).error().code == core::errc::unproven);
  for (auto const status : {301U, 403U, 500U, 503U}) CHECK_FALSE(asked({.status = status}));
  CHECK(binlog::may_be_asked(core::error{core::errc::timed_out, "slow"}).error().code == core::errc::timed_out);
}

TEST_CASE("every era's Pump", "[binlog]") {
  auto const read = [](std::string const& file) { return binlog::decode_pump(sample(file), "it"); };
  auto const cluster = read("pump-cluster-status-ok.json");
  REQUIRE(cluster);
  CHECK_FALSE(cluster->old);
  CHECK(cluster->nodes.size() == 3);
  CHECK(cluster->commit_ts == tso{417070684569600003});
  for (auto const* file : {"pump-kafka-status-ok.json", "pump-local-status-ok.json"}) {
    auto const old = read(file);
    REQUIRE(old);
    CHECK(old->old);
    CHECK(old->old_ids == std::vector<std::string>{"tidb-1:8250", "tidb-2:8250"});
    CHECK(old->commit_ts == tso{417070684569600001});
  }
  for (auto const* file :
       {"pump-cluster-status-pd-etcd-down.json", "pump-cluster-status-tso-fail.json", "pump-kafka-status-pd-down.json"})
    CHECK_FALSE(read(file));
  for (auto const* body :
       {"", "null", "{}", "<html>", R"({"status":{},"CommitTS":0,"ErrMsg":""})", R"({"status":{},"CommitTS":5})",
        R"({"LatestBinlog":{},"status":{},"CommitTS":5,"ErrMsg":""})",
        R"({"LatestBinlog":[],"CommitTS":5,"ErrMsg":""})", R"({"LatestBinlog":{},"CommitTS":"5","ErrMsg":""})"})
    CHECK_FALSE(binlog::decode_pump(body, "it"));
}

TEST_CASE("calls of TiDB to an old Pump", "[binlog]") {
  auto const good = binlog::decode_pump_writes(sample("metrics-pump-kafka-write-counter.txt"), "it");
  REQUIRE(good);
  CHECK(good->calls == 99123);
  CHECK(good->lost == 0);
  CHECK(binlog::decode_pump_writes("binlog_pump_loss_binlog_count 3\n", "it")->lost == 3);
  CHECK_FALSE(binlog::decode_pump_writes("", "it"));
  CHECK_FALSE(binlog::decode_pump_writes("<html>", "it"));
}

TEST_CASE("binlogs of TiDBs in a new Pump", "[binlog]") {
  auto const page = [](std::string const& small, std::string const& all) {
    auto const kind = [&](std::string const& type, std::string const& le_32, std::string const& count) {
      std::string const name = "binlog_pump_storage_write_binlog_size";
      return name + "_bucket{type=\"" + type + "\",le=\"16\"} 0\n" + name + "_bucket{type=\"" + type +
             "\",le=\"32\"} " + le_32 + "\n" + name + "_count{type=\"" + type + "\"} " + count + "\n";
    };
    return "binlog_pump_storage_max_commit_ts 5\n" + kind("batch", "7", "7") + kind("single", small, all);
  };
  CHECK(binlog::decode_taken_binlogs(page("10", "10"), "it").value() == 0);
  CHECK(binlog::decode_taken_binlogs(page("10", "13"), "it").value() == 3);
  CHECK(binlog::decode_taken_binlogs("binlog_pump_storage_max_commit_ts 5\n", "it").value() == 0);
  CHECK_FALSE(binlog::decode_taken_binlogs(page("13", "10"), "it"));
  CHECK_FALSE(binlog::decode_taken_binlogs(page("x", "10"), "it"));
  CHECK_FALSE(binlog::decode_taken_binlogs(sample("metrics-pump-kafka-write-counter.txt"), "it"));
  CHECK_FALSE(binlog::decode_taken_binlogs("", "it"));
}

TEST_CASE("what TiDBs say of their binlogs", "[binlog]") {
  auto const read = [](std::string const& file) { return binlog::decode_tidb_servers(sample(file), "it"); };
  auto const on = read("tidb-info-all-ok.json");
  REQUIRE(on);
  REQUIRE(on->size() == 2);
  CHECK(on->front().binlog_status == "On");
  CHECK(on->front().address == "10.0.1.31:10080");
  CHECK(read("tidb-info-all-one-off.json")->back().binlog_status == "Off");
  CHECK(read("tidb-info-all-old-version-no-binlog-status.json")->front().binlog_status.empty());
  CHECK_FALSE(read("tidb-info-binlog-on.json"));
  CHECK_FALSE(read("tidb-binlog-recover-status-skipping.json"));
  CHECK_FALSE(binlog::decode_tidb_servers(R"({"all_servers_info":{}})", "it"));
}

TEST_CASE("the socket a TiDB writes to", "[binlog]") {
  auto const read = [](std::string_view settings) { return binlog::decode_tidb_socket(settings, "it"); };
  CHECK(*read(R"({"binlog":{"enable":true,"binlog-socket":"/s"}})") == "/s");
  CHECK(read(R"({"binlog":{"enable":true,"binlog-socket":""}})")->empty());
  CHECK(read(R"({"binlog":{"enable":false,"binlog-socket":"/s"}})")->empty());
  CHECK(*read(R"({"binlog":{"binlog-socket":"/s"}})") == "/s");
  CHECK(*read(R"({"port":4000,"binlog-socket":"/s"})") == "/s");
  for (auto const* text : {"", "null", "[]", "{}", R"({"binlog":{}})", R"({"binlog":[]})",
                           R"({"binlog":{"binlog-socket":7}})", "404 page not found"})
    CHECK_FALSE(read(text));
}

TEST_CASE("old Pumps in PD's registry, and the cluster id", "[binlog]") {
  auto const key = [](std::string const& name, std::string const& file) {
    return binlog::key_value{name, sample(file)};
  };
  auto const both = binlog::decode_registered_pumps(
      {key("/tidb-binlog/pumps/tidb-1:8250/object", "etcd-value-kafka-pump-object-offline.json"),
       key("/tidb-binlog/pumps/tidb-1:8250/alive", "etcd-value-kafka-pump-alive-key.json"),
       key("/tidb-binlog/pumps/x/object", "etcd-value-local-pump-object.json"),
       key("/tidb-binlog/pumps/x/alive", "etcd-value-local-pump-alive-key-plain-text.txt"),
       key("/tidb-binlog/cisterns/d/object", "etcd-value-kafka-cistern-object.json"),
       key("/tidb-binlog/v1/pumps/pump-a:8250", "etcd-value-v1-pump-online.json"),
       key("/tidb-binlog/v1/drainers/d", "etcd-value-v1-drainer-online.json")});
  REQUIRE(both);
  REQUIRE(both->old.size() == 2);
  CHECK(both->old[0].offline_ts == tso{417070684045312001});
  CHECK(both->old[1].offline_ts.empty());
  REQUIRE(both->cluster.size() == 1);
  CHECK(both->cluster[0].id == "pump-a:8250");
  CHECK_FALSE(binlog::decode_registered_pumps({{"/tidb-binlog/pumps/a/object", ""}}));
  CHECK_FALSE(binlog::decode_registered_pumps({{"/tidb-binlog/pumps/a/object", R"({"NodeID":"a","IsOffline":true})"}}));
  auto const id = binlog::decode_cluster_id(sample("pd-members-ok.json"), "it");
  REQUIRE(id);
  CHECK(*id == 6833120112373420941U);
  CHECK_FALSE(binlog::decode_cluster_id("{}", "it"));
}
