#include "binlog/pump_api.hpp"

#include "support.hpp"

using binlog::node_state;
using core::errc;
using test::sample;

namespace {

template <class T>
void check_bad(core::result<T> const& decoded, std::string const& cause) {
  REQUIRE_FALSE(decoded);
  CHECK(core::name(decoded.error().code) == "bad_answer");
  CHECK_THAT(decoded.error().what, Catch::StartsWith("cannot ") && Catch::Contains(cause));
}

std::string node_with(std::string const& changed, std::string const& value) {
  std::string text = "{";
  for (auto const& [key, good] : std::vector<std::pair<std::string, std::string>>{{"nodeId", "\"a:1\""},
                                                                                  {"host", "\"h:1\""},
                                                                                  {"state", "\"online\""},
                                                                                  {"maxCommitTS", "1"},
                                                                                  {"updateTS", "2"}}) {
    auto const& shown = key == changed ? value : good;
    if (!shown.empty()) text += (text.size() > 1 ? "," : "") + ("\"" + key + "\":" + shown);
  }
  return text + "}";
}

}  // namespace

TEST_CASE("every sample of a Pump's status decodes as it should", "[binlog]") {
  struct row {
    std::string file;
    std::string cause;  // empty: it is good
    std::vector<std::pair<std::string, node_state>> nodes;
  };
  auto const online = node_state::online;
  auto const paused = node_state::paused;
  std::vector<row> const rows = {
      {"ok", "", {{"pump-a:8250", online}, {"pump-b:8250", online}, {"pump-c:8250", online}}},
      {"all-pumps-paused", "", {{"pump-a:8250", paused}, {"pump-b:8250", paused}, {"pump-c:8250", paused}}},
      {"label-present", "", {{"pump-a:8250", online}}},
      {"maxcommit-not-moving-young-unmatched-prewrite", "", {{"pump-a:8250", online}, {"pump-b:8250", online}}},
      {"offline-leftover-paused-other-host", "", {{"gone:8250", paused}, {"pump-a:8250", online}}},
      {"one-paused", "", {{"pump-a:8250", online}, {"pump-b:8250", paused}, {"pump-c:8250", online}}},
      {"stale-online-after-sigkill", "", {{"pump-a:8250", online}, {"pump-b:8250", online}, {"pump-c:8250", online}}},
      {"pd-etcd-down", "context deadline exceeded", {}},
      {"tso-fail", "not leader", {}},
  };
  for (auto const& r : rows) {
    INFO(r.file);
    auto const decoded =
        binlog::decode_pump_status(sample("pump-cluster-status-" + r.file + ".json"), "http://p/status");
    if (!r.cause.empty()) {
      check_bad(decoded, r.cause);
      continue;
    }
    REQUIRE(decoded);
    std::vector<std::pair<std::string, node_state>> nodes;
    for (auto const& node : decoded->nodes) nodes.emplace_back(node.id, node.state);
    CHECK(nodes == r.nodes);
  }
}

TEST_CASE("64-bit numbers are read exactly", "[binlog]") {
  auto const decoded = binlog::decode_pump_status(sample("pump-cluster-status-ok.json"), "status");
  REQUIRE(decoded);
  CHECK(decoded->commit_ts.value == 417070684569600003);
  CHECK(decoded->nodes[0].update_ts.value == 417070684307456007);
  CHECK(decoded->nodes[2].max_commit_ts.value == 417070684307456002);
  CHECK(decoded->nodes[1].host == "10.0.1.12:8250");
}

