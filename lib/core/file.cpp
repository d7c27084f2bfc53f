#include "core/file.hpp"

#include "core/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

namespace core {
namespace {

result<void> write_all(int fd, std::string_view content, std::filesystem::path const& path) {
  while (!content.empty()) {
    auto const n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("write " + path.string(), errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return system_error("fsync " + path.string(), errno);
  return {};
}

}  // namespace

result<std::string> read_file(std::filesystem::path const& path, std::size_t max_bytes) {
  descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  auto const unreadable = [&](int errno_value) {
    auto e = system_error("read " + path.string(), errno_value);
    e.code = errc::source_unreadable;
    return e;
  };
  if (!file) return unreadable(errno);
  std::string content;
  char buffer[65536];
  for (;;) {
    auto const n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > max_bytes)
      return error{errc::source_unreadable,
                   "cannot read " + path.string() + ": larger than " + std::to_string(max_bytes) + " bytes"};
  }
}

result<void> sync_directory(std::filesystem::path const& directory) {
  descriptor const dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return system_error("open directory " + directory.string(), errno);
  if (::fsync(dir.get()) != 0) return system_error("fsync directory " + directory.string(), errno);
  return {};
}

result<void> replace_file(std::filesystem::path const& path, std::string_view content, unsigned mode) {
  auto const temporary = path.parent_path() / ("." + path.filename().string() + ".writing");
  {
    descriptor const file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return system_error("create " + temporary.string(), errno);
    if (auto written = write_all(file.get(), content, temporary); !written) {
      ::unlink(temporary.c_str());
      return written.error();
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto const e = system_error("rename " + temporary.string() + " to " + path.string(), errno);
    ::unlink(temporary.c_str());
    return e;
  }
  return sync_directory(path.parent_path());
}

}  // namespace core
