// URLs as a request names them.
#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace http {

struct url {
  bool tls = false;
  std::string host;  // without brackets
  unsigned short port = 0;
  std::string authority;  // as in the Host header
  std::string target;     // path and query, at least "/"
};

// errc::usage for anything but http(s)://host[:port][/path][?query] in printable ASCII.
core::result<url> parse_url(std::string_view text);

// What people write for a server, "host:port" or a URL with a port, as a URL without a slash at its end and without
// "/status". https with `tls`, http without; the other one, like anything else, is errc::usage naming the option.
core::result<std::string> base_url(std::string const& text, std::string const& option, bool tls);
// Each once, in the order given.
core::result<std::vector<std::string>> base_urls(std::vector<std::string> const& texts, std::string const& option,
                                                 bool tls);
// "host:port" of a base URL, as the registry writes it; all of `url` where it has no scheme and no path.
std::string authority_of(std::string_view url);

}  // namespace http