TEST_CASE("answers that are no status of a cluster-version Pump", "[binlog]") {
  for (auto const& file : {"pump-kafka-status-ok.json", "pump-kafka-status-pd-down.json", "pump-local-status-ok.json",
                           "drainer-cluster-status-replicating.json", "drainer-kafka-status-not-synced.json",
                           "pump-cluster-drainers-ok.json", "pump-cluster-state-pause-ok.json", "etcd-put-ok.json",
                           "etcd-gateway-disabled-or-wrong-prefix-http404.txt", "pd-members-ok.json"}) {
    INFO(file);
    check_bad(binlog::decode_pump_status(sample(file), "status"), "");
  }
  std::string const good = "\"CommitTS\":5,\"Checkpoint\":{},\"ErrMsg\":\"\"";
  for (std::string const& body :
       std::vector<std::string>{"",
                                "null",
                                "[]",
                                "5",
                                "{}",
                                "{",
                                "<html></html>",
                                "\xff\xfe",
                                "{\"status\":null," + good + "}",
                                "{\"status\":[]," + good + "}",
                                "{\"status\":\"\"," + good + "}",
                                "{" + good + "}",
                                "{\"status\":{},\"CommitTS\":0,\"ErrMsg\":\"\"}",
                                "{\"status\":{},\"CommitTS\":-1,\"ErrMsg\":\"\"}",
                                "{\"status\":{},\"CommitTS\":4.1e17,\"ErrMsg\":\"\"}",
                                "{\"status\":{},\"CommitTS\":18446744073709551615,\"ErrMsg\":\"\"}",
                                "{\"status\":{},\"ErrMsg\":\"\"}",
                                "{\"status\":{},\"CommitTS\":5}",
                                "{\"status\":{},\"CommitTS\":5,\"ErrMsg\":null}",
                                "{\"status\":{\"a\":null}," + good + "}",
                                "{\"status\":{\"other\":" + node_with("", "") + "}," + good + "}",
                                "{\"status\":{}," + good + "} trailing",
                                std::string(100000, '[')}) {
    INFO(body.substr(0, 200));
    check_bad(binlog::decode_pump_status(body, "status"), "");
  }
  CHECK(binlog::decode_pump_status("{\"status\":{}," + good + ",\"New\":{}}", "status"));
}

TEST_CASE("a registry entry needs its five fields and no more", "[binlog]") {
  auto const decode = [](std::string const& text) {
    return binlog::decode_node(core::parse_json(text, "x").value(), "entry");
  };
  auto const good = decode(node_with("", ""));
  REQUIRE(good);
  CHECK(good.value() == binlog::node{"a:1", "h:1", node_state::online, {1}, {2}});
  for (std::string const field : {"nodeId", "host", "state", "maxCommitTS", "updateTS"})
    for (std::string const value : {"", "null", "{}", "\"\"", "-1", "1.5", "true", "99999999999999999999"}) {
      INFO(field << ": " << value);
      check_bad(decode(node_with(field, value)), field);
    }
  CHECK(decode(node_with("updateTS", "\"417070684307456007\""))->update_ts.value == 417070684307456007);
  CHECK(decode(node_with("state", "\"sleeping\""))->state == node_state::unknown);
  for (auto const state : {node_state::online, node_state::pausing, node_state::paused, node_state::closing,
                           node_state::offline, node_state::unknown})
    CHECK(binlog::state_of(binlog::name(state)) == state);
  for (std::string const file : {"online", "paused", "offline"}) {
    auto const entry = decode(sample("etcd-value-v1-pump-" + file + ".json"));
    REQUIRE(entry);
    CHECK(binlog::name(entry->state) == file);
  }
  CHECK(decode(sample("etcd-value-v1-drainer-online.json"))->id == "drainer-a:8249");
  for (auto const* file : {"etcd-value-kafka-pump-object-alive.json", "etcd-value-kafka-pump-object-offline.json",
                           "etcd-value-kafka-cistern-object.json", "etcd-value-kafka-pump-alive-key.json",
                           "etcd-value-local-pump-object.json"})
    check_bad(decode(sample(file)), "nodeId");
}

TEST_CASE("every sample of a cluster-version Drainer's status decodes as it should", "[binlog]") {
  struct row {
    std::string file;
    bool synced;
    std::int64_t last_ts;
    int pumps;  // -1: not polled yet
  };
  auto const r = GENERATE(values<row>({
      {"false-but-done-v2.1-mysql-dispatch", false, 417070683521024001, 3},
      {"initial-ts-zero", false, 0, 3},
      {"just-started-null", false, 0, -1},
      {"replicating", false, 417070683521024001, 3},
      {"synced-good-v3plus", true, 417070683521024001, 3},
      {"synced-lying-backlog-not-pulled-pump-firewalled", true, 417069373849600001, 3},
      {"synced-lying-downstream-blocked", true, 417070500544512001, 3},
      {"synced-lying-no-pumps", true, 416844192153600001, 0},
      {"synced-lying-one-pump-paused", true, 417070523088896001, 3},
  }));
  INFO(r.file);
  auto const decoded = binlog::decode_drainer_status(sample("drainer-cluster-status-" + r.file + ".json"), "status");
  REQUIRE(decoded);
  CHECK(decoded->synced == r.synced);
  CHECK(decoded->last_ts.value == r.last_ts);
  CHECK((decoded->pump_positions ? static_cast<int>(decoded->pump_positions->size()) : -1) == r.pumps);
  if (r.file == "replicating") CHECK(decoded->pump_positions->at("pump-b:8250").value == 417070684045312001);
}

