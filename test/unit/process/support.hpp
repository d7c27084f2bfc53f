// What tests with real processes need.
#pragma once

#include "core/clock.hpp"
#include "process/child.hpp"
#include "process/inspect.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

// Boost's own operator<< asks for one of core::error, which nothing but tests would need.
template <class T>
struct Catch::StringMaker<core::result<T>> {
  static std::string convert(core::result<T> const& result) { return result ? "a value" : result.error().what; }
};

namespace support {

using namespace std::chrono_literals;

inline core::deadline soon() { return core::deadline::after(20s); }

class temp_dir {
 public:
  temp_dir() {
    std::string name = "/tmp/unit-process-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~temp_dir() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  temp_dir(temp_dir const&) = delete;
  temp_dir& operator=(temp_dir const&) = delete;

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  std::filesystem::path operator/(std::string const& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_file(std::filesystem::path const& path, std::string const& content, bool executable = false) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  if (executable) std::filesystem::permissions(path, std::filesystem::perms(0755));
}

inline std::string content_of(std::filesystem::path const& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

template <class Condition>
bool eventually(Condition condition, core::milliseconds within = 10s) {
  for (auto const deadline = core::deadline::after(within); !deadline.passed(); std::this_thread::sleep_for(5ms))
    if (condition()) return true;
  return condition();
}

// Whether a process has only stdin, stdout and stderr open; it may still be loading its libraries.
inline bool has_no_descriptors_of_ours(pid_t pid) {
  return eventually([&] {
    std::error_code ec;
    for (auto const& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ec))
      if (std::stoi(entry.path().filename()) > 2) return false;
    return !ec;
  });
}

inline process::command shell(std::string const& script) { return {{"/bin/sh", "-c", script}}; }

// Children of the test that nobody waited for; forgets them.
inline int unreaped_children() {
  int count = 0;
  for (; ::waitpid(-1, nullptr, WNOHANG) > 0; ++count) {
  }
  return count;
}

// Ends a process when a test is over, the hard way if need be (the tests' own processes only).
struct ends_process {
  pid_t pid;
  ~ends_process() {
    if (pid > 1 && process::identify(pid)) ::kill(pid, SIGKILL);
  }
};

// Runs `body` in a forked copy of the test and gives its exit status: for what must not happen to the test itself.
template <class Body>
int in_fork(Body body) {
  auto const pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace support
