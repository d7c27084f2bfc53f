// Retires one old node, or brings it back.
#pragma once

#include "settings.hpp"

namespace decommission_legacy {

module::outcome run(module::params const& params, module::context& context);

}  // namespace decommission_legacy
