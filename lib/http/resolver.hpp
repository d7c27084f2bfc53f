// Host names to addresses, without ever blocking the caller: getaddrinfo has no deadline, so it runs on threads that
// are left behind when they hang.
#pragma once

#include "http/client.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace http {

// The system's files and DNS.
core::result<std::vector<std::string>> look_up(std::string const& host);

class resolver {
 public:
  explicit resolver(lookup_function lookup);
  ~resolver();  // drops all questions; no `answered` is called afterwards
  resolver(resolver const&) = delete;
  resolver& operator=(resolver const&) = delete;

  // `answered` runs on another thread and must return at once (it posts the answer to where it belongs).
  void ask(std::string const& host, std::function<void(core::result<std::vector<std::string>> const&)> answered);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace http
