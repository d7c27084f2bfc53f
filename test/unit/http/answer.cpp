#include "http/answer.hpp"

#include "result_text.hpp"

using core::errc;

namespace {

// All at once, and byte by byte: the same.
core::result<http::response> parse(std::string const& bytes, bool closed, std::size_t step,
                                   std::size_t max_body = 1000) {
  http::answer answer(max_body);
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    TRY_ASSIGN(auto const whole, answer.feed(std::string_view(bytes).substr(i, step)));
    if (whole) return answer.take();
  }
  if (!closed) return core::error{errc::timed_out, "more is wanted"};
  TRY(answer.end());
  return answer.take();
}

}  // namespace

TEST_CASE("an answer is put together however its bytes come", "[http]") {
  struct row {
    std::string bytes;
    bool closed;
    unsigned status;
    std::string body;
  };
  auto const r = GENERATE(values<row>({
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, ""},
      {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, ""},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", true, 200, "until the end"},
      {"HTTP/1.1 301 Moved\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n", false, 301, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", false, 200,
       "abcde"},
      // etcd 3.4 does so with its errors.
      {"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n2\r\n{}\r\n0\r\nT: x\r\n\r\n", false,
       404, "{}"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, 200, ""},
      {"HTTP/1.1 500 \r\nContent-Length: 1\r\n\r\nx", false, 500, "x"},
  }));
  auto const step = GENERATE(as<std::size_t>(), 1, 7, 100000);
  INFO(r.bytes);
  auto const got = parse(r.bytes, r.closed, step);
  REQUIRE(got);
  CHECK(got->status == r.status);
  CHECK(got->body == r.body);
}

TEST_CASE("what is no whole HTTP answer says why", "[http]") {
  struct row {
    std::string bytes;
    errc code;
    std::string cause;
  };
  auto const r = GENERATE(values<row>({
      {"", errc::network_failure, "without an answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", errc::bad_answer, "cut short"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", errc::bad_answer, "cut short"},
      {"HTTP/1.1 200 OK\r\nContent-", errc::bad_answer, "cut short"},
      {"<html><body>hello</body></html>\r\n\r\n", errc::bad_answer, "not HTTP"},
      {"SSH-2.0-OpenSSH_9.2\r\n", errc::bad_answer, "not HTTP"},
      {std::string("\x15\x03\x01\x00\x02\x02\x0a", 7), errc::bad_answer, "speaks TLS"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", errc::bad_answer, "larger than 1000 bytes"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", errc::bad_answer, "not HTTP"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", errc::bad_answer, "not HTTP"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", errc::bad_answer, "not HTTP"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x'), errc::bad_answer, "header is too large"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" + std::string(70000, 'x'), errc::bad_answer,
       "header is too large"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(70000, 'x'), errc::bad_answer,
       "header is too large"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", errc::bad_answer, "interim"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'), errc::bad_answer, "larger than 1000 bytes"},
  }));
  auto const step = GENERATE(as<std::size_t>(), 1, 100000);
  INFO(r.bytes.substr(0, 100));
  auto const got = parse(r.bytes, true, step);
  REQUIRE_FALSE(got);
  CHECK(core::name(got.error().code) == core::name(r.code));
  CHECK_THAT(got.error().what, Catch::Contains(r.cause));
}
