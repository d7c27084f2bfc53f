#include "binlog/etcd.hpp"

#include "etcd_process.hpp"
#include "support.hpp"

#include "binlog/gateway.hpp"

#include <set>

using core::errc;
using core::milliseconds;
using test::connection;
using test::http_answer;
using test::sample;

namespace {

constexpr milliseconds patience{2000};

// A gateway that lives under one prefix and answers always the same there.
std::function<void(connection const&)> gateway_at(std::string const& prefix, std::string const& answer) {
  return [=](connection const& c) {
    auto const request = c.read_request();
    c.write(request.starts_with("POST " + prefix + "/kv/") || request.starts_with("POST " + prefix + "/lease/")
                ? answer
                : http_answer("404 page not found\n", "404 Not Found", "text/plain"));
  };
}

}  // namespace

TEST_CASE("the registry is read from a real etcd", "[binlog][etcd]") {
  test::etcd_process const pd;
  http::client client;
  binlog::etcd etcd(client, {pd.url() + "/"}, patience);

  auto const empty = binlog::read_registry(etcd);
  REQUIRE(empty);
  CHECK(empty->pumps.empty());
  CHECK(empty->source == pd.url());

  pd.put("/tidb-binlog/v1/pumps/pump-a:8250", sample("etcd-value-v1-pump-online.json"));
  pd.put("/tidb-binlog/v1/pumps/pump-b:8250", sample("etcd-value-v1-pump-paused.json"));
  pd.put("/tidb-binlog/v1/pumps/pump-c:8250", sample("etcd-value-v1-pump-offline.json"));
  pd.put("/tidb-binlog/v1/drainers/drainer-a:8249", sample("etcd-value-v1-drainer-online.json"));
  // Neighbours that must not be taken for entries.
  pd.put("/tidb-binlog/v1/pumps", "not an entry");
  pd.put("/tidb-binlog/v1/pumps0", "not an entry");
  pd.put("/tidb-binlog/pumps/tidb-1:8250/object", sample("etcd-value-kafka-pump-object-alive.json"));
  auto const read = binlog::read_registry(etcd);
  REQUIRE(read);
  REQUIRE(read->pumps.size() == 3);
  REQUIRE(read->drainers.size() == 1);
  CHECK(read->pump("pump-b:8250")->state == binlog::node_state::paused);
  CHECK(read->pump("pump-a:8250")->update_ts.value == 417070684307456001);
  CHECK(read->pump("pump-z:8250") == nullptr);

  struct row {
    std::string key, value, cause;
  };
  for (auto const& r : std::vector<row>{
           {"/tidb-binlog/v1/pumps/broken:8250", "", "broken:8250"},
           {"/tidb-binlog/v1/pumps/broken:8250", "{\"nodeId\":", "broken:8250"},
           {"/tidb-binlog/v1/pumps/broken:8250", "null", "broken:8250"},
           {"/tidb-binlog/v1/pumps/broken:8250", sample("etcd-value-v1-pump-online.json"), "is of node pump-a:8250"},
           {"/tidb-binlog/v1/pumps/broken:8250", sample("etcd-value-kafka-pump-object-alive.json"), "nodeId"},
           {"/tidb-binlog/v1/pumps/broken/8250", sample("etcd-value-v1-pump-online.json"), "node id"},
           {"/tidb-binlog/v1/pumps/", sample("etcd-value-v1-pump-online.json"), "node id"},
           {"/tidb-binlog/v1/drainers/broken:8249", "x", "drainers/broken:8249"}}) {
    INFO(r.key << " = " << r.value);
    pd.put(r.key, r.value);
    auto const unreadable = binlog::read_registry(etcd);
    REQUIRE_FALSE(unreadable);
    CHECK(core::name(unreadable.error().code) == "registry_unreadable");
    CHECK_THAT(unreadable.error().what, Catch::Contains(r.key) && Catch::Contains(r.cause));
    pd.remove_prefix("/tidb-binlog/v1/pumps/broken");
    pd.remove_prefix("/tidb-binlog/v1/drainers/broken");
    if (r.key.ends_with("pumps/")) pd.remove_prefix("/tidb-binlog/v1/pumps/");
  }
  CHECK(binlog::read_registry(etcd));
}

TEST_CASE("keys and leases of a real etcd", "[binlog][etcd]") {
  test::etcd_process const pd;
  http::client client;
  binlog::etcd etcd(client, pd.urls(), patience);
  CHECK_FALSE(etcd.get("/k").value().has_value());
  auto const lease = etcd.grant_lease(std::chrono::seconds(60));
  REQUIRE(lease);
  CHECK(etcd.create("/k", "first", *lease).value());
  CHECK_FALSE(etcd.create("/k", "second", *lease).value());
  auto const kept = etcd.keep_alive(*lease);
  REQUIRE(kept);
  CHECK(*kept == std::chrono::seconds(60));
  auto const found = etcd.get("/k").value();
  REQUIRE(found);
  CHECK(found->value == "first");
  CHECK(found->lease == *lease);
  CHECK(found->create_revision > 0);
  CHECK(etcd.range("/k").value().size() == 1);
  CHECK(etcd.revoke(*lease));
  CHECK(etcd.revoke(*lease));  // gone already
  CHECK_FALSE(etcd.get("/k").value().has_value());
  CHECK(core::name(etcd.keep_alive(*lease).error().code) == "lock_lost");
  CHECK(core::name(etcd.create("/k", "v", *lease).error().code) == "lock_lost");
  // More than one page of anything: etcd has none, one answer holds all.
  for (int i = 0; i < 100; ++i) pd.put("/many/" + std::to_string(i), std::string(10000, 'x'));
  CHECK(etcd.range("/many/").value().size() == 100);
}

