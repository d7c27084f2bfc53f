#include "http/client.hpp"

#include "server.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "result_text.hpp"

using core::errc;
using core::milliseconds;
using test::answering;
using test::connection;
using test::http_answer;
using test::server;

namespace {

// Another process that answers everybody, so that its descriptors are not the client's.
struct answering_process {
  answering_process() : listener(test::listen_on()), port(test::port_of(listener)), pid(::fork()) {
    if (pid != 0) return;
    auto const answer = http_answer("{}");
    char buffer[4096];
    for (;;) {
      int const fd = ::accept(listener, nullptr, nullptr);
      if (::recv(fd, buffer, sizeof buffer, 0) > 0) ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(fd);
    }
  }
  ~answering_process() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    ::close(listener);
  }
  answering_process(answering_process const&) = delete;
  answering_process& operator=(answering_process const&) = delete;
  int listener;
  unsigned short port;
  pid_t pid;
};

}  // namespace

TEST_CASE("a request goes out as asked and its answer comes back", "[http]") {
  std::string seen;
  server const peer([&](connection const& c) {
    seen = c.read_request();
    c.write(http_answer("{\"x\":1}"));
  });
  http::client client;
  auto const answer = client.send({.method = "PUT",
                                   .url = peer.url("/state/a:1/close"),
                                   .body = "body",
                                   .content_type = "application/json",
                                   .timeout = milliseconds(2000)});
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->content_type == "application/json");
  CHECK(answer->body == "{\"x\":1}");
  CHECK_THAT(seen, Catch::StartsWith("PUT /state/a:1/close HTTP/1.1\r\nHost: " + peer.host() + "\r\n"));
  CHECK_THAT(seen, Catch::Contains("Connection: close\r\n") && Catch::Contains("Content-Length: 4\r\n") &&
                       Catch::EndsWith("\r\n\r\nbody"));
}

TEST_CASE("IPv6 literals and names work", "[http]") {
  http::client client;
  server const v6(answering(http_answer("six")), AF_INET6);
  auto const six = client.send({.url = v6.url()});
  REQUIRE(six);
  CHECK(six->body == "six");
  server const v4(answering(http_answer("four")));
  auto const name = client.send({.url = "http://localhost:" + std::to_string(v4.port()) + "/"});
  REQUIRE(name);
  CHECK(name->body == "four");
}

TEST_CASE("a redirect and an error status are answers, nothing is followed", "[http]") {
  server const other(answering(http_answer("other")));
  server const peer(answering("HTTP/1.1 302 Found\r\nLocation: " + other.url() + "\r\nContent-Length: 0\r\n\r\n"));
  http::client client;
  auto const answer = client.send({.url = peer.url()});
  REQUIRE(answer);
  CHECK(answer->status == 302);
  CHECK(other.connections() == 0);
}

TEST_CASE("proxies named in the environment are not used", "[http]") {
  server const proxy(answering(http_answer("proxy")));
  server const peer(answering(http_answer("peer")));
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  http::client client;
  auto const answer = client.send({.url = peer.url()});
  ::unsetenv("http_proxy");
  REQUIRE(answer);
  CHECK(answer->body == "peer");
}

TEST_CASE("many requests at once keep their order, and one slow peer holds nobody up", "[http]") {
  server const slow([](connection const& c) { c.wait(milliseconds(3000)); });
  server const echo([](connection const& c) {
    auto const request = c.read_request();
    c.write(http_answer(request.substr(4, request.find(' ', 4) - 4)));
  });
  std::vector<http::request> requests;
  for (int i = 0; i < 100; ++i) {
    requests.push_back({.url = echo.url("/" + std::to_string(i)), .timeout = milliseconds(3000)});
    if (i % 10 == 0) requests.push_back({.url = slow.url(), .timeout = milliseconds(500)});
    if (i % 25 == 0) requests.push_back({.url = "nonsense"});
  }
  http::client client;
  auto const start = core::clock::now();
  auto const answers = client.send_all(requests);
  CHECK(core::since(start) < milliseconds(1500));
  REQUIRE(answers.size() == requests.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    INFO(requests[i].url);
    if (requests[i].url == "nonsense")
      CHECK(answers[i].error().code == errc::usage);
    else if (requests[i].url == slow.url())
      CHECK(answers[i].error().code == errc::timed_out);
    else
      CHECK(requests[i].url == echo.url(answers[i].value().body));
  }
}

TEST_CASE("a thousand targets at once, also with few descriptors", "[http]") {
  answering_process const peer;
  std::vector<http::request> const requests(
      1000, {.url = "http://127.0.0.1:" + std::to_string(peer.port) + "/status", .timeout = milliseconds(8000)});
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  auto const limit = GENERATE_COPY(before.rlim_cur, rlim_t{100});
  rlimit const few{limit, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  http::client client;
  auto const answers = client.send_all(requests);
  ::setrlimit(RLIMIT_NOFILE, &before);
  int good = 0;
  for (auto const& answer : answers) good += answer ? 1 : 0;
  for (auto const& answer : answers)
    if (!answer) UNSCOPED_INFO(answer.error().what);
  CHECK(good == 1000);
}

TEST_CASE("a connection is not inherited by programs the tools start", "[http]") {
  bool inherited = true;
  server const peer([&](connection const& c) {
    c.read_request();
    // Every descriptor of this process that is no server's listener must be close-on-exec.
    inherited = false;
    for (int fd = 3; fd < 100; ++fd) {
      auto const flags = ::fcntl(fd, F_GETFD);
      sockaddr_in to{};
      socklen_t size = sizeof to;
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0 && ::getpeername(fd, reinterpret_cast<sockaddr*>(&to), &size) == 0)
        inherited = true;
    }
    c.write(http_answer("x"));
  });
  http::client client;
  REQUIRE(client.send({.url = peer.url()}));
  CHECK_FALSE(inherited);
}

TEST_CASE("cancel ends what is under way and all that follows", "[http]") {
  server const peer([](connection const& c) { c.wait(milliseconds(5000)); });
  http::client client;
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds(100));
    client.cancel();
  });
  auto const start = core::clock::now();
  auto const first = client.send({.url = peer.url(), .timeout = milliseconds(5000)});
  auto const second = client.send({.url = peer.url(), .timeout = milliseconds(5000)});
  other.join();
  CHECK(first.error().code == errc::timed_out);
  CHECK(second.error().code == errc::timed_out);
  CHECK_THAT(second.error().what, Catch::Contains("cancelled"));
  CHECK(core::since(start) < milliseconds(1000));
}

TEST_CASE("https without a CA, and odd methods, are usage errors", "[http]") {
  http::client client;
  CHECK(client.send({.url = "https://127.0.0.1:1/"}).error().code == errc::usage);
  CHECK(client.send({.method = "GET /", .url = "http://127.0.0.1:1/"}).error().code == errc::usage);
  CHECK(client.send({.url = "http://127.0.0.1:1/", .content_type = "a\r\nb: c"}).error().code == errc::usage);
}
