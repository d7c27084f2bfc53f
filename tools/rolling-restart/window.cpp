#include "window.hpp"

#include <array>
#include <csignal>

namespace rolling_restart {
namespace {

struct deferred {
  int number;
  char const* name;
};
constexpr std::array signals{deferred{SIGHUP, "HUP"}, deferred{SIGINT, "INT"}, deferred{SIGTERM, "TERM"}};

std::array<volatile std::sig_atomic_t, signals.size()> came{};
std::array<struct sigaction, signals.size()> before{};

void note(int number) {
  for (std::size_t i = 0; i < signals.size(); ++i)
    if (signals[i].number == number) came[i] = 1;
}

}  // namespace

deferred_signals::deferred_signals() {
  struct sigaction noting {};
  noting.sa_handler = note;
  noting.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    came[i] = 0;
    ::sigaction(signals[i].number, &noting, &before[i]);
  }
}

deferred_signals::~deferred_signals() {
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i].number, &before[i], nullptr);
}

std::vector<std::string> deferred_signals::seen() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < signals.size(); ++i)
    if (came[i] != 0) names.emplace_back(signals[i].name);
  return names;
}

}  // namespace rolling_restart
