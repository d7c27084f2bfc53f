// Carries a plan out: contents are written under temporary names and looked at; only then does anything become visible.
#pragma once

#include "copy-binary/plan.hpp"
#include "core/clock.hpp"
#include "module/tool.hpp"

#include <functional>
#include <string>
#include <vector>

namespace copy_binary {

// What was learnt of a file by looking at it.
struct finding {
  std::string version;
  std::string former_version;
};

struct execution {
  request const& asked;
  snapshot const& host;
  copy_binary::plan plan;
  core::deadline deadline;
  std::function<void(std::string const&)> tell;
};

struct executed {
  std::vector<finding> findings;  // one for each file
  bool touched = false;           // something of the plan was carried out, also when it then failed
};

// Looks at all new content without leaving a trace; where content is not here yet, it is left out.
core::result<void> rehearse(execution& e, executed& done);

// Refusals leave everything as it was. The staged manifest gets the versions found.
core::result<void> carry_out(execution& e, executed& done);

}  // namespace copy_binary
