// Puts verified files in place atomically, or stages them for rolling-restart.
#pragma once

#include "module/tool.hpp"

namespace copy_binary {

extern module::tool const description;

module::outcome run(module::params const& params, module::context& context);

}  // namespace copy_binary
