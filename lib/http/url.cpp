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

bool has_port(std::string_view authority) {
  auto const colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return false;
  auto const bracket = authority.rfind(']');
  if (authority.starts_with('[') ? bracket + 1 != colon : authority.find(':') != colon) return false;
  int port = 0;
  auto const digits = authority.substr(colon + 1);
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return colon > 0 && ec == std::errc() && end == digits.data() + digits.size() && port > 0 && port < 65536;
}

}  // namespace

std::string authority_of(std::string_view url) {
  if (auto const scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

core::result<std::string> base_url(std::string const& text, std::string const& option, bool tls) {
  auto const refuse = [&](std::string const& cause) {
    return core::error{core::errc::usage, "cannot use " + option + " " + text + ": " + cause,
                       "write host:port, or a URL with a port"};
  };
  auto url = text;
  if (url.find("://") == std::string::npos) url = (tls ? "https://" : "http://") + url;
  auto const secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) return refuse("neither http:// nor https://");
  if (secure && !tls) return refuse("https needs tls_ca");
  if (!secure && tls) return refuse("with tls_ca only https is spoken");
  auto const allowed = [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '@'; };
  if (!std::all_of(url.begin(), url.end(), allowed)) return refuse("it holds a character that no address has");
  if (!has_port(authority_of(url))) return refuse("it names no host and port");
  while (url.ends_with('/')) url.pop_back();
  if (url.ends_with("/status")) url.resize(url.size() - 7);
  return url;
}

core::result<std::vector<std::string>> base_urls(std::vector<std::string> const& texts, std::string const& option,
                                                 bool tls) {
  std::vector<std::string> urls;
  for (auto const& text : texts) {
    TRY_ASSIGN(auto url, base_url(text, option, tls));
    if (std::find(urls.begin(), urls.end(), url) == urls.end()) urls.push_back(std::move(url));
  }
  return urls;
}

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
