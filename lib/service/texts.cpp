#include "service/texts.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace service {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  auto const first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string last_words(process::exit_report const& report) {
  auto words = std::string(trimmed(report.err).empty() ? trimmed(report.out) : trimmed(report.err)).substr(0, 300);
  std::replace(words.begin(), words.end(), '\n', ' ');
  if (!words.empty()) return words;
  return report.signal != 0 ? fmt::format("ended by signal {}", report.signal)
                            : fmt::format("exit status {}", report.exit_code);
}

std::string processes_text(std::vector<pid_t> const& pids) {
  if (pids.size() == 1) return fmt::format("process {}", pids.front());
  std::string text = "processes ";
  for (std::size_t i = 0; i < pids.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == pids.size() ? " and " : ", ", pids[i]);
  return text;
}

core::error still_alive(std::string_view service, std::vector<pid_t> const& pids) {
  return {core::errc::start_failed,
          fmt::format("cannot start {}: {} of its former run still live{}", service, processes_text(pids),
                      pids.size() == 1 ? "s" : ""),
          "wait until it has ended, then run the same command again; do not kill it"};
}

core::error not_supervised(std::string_view service, pid_t node) {
  return {core::errc::node_ambiguous, fmt::format("cannot stop {}: process {} does not belong to it", service, node),
          "check the option that names the service, or stop the process the way it was started"};
}

}  // namespace service
