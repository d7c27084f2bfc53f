#include "service/supervisor.hpp"

#include "service/kinds.hpp"

namespace service {

std::unique_ptr<supervisor> open(settings const& settings) {
  switch (settings.kind) {
    case kind::systemd:
      return open_systemd(settings);
    case kind::supervise:
      return open_supervise(settings);
    case kind::command:
      break;
  }
  return open_command(settings);
}

}  // namespace service
