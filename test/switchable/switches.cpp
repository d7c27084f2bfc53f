#include "switches.hpp"

#include <cstdlib>
#include <string_view>

namespace rolling_restart {
namespace {

struct switch_name {
  safety check;
  std::string_view name;
};
constexpr switch_name names[] = {{safety::peers, "peers"},
                                 {safety::own_entry, "own_entry"},
                                 {safety::own_answer, "own_answer"},
                                 {safety::executable, "executable"},
                                 {safety::node_id, "node_id"},
                                 {safety::lock, "lock"},
                                 {safety::gone, "gone"},
                                 {safety::stale_drainer, "stale_drainer"},
                                 {safety::moved, "moved"},
                                 {safety::put_back, "put_back"},
                                 {safety::start_point, "start_point"},
                                 {safety::progress, "progress"},
                                 {safety::elsewhere, "elsewhere"}};

}  // namespace

bool enforced(safety check) {
  auto const* off = std::getenv("TBU_SWITCH_OFF");
  if (off == nullptr) return true;
  for (std::string_view rest = off; !rest.empty();) {
    auto const comma = rest.find(',');
    for (auto const& row : names)
      if (row.check == check && row.name == rest.substr(0, comma)) return false;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return true;
}

}  // namespace rolling_restart
