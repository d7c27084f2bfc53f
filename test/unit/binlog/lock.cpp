#include "binlog/lock.hpp"

#include "etcd_process.hpp"
#include "support.hpp"

#include "binlog/lock_value.hpp"

#include <atomic>

using binlog::cluster_lock;
using core::deadline;
using core::errc;
using core::milliseconds;
using namespace std::chrono_literals;

namespace {

binlog::lock_timing const quick{.ttl = 2s, .renew = 400ms, .etcd_timeout = 1000ms, .release = 1500ms};

core::result<std::unique_ptr<cluster_lock>> acquire(std::vector<std::string> const& urls, std::string const& owner,
                                                    milliseconds wait = 0ms,
                                                    std::function<void(std::string_view)> const& waiting = {},
                                                    std::function<bool()> const& cancelled = {}) {
  return cluster_lock::acquire(urls, std::nullopt, owner, deadline::after(wait), waiting, cancelled, quick);
}

}  // namespace

TEST_CASE("the lock's value is for people", "[binlog][lock]") {
  CHECK(binlog::lock_value("alice \"x\"", 1590998400000) == R"({"owner":"alice \"x\"","since_ms":1590998400000})");
  CHECK(binlog::describe_lock(R"({"owner":"alice","since_ms":1590998400000})") == "alice since 2020-06-01T08:00:00Z");
  for (auto const& [value, shown] : std::vector<std::pair<std::string, std::string>>{
           {"", "somebody (its value: )"},
           {"{\"own\n", "somebody (its value: {\"own )"},
           {"{\"owner\":5}", "somebody"},
           {R"({"owner":"bob"})", "bob since an unknown time"},
           {R"({"owner":"bob","since_ms":-5})", "unknown time"},
           {R"({"owner":"bob","since_ms":9223372036854775807})", "unknown time"}})
    CHECK_THAT(binlog::describe_lock(value), Catch::StartsWith(shown) || Catch::Contains(shown));
}

TEST_CASE("one holds the lock, the other waits for it", "[binlog][lock]") {
  test::etcd_process const pd;
  auto first = acquire(pd.urls(), "alice@control: pump 10.0.1.11:8250");
  REQUIRE(first);
  CHECK(first.value()->confirm());
  CHECK_FALSE(first.value()->lost());

  auto const refused = acquire(pd.urls(), "bob", 500ms);
  REQUIRE_FALSE(refused);
  CHECK(core::name(refused.error().code) == "lock_held");
  CHECK_THAT(refused.error().what, Catch::Contains("alice@control: pump 10.0.1.11:8250 since 20"));

  std::vector<std::string> lines;
  std::thread releasing([&] {
    std::this_thread::sleep_for(1200ms);
    first.value().reset();
  });
  auto const start = core::clock::now();
  auto const second = acquire(pd.urls(), "bob", 10s, [&](std::string_view line) { lines.emplace_back(line); });
  releasing.join();
  REQUIRE(second);
  CHECK(core::since(start) < 3s);
  CHECK(second.value()->confirm());
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("held by alice"));
}

TEST_CASE("a lock is renewed as long as its owner lives", "[binlog][lock]") {
  test::etcd_process const pd;
  auto const held = acquire(pd.urls(), "alice");
  REQUIRE(held);
  std::this_thread::sleep_for(3200ms);  // well past its time to live
  CHECK_FALSE(held.value()->lost());
  CHECK(held.value()->confirm());
  CHECK_FALSE(acquire(pd.urls(), "bob"));
}

TEST_CASE("a dead owner's lock frees itself", "[binlog][lock]") {
  test::etcd_process const pd;
  http::client client;
  binlog::etcd etcd(client, pd.urls(), 1s);
  REQUIRE(etcd.create(binlog::lock_key, binlog::lock_value("dead", 1), etcd.grant_lease(2s).value()).value());
  auto const start = core::clock::now();
  auto const next = acquire(pd.urls(), "bob", 8s);
  REQUIRE(next);
  CHECK(core::since(start) > 1s);
  CHECK(core::since(start) < 5s);
}

TEST_CASE("an owner whose lock was taken away learns it", "[binlog][lock]") {
  test::etcd_process const pd;
  http::client client;
  binlog::etcd etcd(client, pd.urls(), 1s);
  auto const way = GENERATE(as<std::string>(), "lease revoked", "key removed", "key made again by another");
  INFO(way);
  auto const held = acquire(pd.urls(), "alice");
  REQUIRE(held);
  auto const kv = etcd.get(binlog::lock_key).value();
  REQUIRE(kv);
  if (way == "lease revoked") {
    REQUIRE(etcd.revoke(kv->lease));
    for (int i = 0; i < 40 && !held.value()->lost(); ++i) std::this_thread::sleep_for(50ms);
    CHECK(held.value()->lost());  // the renewing thread found out
  } else {
    pd.remove_prefix(std::string(binlog::lock_key));
    if (way == "key made again by another")
      REQUIRE(etcd.create(binlog::lock_key, "{}", etcd.grant_lease(60s).value()).value());
  }
  auto const confirmed = held.value()->confirm();
  REQUIRE_FALSE(confirmed);
  CHECK(core::name(confirmed.error().code) == "lock_lost");
  CHECK(held.value()->lost());
}

