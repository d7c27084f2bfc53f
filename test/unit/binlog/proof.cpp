// The proof of wait-synced, read back.
#include "binlog/proof.hpp"

#include "../result_text.hpp"

#include "binlog/old_registry.hpp"

using binlog::decode_proof;

namespace {

std::string proof_text(std::string const& synced = "true", std::string const& held = "true",
                       std::string const& more = "") {
  return R"({"format":1,"synced":)" + synced + R"(,"since":417070684569600001,"taken_ts":417070684569600009,)" +
         R"("cluster_id":12345678901234567890,"barrier":null,"accepted":["applied"],"drainers":[{"url":"http://d:8249",)" +
         R"("kind":"kafka","verdict":"synced","evidence":[{"name":"pumps_complete","required":true,"held":)" + held +
         R"(,"value":{"missing":[],"seen":["a:8250","b:8250"]}},{"name":"applied","required":false,"held":false,)" +
         R"("value":"no barrier"}],"answers":[]}])" + more + "}";
}

}  // namespace

TEST_CASE("a proof is read exactly", "[binlog]") {
  auto const proof = decode_proof(proof_text(), "p");
  REQUIRE(proof);
  CHECK(proof->gap().empty());
  CHECK(proof->since.value == 417070684569600001);
  CHECK(proof->taken.value == 417070684569600009);
  CHECK(proof->cluster_id == 12345678901234567890ULL);
  CHECK_FALSE(proof->barrier);
  CHECK(proof->accepted == std::vector<std::string>{"applied"});
  REQUIRE(proof->drainers.size() == 1);
  CHECK(proof->drainers[0].kind == binlog::drainer_kind::kafka);
  CHECK(proof->drainers[0].pumps == std::set<std::string>{"a:8250", "b:8250"});
}

TEST_CASE("a proof that proves nothing says what is missing", "[binlog]") {
  CHECK_FALSE(decode_proof(proof_text("false"), "p")->gap().empty());
  CHECK(decode_proof(proof_text("true", "false"), "p")->gap().find("pumps_complete") != std::string::npos);
}

TEST_CASE("what is no proof is refused", "[binlog]") {
  for (
      auto const* text :
      {"", "[]", "{}", R"({"format":2})", R"({"format":1,"synced":true,"since":1,"taken_ts":1,"drainers":[]})",
       R"({"format":1,"synced":true,"since":0,"taken_ts":1,"drainers":[{"url":"u","verdict":"synced","evidence":[]}]})",
       R"({"format":1,"synced":true,"since":1,"taken_ts":1,"drainers":[{"url":"u","verdict":"synced"}]})",
       R"({"format":1,"synced":true,"since":1,"taken_ts":1,"drainers":[{"verdict":"synced","evidence":[]}]})"}) {
    INFO(text);
    auto const proof = decode_proof(text, "p");
    REQUIRE_FALSE(proof);
    CHECK(proof.error().code == core::errc::no_proof);
  }
}

TEST_CASE("the old registry tells who is alive", "[binlog]") {
  auto const registry = binlog::decode_old_registry(
      {{"/tidb-binlog/cisterns/d:8249/object", R"({"NodeID":"d:8249","Host":"10.0.0.9:8249"})"},
       {"/tidb-binlog/pumps/a:8250/alive", "binlog-000001"},
       {"/tidb-binlog/pumps/a:8250/object", R"({"NodeID":"a:8250","Host":"10.0.0.1:8250"})"},
       {"/tidb-binlog/pumps/b:8250/object", R"({"NodeID":"b:8250","Host":"10.0.0.2:8250","IsOffline":true})"},
       {"/tidb-binlog/v1/pumps/n:8250", "not looked at"}});
  REQUIRE(registry);
  REQUIRE(registry->pumps.size() == 2);
  CHECK(registry->pumps[0].id == "a:8250");
  CHECK(registry->pumps[0].alive);
  CHECK(registry->pumps[0].host == "10.0.0.1:8250");
  CHECK_FALSE(registry->pumps[1].alive);
  REQUIRE(registry->drainers.size() == 1);
  CHECK_FALSE(registry->drainers[0].alive);
  CHECK_FALSE(binlog::decode_old_registry({{"/tidb-binlog/pumps/a/object", "{}"}}));
  CHECK_FALSE(binlog::decode_old_registry({{"/tidb-binlog/pumps/a/object", "no JSON"}}));
}

TEST_CASE("PD's own key holds the cluster id, the highest byte first", "[binlog]") {
  CHECK(*binlog::decode_kept_cluster_id(std::string("\0\0\0\0\0\0\1\2", 8)) == 258);
  CHECK_FALSE(binlog::decode_kept_cluster_id("short"));
  CHECK_FALSE(binlog::decode_kept_cluster_id(std::string(8, '\0')));
}
