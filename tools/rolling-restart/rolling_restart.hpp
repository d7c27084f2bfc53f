// Takes one Pump or Drainer through stop, activation and proven return.
#pragma once

#include "settings.hpp"

namespace rolling_restart {

module::outcome run(module::params const& params, module::context& context);

}  // namespace rolling_restart
