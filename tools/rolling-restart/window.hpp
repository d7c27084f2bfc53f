// The stopped window: from the stop of a node until it is proven or put back, nothing ends the call.
#pragma once

#include <string>
#include <vector>

namespace rolling_restart {

// While it lives, HUP, INT and TERM are noted and nothing more. Handlers, not SIG_IGN: an ignored signal would stay
// ignored in a node started from here.
class deferred_signals {
 public:
  deferred_signals();
  ~deferred_signals();
  deferred_signals(deferred_signals const&) = delete;
  deferred_signals& operator=(deferred_signals const&) = delete;

  // Names of those that came, each once.
  static std::vector<std::string> seen();
};

}  // namespace rolling_restart
