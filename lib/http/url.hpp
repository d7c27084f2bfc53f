// URLs as a request names them.
#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

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

}  // namespace http
