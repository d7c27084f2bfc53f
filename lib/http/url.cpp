#include "http/url.hpp"

#include <algorithm>
#include <charconv>

namespace http {
namespace {

core::error bad_url(std::string_view text, std::string_view cause) {
  std::string shown;
  for (char const c : text.substr(0, 200)) shown += c > ' ' && c < 0x7f ? c : '?';
  return {core::errc::usage, "cannot use URL " + shown + ": " + std::string(cause),
          "write http://host:port/path or https://host:port/path, IPv6 addresses in brackets"};
}

// Nothing that could end the request line or a header.
bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

core::result<url> parse_url(std::string_view text) {
  url parsed;
  auto rest = text;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    parsed.tls = true;
  } else {
    return bad_url(text, "it starts with neither http:// nor https://");
  }
  if (!printable(rest)) return bad_url(text, "it contains a space, a control character or a non-ASCII byte");

  auto const authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  if (rest.find('#') != std::string_view::npos) return bad_url(text, "it contains a fragment");
  if (authority.find('@') != std::string_view::npos) return bad_url(text, "it contains a user name");
  parsed.authority = authority;
  parsed.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);

  std::string_view port;
  if (authority.starts_with('[')) {
    auto const end = authority.find(']');
    if (end == std::string_view::npos) return bad_url(text, "the bracket is not closed");
    parsed.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (parsed.host.find(':') == std::string::npos) return bad_url(text, "no IPv6 address in brackets");
  } else {
    auto const colon = authority.find(':');
    parsed.host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    if (port.find(':', 1) != std::string_view::npos) return bad_url(text, "an IPv6 address needs brackets");
  }
  if (parsed.host.empty()) return bad_url(text, "no host");
  parsed.port = parsed.tls ? 443 : 80;
  if (port.empty()) return parsed;
  auto const [end, ec] = std::from_chars(port.data() + 1, port.data() + port.size(), parsed.port);
  if (port[0] != ':' || ec != std::errc() || end != port.data() + port.size() || parsed.port == 0)
    return bad_url(text, "the port is no number from 1 to 65535");
  return parsed;
}

}  // namespace http
