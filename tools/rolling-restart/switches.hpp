// The safety checks. All are enforced, always; only the tests build a second executable (rolling-restart-switchable)
// in which a named one can be switched off, to prove that a test notices.
#pragma once

#include <string_view>

namespace rolling_restart {

enum class safety {
  peers,          // every other Pump ready before one is taken
  own_entry,      // the node's own registry entry online, newer than the restart
  own_answer,     // the node itself answers
  executable,     // the process runs the staged digest
  node_id,        // the node comes back under its id
  lock,           // one node at a time across calls
  gone,           // the process is gone before anything is renamed or started
  stale_drainer,  // no dead Drainer left online
  moved,          // data dir, port and address stay
  put_back,       // the former set comes back on proof of badness
  start_point,    // a Drainer starts where its checkpoint stands, and the Pumps still hold what follows
  progress,       // a Drainer reads from every Pump and gets on
  elsewhere,      // no other process runs under the node's id
};

#ifdef SWITCHABLE_SAFETY
bool enforced(safety check);
#else
constexpr bool enforced(safety) { return true; }
#endif

}  // namespace rolling_restart
