#include "http/url.hpp"

#include "result_text.hpp"

TEST_CASE("a URL is taken apart", "[http]") {
  struct row {
    std::string text, host;
    unsigned short port;
    std::string target, authority;
    bool tls;
  };
  auto const r = GENERATE(values<row>({
      {"http://10.0.1.11:8250/status", "10.0.1.11", 8250, "/status", "10.0.1.11:8250", false},
      {"https://pump-a:8250/state/x%2Fy/close", "pump-a", 8250, "/state/x%2Fy/close", "pump-a:8250", true},
      {"http://[fe80::1]:2379/v3/kv/range", "fe80::1", 2379, "/v3/kv/range", "[fe80::1]:2379", false},
      {"http://[::1]", "::1", 80, "/", "[::1]", false},
      {"https://h", "h", 443, "/", "h", true},
      {"http://h?a=b:c/d", "h", 80, "/?a=b:c/d", "h", false},
  }));
  INFO(r.text);
  auto const parsed = http::parse_url(r.text);
  REQUIRE(parsed);
  CHECK(parsed->host == r.host);
  CHECK(parsed->port == r.port);
  CHECK(parsed->target == r.target);
  CHECK(parsed->authority == r.authority);
  CHECK(parsed->tls == r.tls);
}

TEST_CASE("what is no URL is a usage error", "[http]") {
  auto const text = GENERATE(as<std::string>(), "", "10.0.1.11:8250", "ftp://h/", "http://", "http:///status",
                             "http://h:0/", "http://h:65536/", "http://h:80x/", "http://h:/", "http://::1:80/",
                             "http://[::1/", "http://[::1]80/", "http://[h]/", "http://u:p@h/", "http://h/a b",
                             "http://h/\r\nX: y", "http://h/#f", "http://h/\x80", "HTTP://h/");
  INFO(text);
  auto const parsed = http::parse_url(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == core::errc::usage);
  CHECK(parsed.error().what.find('\n') == std::string::npos);
}
