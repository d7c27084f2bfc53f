#include "files/source.hpp"

#include "core/descriptor.hpp"
#include "files/digest.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace files {
namespace {

core::error unreadable(std::string const& what, std::string const& cause) {
  return {core::errc::source_unreadable, "cannot read " + what + ": " + cause, ""};
}

class file_source : public source {
 public:
  file_source(core::descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  core::result<std::size_t> read(char* buffer, std::size_t size) override {
    for (;;) {
      auto const n = ::read(file_.get(), buffer, size);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return unreadable(path_, std::strerror(errno));
    }
  }

 private:
  core::descriptor file_;
  std::string path_;
};

class text_source : public source {
 public:
  explicit text_source(std::string content) : content_(std::move(content)) {}
  core::result<std::size_t> read(char* buffer, std::size_t size) override {
    auto const n = std::min(size, content_.size() - at_);
    std::memcpy(buffer, content_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string content_;
  std::size_t at_ = 0;
};

}  // namespace

core::result<std::unique_ptr<source>> open_file(std::filesystem::path const& path) {
  // O_NONBLOCK: a FIFO must be refused, not waited for.
  core::descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return unreadable(path.string(), std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return unreadable(path.string(), "not a regular file");
  return std::unique_ptr<source>(std::make_unique<file_source>(std::move(file), path.string()));
}

std::unique_ptr<source> open_text(std::string content) { return std::make_unique<text_source>(std::move(content)); }

core::result<content_summary> summarize(source& from, std::uint64_t most) {
  constexpr std::size_t head_size = 64;
  content_summary summary;
  hasher h;
  std::vector<char> buffer(1U << 18U);
  for (;;) {
    TRY_ASSIGN(auto const n, from.read(buffer.data(), buffer.size()));
    if (n == 0) break;
    if (summary.head.size() < head_size)
      summary.head.append(buffer.data(), std::min(n, head_size - summary.head.size()));
    h.add(buffer.data(), n);
    summary.size += n;
    if (summary.size > most) return unreadable("it", "longer than " + std::to_string(most) + " bytes");
  }
  summary.sha256 = h.finish();
  return summary;
}

}  // namespace files
