#include "http/client.hpp"

#include "server.hpp"

#include <fstream>
#include "result_text.hpp"

using core::errc;
using core::milliseconds;
using test::answering;
using test::connection;
using test::http_answer;
using test::server;

namespace {

// How long a failing request takes; the best of three, as other programs run here too.
milliseconds time_of(std::function<void()> const& request) {
  auto best = milliseconds::max();
  for (int i = 0; i < 3; ++i) {
    auto const start = core::clock::now();
    request();
    best = std::min(best, core::since(start));
    if (best < milliseconds(320)) break;
  }
  return best;
}

#ifdef __SANITIZE_ADDRESS__
constexpr long allowed_kib = 80 * 1024;  // the sanitizer holds freed memory back
#else
constexpr long allowed_kib = 40 * 1024;
#endif

long peak_memory_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  return 0;
}

}  // namespace

TEST_CASE("hostile answers end in the right error", "[http]") {
  struct row {
    std::string what;
    std::function<void(connection const&)> serve;
    errc code;
    std::string cause;
  };
  static auto const endless = std::string(100000, 'x');
  auto const r = GENERATE(values<row>({
      {"empty reply", answering(""), errc::network_failure, "without an answer"},
      {"HTML without HTTP", answering("<html>login</html>\r\n"), errc::bad_answer, "not HTTP"},
      {"cut short", answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), errc::bad_answer, "cut short"},
      {"reset",
       [](connection const& c) {
         c.read_request();
         c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
         c.reset();
       },
       errc::network_failure, "reset"},
      {"reset before reading", [](connection const& c) { c.reset(); }, errc::network_failure, "cannot GET"},
      {"100 MB", answering("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"), errc::bad_answer, "larger than"},
      {"endless chunks",
       [](connection const& c) {
         c.read_request();
         c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
         while (c.running() && c.write("186a0\r\n" + endless + "\r\n")) {
         }
       },
       errc::bad_answer, "larger than"},
      {"endless header",
       [](connection const& c) {
         c.write("HTTP/1.1 200 OK\r\nX: ");
         while (c.running() && c.write(endless)) {
         }
       },
       errc::bad_answer, "header is too large"},
      {"endless trailer",
       [](connection const& c) {
         c.read_request();
         c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ");
         while (c.running() && c.write(endless)) {
         }
       },
       errc::bad_answer, "header is too large"},
      {"endless line",
       [](connection const& c) {
         while (c.running() && c.write(endless)) {
         }
       },
       errc::bad_answer, "not HTTP"},
  }));
  INFO(r.what);
  server const peer(r.serve);
  http::client client;
  auto const start = core::clock::now();
  auto const before = peak_memory_kib();
  auto const answer = client.send({.url = peer.url(), .timeout = milliseconds(5000)});
  REQUIRE_FALSE(answer);
  CAPTURE(answer.error().what);
  CHECK(core::name(answer.error().code) == core::name(r.code));
  CHECK_THAT(answer.error().what, Catch::StartsWith("cannot GET http://") && Catch::Contains(r.cause));
  CHECK(core::since(start) < milliseconds(2500));
  CHECK(peak_memory_kib() - before < allowed_kib);
}

TEST_CASE("a large body that is allowed arrives whole", "[http]") {
  std::size_t const size = 50U << 20U;
  server const peer([&](connection const& c) {
    c.read_request();
    c.write(http_answer(std::string(size, 'x')));
  });
  http::client client;
  auto const answer = client.send({.url = peer.url(), .max_body = size});
  REQUIRE(answer);
  CHECK(answer->body.size() == size);
}