TEST_CASE("an owner that can't reach PD gives its lock up in time, and lets go quickly", "[binlog][lock]") {
  test::etcd_process const pd;
  auto held = acquire(pd.urls(), "alice");
  REQUIRE(held);
  auto const stops = GENERATE(SIGSTOP, SIGKILL);
  pd.signal(stops);
  auto const start = core::clock::now();
  CHECK_FALSE(held.value()->lost());
  auto const confirmed = held.value()->confirm();
  REQUIRE_FALSE(confirmed);
  CHECK(core::name(confirmed.error().code) == "lock_unavailable");
  while (!held.value()->lost() && core::since(start) < 5s) std::this_thread::sleep_for(10ms);
  CHECK(held.value()->lost());
  CHECK(core::since(start) < 2200ms);  // no later than the lease ends
  auto const letting_go = core::clock::now();
  held.value().reset();
  CHECK(core::since(letting_go) < 2200ms);
}

TEST_CASE("a short outage of PD does not cost the lock", "[binlog][lock]") {
  test::etcd_process const pd;
  auto const held = acquire(pd.urls(), "alice");
  REQUIRE(held);
  std::this_thread::sleep_for(500ms);
  pd.signal(SIGSTOP);
  std::this_thread::sleep_for(700ms);
  pd.signal(SIGCONT);
  std::this_thread::sleep_for(1800ms);
  CHECK_FALSE(held.value()->lost());
  CHECK(held.value()->confirm());
}

TEST_CASE("without a gateway, or without PD, there is no lock", "[binlog][lock]") {
  test::etcd_process const off({"--enable-grpc-gateway=false"});
  auto const nobody = "http://127.0.0.1:" + std::to_string(test::free_port());
  auto const start = core::clock::now();
  for (auto const& urls : std::vector<std::vector<std::string>>{{off.url()}, {nobody}, {}}) {
    auto const none = acquire(urls, "alice", 20s);
    REQUIRE_FALSE(none);
    CHECK(core::name(none.error().code) == "lock_unavailable");
    CHECK_THAT(none.error().hint, Catch::Contains("lock=none"));
  }
  CHECK(core::since(start) < 2s);
}

TEST_CASE("waiting for the lock can be interrupted", "[binlog][lock]") {
  test::etcd_process const pd;
  auto const held = acquire(pd.urls(), "alice");
  REQUIRE(held);
  auto const start = core::clock::now();
  auto const interrupted = acquire(pd.urls(), "bob", 30s, {}, [&] { return core::since(start) > 500ms; });
  REQUIRE_FALSE(interrupted);
  CHECK(core::name(interrupted.error().code) == "interrupted");
  CHECK(core::since(start) < 1500ms);
}

TEST_CASE("of many who want the lock one has it at a time", "[binlog][lock]") {
  test::etcd_process const pd;
  std::atomic<int> inside = 0;
  std::atomic<int> had = 0;
  std::atomic<bool> shared = false;
  std::vector<std::thread> wanting;
  for (int i = 0; i < 6; ++i)
    wanting.emplace_back([&, i] {
      auto const held = acquire(pd.urls(), "owner " + std::to_string(i), 20s);
      if (!held) return;
      if (++inside > 1) shared = true;
      std::this_thread::sleep_for(100ms);
      if (held.value()->lost() || !held.value()->confirm()) shared = true;
      --inside;
      ++had;
    });
  for (auto& one : wanting) one.join();
  CHECK(had == 6);
  CHECK_FALSE(shared);
}

TEST_CASE("an answer lost on its way does not leave a lock nobody knows", "[binlog][lock]") {
  test::etcd_process const pd;
  // Passes everything on to etcd, but swallows the first answer to a transaction.
  std::atomic<bool> swallowed = false;
  test::server const lossy([&](test::connection const& c) {
    auto const request = c.read_request();
    auto const path = request.substr(5, request.find(' ', 5) - 5);
    http::client client;
    auto const answer =
        client.send({.method = "POST", .url = pd.url() + path, .body = request.substr(request.find("\r\n\r\n") + 4)});
    if (path.ends_with("/kv/txn") && !swallowed.exchange(true)) return;
    if (answer) c.write(test::http_answer(answer->body, std::to_string(answer->status) + " X"));
  });
  auto const held = acquire({lossy.url("")}, "alice", 3s);
  REQUIRE(held);
  CHECK(swallowed);
  CHECK(held.value()->confirm());
}
