#include "process/exec.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace process {
namespace {

// Where a PATH is not set at all, as under some process managers.
constexpr char const* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string search_path_of(command const& command) {
  if (command.environment)
    for (auto const& entry : *command.environment)
      if (entry.starts_with("PATH=")) return entry.substr(5);
  auto const* ours = std::getenv("PATH");
  return ours != nullptr ? ours : default_path;
}

bool is_program(std::string const& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

int descriptor_number(char const* name) {
  int number = 0;
  for (; *name != '\0'; ++name) {
    if (*name < '0' || *name > '9') return -1;
    number = number * 10 + (*name - '0');
  }
  return number;
}

}  // namespace

core::result<std::string> find_program(command const& command) {
  if (command.argv.empty() || command.argv.front().empty())
    return core::error{core::errc::system_failure, "cannot run a program: none is named"};
  auto const& name = command.argv.front();
  if (name.find('/') != std::string::npos) return name;
  auto const path = search_path_of(command);
  for (std::size_t start = 0; start <= path.size();) {
    auto const end = std::min(path.find(':', start), path.size());
    auto const candidate = path.substr(start, end - start) + "/" + name;
    if (end > start && is_program(candidate)) return candidate;
    start = end + 1;
  }
  return core::error{core::errc::system_failure, "cannot run " + name + ": not found on PATH (" + path + ")",
                     "install it or give its full path"};
}

core::error exec_error(std::string const& program, std::filesystem::path const& cwd, int errno_value) {
  auto e = core::system_error("run " + program, errno_value);
  auto const shown = program.starts_with('/') || cwd.empty() ? program : (cwd / program).string();
  struct stat st {};
  auto const exists = ::stat(shown.c_str(), &st) == 0;
  if (errno_value == ENOENT && exists)
    e.hint = "the file is there, but the interpreter in its first line or its dynamic loader is not";
  else if (errno_value == ENOEXEC)
    e.hint = "it is neither a program for this machine nor a script with a #! line";
  else if (errno_value == EACCES)
    e.hint = "check the file's mode, the directories above it, and that its file system is not mounted noexec";
  else if (errno_value == ETXTBSY)
    e.hint = "something still writes to the file";
  return e;
}

std::vector<char*> pointers(std::vector<std::string> const& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (auto const& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

void reserve_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) return;
}

void default_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_descriptors_on_exec() {
  constexpr unsigned close_range_cloexec = 4;  // CLOSE_RANGE_CLOEXEC
  if (::syscall(SYS_close_range, 3U, ~0U, close_range_cloexec) == 0) return;
  // Kernels before 5.11 (CentOS 7 has 3.10): one by one. getdents64 and no opendir, which would allocate.
  auto const directory = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    for (int fd = 3; fd < 65536; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return;
  }
  alignas(dirent64) char buffer[4096];
  for (;;) {
    auto const size = ::syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      auto const* entry = reinterpret_cast<dirent64 const*>(buffer + at);
      auto const fd = descriptor_number(entry->d_name);
      if (fd > 2) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      at += entry->d_reclen;
    }
  }
  ::close(directory);
}

}  // namespace process
