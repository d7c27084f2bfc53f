// Proves that Drainers applied everything up to a point; never believes `Synced` alone.
#pragma once

#include "settings.hpp"

namespace wait_synced {

module::outcome run(module::params const& params, module::context& context);

}  // namespace wait_synced