TEST_CASE("answers that are no status of a cluster-version Drainer", "[binlog]") {
  for (auto const* file :
       {"drainer-kafka-status-not-synced.json", "drainer-kafka-status-just-started.json",
        "drainer-kafka-status-synced-good-old-build-no-tsmap.json", "drainer-kafka-status-synced-zero-window.json",
        "drainer-local-status-just-started-null-body.json", "drainer-local-status-synced-zero-window.json",
        "pump-cluster-status-ok.json", "drainer-cluster-commit-ts-ok.json"}) {
    INFO(file);
    check_bad(binlog::decode_drainer_status(sample(file), "status"), "");
  }
  for (auto const* body :
       {"", "null", "[]", "{}", "{\"PumpPos\":{},\"Synced\":true}", "{\"Synced\":true,\"LastTS\":1}",
        "{\"PumpPos\":[],\"Synced\":true,\"LastTS\":1}", "{\"PumpPos\":{},\"Synced\":1,\"LastTS\":1}",
        "{\"PumpPos\":{\"a\":{}},\"Synced\":true,\"LastTS\":1}",
        "{\"PumpPos\":{\"a\":1.5},\"Synced\":true,\"LastTS\":1}", "{\"PumpPos\":{},\"Synced\":true,\"LastTS\":-1}"}) {
    INFO(body);
    check_bad(binlog::decode_drainer_status(body, "status"), "");
  }
}

TEST_CASE("/drainers: null is not an empty list", "[binlog]") {
  auto const decode = [](std::string const& file) { return binlog::decode_drainers(sample(file), "drainers"); };
  auto const null = decode("pump-cluster-drainers-null-none-or-pd-error.json");
  REQUIRE(null);
  CHECK_FALSE(null->has_value());
  auto const empty = binlog::decode_drainers("[]", "drainers");
  REQUIRE(empty);
  CHECK(empty->has_value());
  for (auto const& [file, state] : std::vector<std::pair<std::string, node_state>>{
           {"ok", node_state::online}, {"paused", node_state::paused}, {"stale-online", node_state::online}}) {
    auto const decoded = decode("pump-cluster-drainers-" + file + ".json");
    REQUIRE(decoded);
    REQUIRE(decoded->value().size() == 1);
    CHECK(decoded->value()[0].state == state);
    CHECK(decoded->value()[0].id == "drainer-a:8249");
  }
  check_bad(decode("pump-kafka-drainers-ok.json"), "nodeId");
  for (auto const* body : {"", "{}", "5", "[null]", "[{}]"}) check_bad(binlog::decode_drainers(body, "drainers"), "");
}

TEST_CASE("/state answers are judged by their code", "[binlog]") {
  for (auto const* file :
       {"pump-cluster-state-close-ok.json", "pump-cluster-state-pause-ok.json", "drainer-cluster-state-pause-ok.json"})
    CHECK(binlog::decode_state_answer(sample(file), "close"));
  for (auto const& [file, cause] : std::vector<std::pair<std::string, std::string>>{
           {"pump-cluster-state-error-bad-action-http200.json", "invalide action stop"},
           {"pump-cluster-state-error-not-online-http200.json", "state is closing"},
           {"pump-cluster-state-error-wrong-node-http200.json", "invalide nodeID pump-z:8250"},
           {"drainer-cluster-state-error-not-online-http200.json", "state is paused"},
           {"drainer-cluster-state-error-wrong-node-http200.json", "invalid nodeID d:8249"}})
    check_bad(binlog::decode_state_answer(sample(file), "close"), cause);
  for (auto const* body :
       {"", "null", "{}", "{\"code\":\"ok\"}", "{\"code\":3}", "{\"code\":3,\"message\":7}", "404 page"})
    check_bad(binlog::decode_state_answer(body, "close"), "");
}
