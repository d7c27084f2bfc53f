#include "service/svstat.hpp"

#include <charconv>

namespace service {
namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::optional<pid_t> pid_in(std::string_view text) {
  auto const at = text.find("pid ");
  if (at == std::string_view::npos) return std::nullopt;
  pid_t pid = 0;
  auto const [end, ec] = std::from_chars(text.data() + at + 4, text.data() + text.size(), pid);
  if (ec != std::errc{} || pid <= 0) return std::nullopt;
  return pid;
}

}  // namespace

svstat_view parse_svstat(std::string_view line) {
  svstat_view view;
  auto const colon = line.find(": ");
  if (colon == std::string_view::npos) return view;
  auto const text = line.substr(colon + 2);
  if (text.starts_with("up ")) {
    auto const pid = pid_in(text);
    if (!pid) return view;
    view.state = supervision::up;
    view.pid = *pid;
    view.want_down = has(text, "want down");
  } else if (text.starts_with("down")) {
    view.state = supervision::down;
    view.want_up = has(text, "want up");
  } else if (text.starts_with("supervise not running") || has(text, "file does not exist")) {
    view.state = supervision::absent;
  }
  return view;
}

}  // namespace service