TEST_CASE("a gateway that is off is told from a PD that is away", "[binlog][etcd]") {
  test::etcd_process const pd({"--enable-grpc-gateway=false"});
  auto const nobody = "http://127.0.0.1:" + std::to_string(test::free_port());
  http::client client;
  auto const code = [&](std::vector<std::string> const& urls) {
    binlog::etcd etcd(client, urls, patience);
    return std::string(core::name(etcd.get("/k").error().code));
  };
  CHECK(code(pd.urls()) == "lock_unavailable");
  CHECK(code({nobody, pd.url()}) == "lock_unavailable");
  CHECK(code({nobody}) == "network_failure");
  CHECK(code({}) == "network_failure");
  CHECK(code({"nonsense"}) == "usage");
}

TEST_CASE("each prefix of PD's versions is found and remembered", "[binlog][etcd]") {
  auto const prefix = GENERATE(as<std::string>(), "/v3", "/v3beta", "/v3alpha");
  test::server const pd(gateway_at(prefix, http_answer(sample("etcd-range-v1-pumps-ok.json"))));
  http::client client;
  binlog::etcd etcd(client, {pd.url("")}, patience);
  REQUIRE(etcd.range("/x"));
  auto const asked = pd.connections();
  REQUIRE(etcd.range("/x"));
  CHECK(pd.connections() == asked + 1);
}

TEST_CASE("a PD that can't serve is passed over", "[binlog][etcd]") {
  test::server const good(gateway_at("/v3", http_answer(sample("etcd-range-v1-pumps-ok.json"))));
  struct row {
    std::string what;
    std::function<void(connection const&)> serve;
    std::string code_when_alone;
  };
  auto const r = GENERATE(values<row>({
      {"no leader", test::answering(http_answer(R"({"error":"etcdserver: no leader","code":14})", "503 X")),
       "bad_answer"},
      {"hangs", [](connection const& c) { c.wait(milliseconds(3000)); }, "timed_out"},
      {"hangs up", [](connection const&) {}, "network_failure"},
      {"HTML", test::answering(http_answer("<html>hello</html>")), "bad_answer"},
      {"no HTTP", test::answering("garbage garbage garbage\r\n"), "bad_answer"},
  }));
  INFO(r.what);
  test::server const bad(r.serve);
  http::client client;
  binlog::etcd both(client, {bad.url(""), good.url("")}, milliseconds(300));
  REQUIRE(both.range("/x"));
  CHECK(both.last_url() == good.url(""));
  auto const asked = bad.connections();
  REQUIRE(both.range("/x"));  // the good one first from now on
  CHECK(bad.connections() == asked);
  binlog::etcd alone(client, {bad.url("")}, milliseconds(300));
  auto const failed = alone.range("/x");
  REQUIRE_FALSE(failed);
  CHECK(core::name(failed.error().code) == r.code_when_alone);
}

TEST_CASE("a refusal of etcd is not asked of the next PD", "[binlog][etcd]") {
  test::server const refuses(gateway_at("/v3", http_answer(sample("etcd-error-empty-key-http400.json"), "400 Bad")));
  test::server const other(gateway_at("/v3", http_answer(sample("etcd-range-v1-pumps-ok.json"))));
  http::client client;
  binlog::etcd etcd(client, {refuses.url(""), other.url("")}, patience);
  auto const refused = etcd.get("");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::bad_answer);
  CHECK_THAT(refused.error().what, Catch::Contains("key is not provided") && Catch::Contains(refuses.url("")));
  CHECK(other.connections() == 0);
}

TEST_CASE("leases of an old etcd are revoked where it keeps them", "[binlog][etcd]") {
  std::string revoked;
  test::server const pd([&](connection const& c) {
    auto const request = c.read_request();
    if (request.starts_with("POST /v3alpha/kv/lease/revoke ")) {
      revoked = request;
      c.write(http_answer(sample("etcd-put-ok.json")));
    } else {
      c.write(http_answer("404 page not found\n", "404 Not Found", "text/plain"));
    }
  });
  http::client client;
  binlog::etcd etcd(client, {pd.url("")}, patience);
  CHECK(etcd.revoke(12345));
  CHECK_THAT(revoked, Catch::EndsWith("{\"ID\":\"12345\"}"));
}

TEST_CASE("keys that were not asked for are no registry", "[binlog][etcd]") {
  test::server const pd(gateway_at("/v3", http_answer(R"({"header":{},"kvs":[{"key":"aw=="}],"count":"1"})")));
  http::client client;
  binlog::etcd etcd(client, {pd.url("")}, patience);
  CHECK(binlog::read_registry(etcd).error().code == errc::bad_answer);
  CHECK(etcd.get("/other").error().code == errc::bad_answer);
}
