#include "files/install.hpp"

#include "core/file.hpp"
#include "files/digest.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace files {
namespace {

namespace fs = std::filesystem;
using core::descriptor;

constexpr std::string_view suffix = ".copying";
constexpr char const* label = "security.selinux";

fs::path fresh_name(fs::path const& dest) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
    random = static_cast<std::uint64_t>(::getpid());  // O_EXCL decides; this only avoids a second try
  // Leaves room for what stands around the name: a file name has at most 255 bytes.
  auto const name = dest.filename().string().substr(0, 200);
  return dest.parent_path() / ("." + name + "." + std::to_string(random) + std::string(suffix));
}

struct named_descriptor {
  fs::path path;
  descriptor file;
};

// Between its creation and its lock a cleaning run may take the file for a leftover; then it has no name any more.
core::result<named_descriptor> create_locked(fs::path const& dest) {
  for (int tries = 0; tries < 100; ++tries) {
    auto path = fresh_name(dest);
    descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file && errno == EEXIST) continue;
    if (!file) return core::system_error("create a file in " + dest.parent_path().string(), errno);
    struct stat status {};
    auto const locked = ::flock(file.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (locked && ::fstat(file.get(), &status) == 0 && status.st_nlink > 0)
      return named_descriptor{std::move(path), std::move(file)};
  }
  return core::system_error("create a file in " + dest.parent_path().string(), EBUSY);
}

core::error mismatch(std::string const& cause) {
  return {core::errc::digest_mismatch, "cannot use the content: " + cause,
          "it changed or was damaged on its way; run the same command again"};
}

core::result<void> write_content(int fd, source& from, std::string_view sha256, std::uint64_t size,
                                 std::string const& where) {
  hasher h;
  std::uint64_t written = 0;
  std::vector<char> buffer(1U << 18U);
  for (;;) {
    TRY_ASSIGN(auto const n, from.read(buffer.data(), buffer.size()));
    if (n == 0) break;
    written += n;
    if (written > size) return mismatch("longer than the " + std::to_string(size) + " bytes announced");
    h.add(buffer.data(), n);
    for (std::size_t at = 0; at < n;) {
      auto const m = ::write(fd, buffer.data() + at, n - at);
      if (m < 0 && errno == EINTR) continue;
      if (m < 0) return core::system_error("write " + where, errno);
      at += static_cast<std::size_t>(m);
    }
  }
  if (auto const got = h.finish(); got != sha256)
    return mismatch("its sha256 is " + got + ", expected " + std::string(sha256));
  return {};
}

// A label given by hand to the file replaced stays; a new file has that of its directory already.
void copy_label(fs::path const& dest, int fd) {
  std::array<char, 512> value{};
  auto const n = ::getxattr(dest.c_str(), label, value.data(), value.size());
  if (n > 0) [[maybe_unused]]
    auto const ignored = ::fsetxattr(fd, label, value.data(), static_cast<std::size_t>(n), 0);
}

core::result<void> finish(int fd, fs::path const& dest, attributes const& wanted, std::string const& where) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return core::system_error("read " + where, errno);
  if ((status.st_uid != wanted.owner || status.st_gid != wanted.group) && ::fchown(fd, wanted.owner, wanted.group) != 0)
    return core::system_error("change the owner of " + where, errno);
  if (::fchmod(fd, wanted.mode) != 0) return core::system_error("change the mode of " + where, errno);
  copy_label(dest, fd);
  if (::fsync(fd) != 0) return core::system_error("fsync " + where, errno);
  return {};
}

}  // namespace

core::result<temporary_file> temporary_file::write(fs::path const& dest, source& from, std::string_view sha256,
                                                   std::uint64_t size, attributes const& attributes) {
  TRY_ASSIGN(auto const created, create_locked(dest));
  temporary_file file(created.path);
  TRY(write_content(created.file.get(), from, sha256, size, created.path.string()));
  TRY(finish(created.file.get(), dest, attributes, created.path.string()));
  // A file open for writing can't be run; the lock goes on through a second descriptor.
  file.lock_ = descriptor(::open(created.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.lock_) ::flock(file.lock_.get(), LOCK_SH | LOCK_NB);
  return file;
}

temporary_file::temporary_file(temporary_file&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

temporary_file::~temporary_file() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

core::result<void> temporary_file::rename_to(fs::path const& name) {
  if (::rename(path_.c_str(), name.c_str()) != 0)
    return core::system_error("rename " + path_.string() + " to " + name.string(), errno);
  path_.clear();
  return core::sync_directory(name.parent_path());
}

void remove_leftovers(fs::path const& directory) {
  std::error_code ec;
  for (fs::directory_iterator entry(directory, ec), end; !ec && entry != end; entry.increment(ec)) {
    auto const name = entry->path().filename().string();
    if (!name.starts_with(".") || !name.ends_with(suffix)) continue;
    descriptor const file(::open(entry->path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry->path().c_str());
  }
}

bool memory_file::possible() { return static_cast<bool>(descriptor(::memfd_create("copy-binary", MFD_CLOEXEC))); }

core::result<memory_file> memory_file::write(source& from, std::string_view sha256, std::uint64_t size) {
  descriptor file(::memfd_create("copy-binary", MFD_CLOEXEC));
  if (!file) return core::system_error("make a file in memory", errno);
  TRY(write_content(file.get(), from, sha256, size, "a file in memory"));
  if (::fchmod(file.get(), 0700) != 0) return core::system_error("make a file in memory executable", errno);
  return memory_file(std::move(file));
}

fs::path memory_file::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file_.get());
}

}  // namespace files