TEST_CASE("the deadline holds whatever the peer does", "[http]") {
  struct row {
    std::string what;
    std::function<void(connection const&)> serve;
    std::string phase;
  };
  auto const r = GENERATE(values<row>({
      {"silence", [](connection const& c) { c.wait(milliseconds(3000)); }, "waiting for the answer"},
      {"slow bytes",
       [](connection const& c) {
         std::string const text = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x');
         for (char const byte : text)
           if (!c.wait(milliseconds(20)) || !c.write({&byte, 1})) return;
       },
       "waiting for the answer"},
      {"body without end",
       [](connection const& c) {
         c.write("HTTP/1.1 200 OK\r\n\r\n");
         while (c.wait(milliseconds(10)) && c.write("x")) {
         }
       },
       "waiting for the answer"},
  }));
  INFO(r.what);
  server const peer(r.serve);
  http::client client;
  auto const took = time_of([&] {
    auto const answer = client.send({.url = peer.url(), .timeout = milliseconds(300)});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::timed_out);
    CHECK_THAT(answer.error().what, Catch::Contains("300 ms") && Catch::Contains(r.phase));
  });
  CHECK(took >= milliseconds(299));
  CHECK(took <= milliseconds(400));
}

TEST_CASE("an address that swallows packets runs into the deadline, or into the next address", "[http]") {
  // A listener whose queue is full leaves further handshakes unanswered.
  int const full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7f000002);
  server const peer(answering(http_answer("second")));
  address.sin_port = htons(peer.port());
  REQUIRE(::bind(full, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(full, 0) == 0);
  int fillers[8];
  for (auto& fd : fillers) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  http::client client;
  auto const port = std::to_string(peer.port());
  auto const took = time_of([&] {
    auto const answer = client.send({.url = "http://127.0.0.2:" + port + "/", .timeout = milliseconds(300)});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::timed_out);
    CHECK_THAT(answer.error().what, Catch::Contains("connecting"));
  });
  CHECK(took <= milliseconds(400));

  client.use_lookup([](std::string const&) { return std::vector<std::string>{"127.0.0.2", "127.0.0.1"}; });
  auto const second = client.send({.url = "http://two.example:" + port + "/", .timeout = milliseconds(1000)});
  REQUIRE(second);
  CHECK(second->body == "second");
  for (int const fd : fillers) ::close(fd);
  ::close(full);
}

TEST_CASE("nobody listening is a network failure at once", "[http]") {
  http::client client;
  auto const answer = client.send({.url = "http://127.0.0.1:" + std::to_string(test::free_port()) + "/status"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == errc::network_failure);
  CHECK_THAT(answer.error().what, Catch::Contains("refused"));
}

TEST_CASE("a resolver that hangs costs the deadline and nothing more", "[http]") {
  auto const start = core::clock::now();
  {
    http::client client;
    client.use_lookup([](std::string const&) {
      std::this_thread::sleep_for(std::chrono::seconds(4));
      return std::vector<std::string>{"127.0.0.1"};
    });
    std::vector<http::request> requests;
    for (int i = 0; i < 20; ++i)
      requests.push_back({.url = "http://host" + std::to_string(i) + ".example/", .timeout = milliseconds(300)});
    for (auto const& answer : client.send_all(requests)) {
      REQUIRE_FALSE(answer);
      CHECK(answer.error().code == errc::timed_out);
      CHECK_THAT(answer.error().what, Catch::Contains("looking up"));
    }
    server const peer(answering(http_answer("here")));
    CHECK(client.send({.url = peer.url(), .timeout = milliseconds(1000)}));
  }
  CHECK(core::since(start) < milliseconds(1000));
}

TEST_CASE("names that can't be resolved say so", "[http]") {
  http::client client;
  client.use_lookup([](std::string const& host) -> core::result<std::vector<std::string>> {
    if (host == "none.example") return std::vector<std::string>{};
    return core::error{errc::network_failure, "cannot resolve " + host + ": not known"};
  });
  CHECK_THAT(client.send({.url = "http://none.example/"}).error().what, Catch::Contains("no address"));
  CHECK_THAT(client.send({.url = "http://bad.example/"}).error().what, Catch::Contains("not known"));
}
