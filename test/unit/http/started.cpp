#include "http/client.hpp"

#include "result_text.hpp"
#include "server.hpp"

using core::errc;
using core::milliseconds;
using test::connection;
using test::http_answer;
using test::server;

namespace {

void run_all(http::client& client) {
  while (client.run_until(core::clock::now() + milliseconds(5000))) continue;
}

}  // namespace

TEST_CASE("started requests run a few at a time, and others may be started by their answers", "[http]") {
  std::atomic<int> open = 0;
  std::atomic<int> most = 0;
  server const peer([&](connection const& c) {
    most = std::max<int>(most, ++open);
    c.read_request();
    c.wait(milliseconds(20));
    --open;
    c.write(http_answer("{}"));
  });
  http::client client;
  client.limit(3);
  int good = 0;
  for (int i = 0; i < 10; ++i)
    client.start({.url = peer.url()}, [&](core::result<http::response> const& first) {
      good += first.has_value();
      client.start({.url = peer.url()},
                   [&](core::result<http::response> const& second) { good += second.has_value(); });
    });
  run_all(client);
  CHECK(good == 20);
  CHECK(most <= 3);
}

TEST_CASE("a started request's time counts from its turn", "[http]") {
  server const silent([](connection const& c) { c.wait(milliseconds(2000)); });
  http::client client;
  client.limit(1);
  std::vector<errc> codes;
  auto const started = core::clock::now();
  for (int i = 0; i < 3; ++i)
    client.start({.url = silent.url(), .timeout = milliseconds(100)},
                 [&](core::result<http::response> const& answer) { codes.push_back(answer.error().code); });
  CHECK(client.run_until(core::clock::now() + milliseconds(20)));  // the time is up first
  CHECK(core::since(started) < milliseconds(90));
  CHECK(codes.empty());
  run_all(client);
  CHECK(codes == std::vector<errc>(3, errc::timed_out));
  CHECK(core::since(started) >= milliseconds(290));
  CHECK(core::since(started) < milliseconds(700));
}

TEST_CASE("what can't be started, and what is cancelled, ends too", "[http]") {
  server const silent([](connection const& c) { c.wait(milliseconds(2000)); });
  http::client client;
  std::vector<errc> codes;
  auto const note = [&](core::result<http::response> const& answer) { codes.push_back(answer.error().code); };
  client.start({.url = "gopher://x"}, note);
  run_all(client);
  client.start({.url = silent.url()}, note);
  client.run_until(core::clock::now() + milliseconds(50));
  client.cancel();
  run_all(client);
  client.start({.url = silent.url()}, note);
  run_all(client);
  CHECK(codes == std::vector<errc>{errc::usage, errc::timed_out, errc::timed_out});
  CHECK_FALSE(client.run_until(core::clock::now()));
}

TEST_CASE("a client may end with requests under way", "[http]") {
  server const silent([](connection const& c) { c.wait(milliseconds(500)); });
  int ended = 0;
  {
    http::client client;
    client.start({.url = silent.url()}, [&](core::result<http::response> const&) { ++ended; });
    client.run_until(core::clock::now() + milliseconds(30));
  }
  CHECK(ended == 0);
}
