// The three supervisors. Nobody but the factory and tests includes this.
#pragma once

#include "service/supervisor.hpp"

#include <memory>

namespace service {

std::unique_ptr<supervisor> open_systemd(settings const& settings);
std::unique_ptr<supervisor> open_supervise(settings const& settings);
std::unique_ptr<supervisor> open_command(settings const& settings);

}  // namespace service
