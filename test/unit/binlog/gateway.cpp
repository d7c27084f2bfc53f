#include "binlog/gateway.hpp"

#include "support.hpp"

namespace gateway = binlog::gateway;
using gateway::answer_kind;
using test::sample;

namespace {

core::json::value parsed(std::string const& text) { return core::parse_json(text, "the sample").value(); }

}  // namespace

TEST_CASE("base64 goes both ways", "[binlog][etcd]") {
  for (auto const& [bytes, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"f", "Zg=="},
           {"fo", "Zm8="},
           {"foo", "Zm9v"},
           {"foob", "Zm9vYg=="},
           {std::string("\0\xff\xfe", 3), "AP/+"},
           {"/tidb-binlog/v1/pumps/", "L3RpZGItYmlubG9nL3YxL3B1bXBzLw=="},
           {"/tidb-binlog/v1/pumps0", "L3RpZGItYmlubG9nL3YxL3B1bXBzMA=="}}) {
    CHECK(gateway::base64(bytes) == text);
    CHECK(gateway::from_base64(text) == bytes);
  }
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(gateway::from_base64(gateway::base64(all)) == all);
  for (auto const* bad : {"Z", "Zg=", "Zg", "Zg==Zg==", "Z===", "====", "Zm9\n", "Zm9v\n", "Z-_v", "Zg=v", "=Zm9"}) {
    INFO(bad);
    CHECK_FALSE(gateway::from_base64(bad));
  }
}

TEST_CASE("a range ends just behind its prefix", "[binlog][etcd]") {
  CHECK(gateway::range_end("/tidb-binlog/v1/pumps/") == "/tidb-binlog/v1/pumps0");
  CHECK(gateway::range_end("a\xff") == "b");
  CHECK(gateway::range_end("a\xff\xff") == "b");
  CHECK(gateway::range_end("\xff") == std::string(1, '\0'));
  CHECK(gateway::range_end("") == std::string(1, '\0'));
  CHECK(gateway::range_end("\x7f") == "\x80");
}

TEST_CASE("requests look as etcd wants them", "[binlog][etcd]") {
  CHECK(core::json::value(gateway::range_request("/tidb-binlog/v1/pumps/")) ==
        parsed(sample("etcd-range-request-v1-pumps.json")));
  CHECK(core::json::value(gateway::create_request("k", "v", 2324035548818151951)) ==
        parsed(R"({"compare":[{"key":"aw==","target":"CREATE","result":"EQUAL","create_revision":"0"}],
                   "success":[{"request_put":{"key":"aw==","value":"dg==","lease":"2324035548818151951"}}]})"));
}

TEST_CASE("HTTP answers of a gateway fall into four kinds", "[binlog][etcd]") {
  struct row {
    unsigned status;
    std::string body;
    answer_kind kind;
    std::string cause;
  };
  auto const r = GENERATE(values<row>({
      {200, sample("etcd-range-v1-pumps-ok.json"), answer_kind::good, ""},
      {200, sample("etcd-lease-keepalive-ok-stream-wrapped.json"), answer_kind::good, ""},
      {404, sample("etcd-gateway-disabled-or-wrong-prefix-http404.txt"), answer_kind::no_gateway, "404"},
      {404, "Not Found\n", answer_kind::no_gateway, "404"},
      {404, "", answer_kind::no_gateway, "404"},
      {404, sample("etcd-error-lease-not-found-http404.json"), answer_kind::refused, "requested lease not found"},
      {400, sample("etcd-error-bad-base64-http400.json"), answer_kind::refused, "illegal base64"},
      {400, sample("etcd-error-empty-key-http400.json"), answer_kind::refused, "key is not provided"},
      {400, R"({"error":"old etcd says no more","code":3})", answer_kind::refused, "old etcd says no more"},
      {503, R"({"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14})",
       answer_kind::unavailable, "no leader"},
      {503, R"({"error":"etcdserver: request timed out","code":14})", answer_kind::unavailable, "request timed out"},
      {504, R"({"error":"context deadline exceeded","code":4})", answer_kind::unavailable, "deadline"},
      {200, R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})", answer_kind::unavailable,
       "no leader"},
      {200, R"({"error":{"grpc_code":5,"message":"etcdserver: requested lease not found"}})", answer_kind::refused,
       "lease not found"},
      {500, "oops", answer_kind::unavailable, "500"},
      {502, "<html>bad gateway</html>", answer_kind::unavailable, "502"},
      {405, "Method Not Allowed", answer_kind::unavailable, "405"},
      {200, "<html>login</html>", answer_kind::unavailable, "no JSON object"},
      {200, "", answer_kind::unavailable, "no JSON object"},
      {200, "[]", answer_kind::unavailable, "no JSON object"},
      {200, R"({"error":7})", answer_kind::unavailable, "no etcd error"},
      {503, R"({"code":99999999999})", answer_kind::unavailable, "503"},
  }));
  INFO(r.status << " " << r.body);
  auto const answer = gateway::decode_answer({.status = r.status, .content_type = "", .body = r.body}, "x");
  CHECK(answer.kind == r.kind);
  CHECK_THAT(answer.cause, Catch::Contains(r.cause));
}

