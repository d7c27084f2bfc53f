// What svstat says, understood.
#pragma once

#include <sys/types.h>
#include <optional>
#include <string_view>

namespace service {

enum class supervision {
  up,          // supervise runs, and so does its process
  down,        // supervise runs, its process does not
  absent,      // no supervise runs here, or never did
  unreadable,  // not permitted, or an answer in another form
};

struct svstat_view {
  supervision state = supervision::unreadable;
  pid_t pid = 0;           // of the process, when up
  bool want_down = false;  // up, told to end
  bool want_up = false;    // down, about to be started
};

// Both "DIR: up (pid 7) 3 seconds, want down" and "DIR: up pid 7, 3 seconds": daemontools of different ages.
svstat_view parse_svstat(std::string_view line);

}  // namespace service