TEST_CASE("ranges are decoded whole or not at all", "[binlog][etcd]") {
  auto const decode = [](std::string const& text) { return gateway::decode_range(parsed(text), "x"); };
  auto const pumps = decode(sample("etcd-range-v1-pumps-ok.json"));
  REQUIRE(pumps);
  REQUIRE(pumps->size() == 3);
  CHECK(pumps->at(1).key == "/tidb-binlog/v1/pumps/pump-b:8250");
  CHECK(pumps->at(1).create_revision == 101);
  CHECK(pumps->at(1).mod_revision == 90401);
  CHECK(pumps->at(1).lease == 0);
  CHECK_THAT(pumps->at(1).value, Catch::StartsWith("{\"nodeId\":\"pump-b:8250\""));
  CHECK(decode(sample("etcd-range-v1-drainers-ok.json"))->size() == 1);
  CHECK(decode(sample("etcd-range-empty-no-kvs-no-count.json"))->empty());
  CHECK(decode(sample("etcd-range-value-absent-means-empty-value.json"))->at(0).value.empty());
  CHECK(decode(sample("etcd-range-old-kafka-registry.json"))->size() > 3);

  for (auto const* bad :
       {"{}", "[]", "null", R"({"header":{},"kvs":{}})", R"({"header":{},"kvs":[{}],"count":"1"})",
        R"({"header":{},"kvs":[null],"count":"1"})", R"({"header":{},"kvs":[{"key":"!"}],"count":"1"})",
        R"({"header":{},"kvs":[{"key":"aw==","value":7}],"count":"1"})",
        R"({"header":{},"kvs":[{"key":"aw==","lease":"x"}],"count":"1"})", R"({"header":{},"kvs":[{"key":"aw=="}]})",
        R"({"header":{},"count":"3"})", R"({"header":7})"}) {
    INFO(bad);
    CHECK_FALSE(decode(bad));
  }
}

TEST_CASE("leases and transactions are decoded", "[binlog][etcd]") {
  CHECK(gateway::decode_grant(parsed(sample("etcd-lease-grant-ok.json")), "x").value() == 2324035548818151951);
  CHECK_FALSE(gateway::decode_grant(parsed(sample("etcd-put-ok.json")), "x"));
  auto const kept = gateway::decode_keep_alive(parsed(sample("etcd-lease-keepalive-ok-stream-wrapped.json")), "x");
  CHECK(kept.value() == std::chrono::seconds(5));
  auto const expired = gateway::decode_keep_alive(parsed(R"({"result":{"header":{},"ID":"12345"}})"), "x");
  REQUIRE_FALSE(expired);
  CHECK(expired.error().code == core::errc::lock_lost);
  CHECK(gateway::decode_keep_alive(parsed("{}"), "x").error().code == core::errc::bad_answer);
  CHECK(gateway::decode_create(parsed(sample("etcd-txn-succeeded.json")), "x").value());
  CHECK_FALSE(gateway::decode_create(parsed(sample("etcd-txn-failed-bare-header.json")), "x").value());
  CHECK_FALSE(gateway::decode_create(parsed(sample("etcd-txn-failed-no-succeeded-field.json")), "x").value());
  CHECK_FALSE(gateway::decode_create(parsed("{}"), "x"));
  CHECK_FALSE(gateway::decode_create(parsed(R"({"header":{},"succeeded":"true"})"), "x"));
}
