#include "files/install.hpp"

#include "core/file.hpp"
#include "files/digest.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace files {
namespace {

namespace fs = std::filesystem;

// The name without the digest, in two parts: ("pump", "") or (".pump", ".former").
struct family {
  std::string before;
  std::string after;
};

constexpr std::size_t short_digest = 16;

std::optional<family> family_of(std::string const& name) {
  family f;
  auto stem = name;
  if (stem.ends_with(".former")) {
    f.after = ".former";
    stem.resize(stem.size() - f.after.size());
  }
  if (stem.size() <= short_digest + 1 || stem[stem.size() - short_digest - 1] != '.') return std::nullopt;
  auto const hex = stem.substr(stem.size() - short_digest);
  if (!is_digest(hex + hex + hex + hex)) return std::nullopt;
  f.before = stem.substr(0, stem.size() - short_digest - 1);
  return f;
}

}  // namespace

core::result<bool> set_attributes(fs::path const& path, attributes const& wanted) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return core::system_error("read " + path.string(), errno);
  bool changed = false;
  if (status.st_uid != wanted.owner || status.st_gid != wanted.group) {
    if (::chown(path.c_str(), wanted.owner, wanted.group) != 0)
      return core::system_error("change the owner of " + path.string(), errno);
    changed = true;
  }
  // A change of owner may clear setuid bits, so the mode comes after it.
  if (changed || (status.st_mode & 07777U) != wanted.mode) {
    if (::chmod(path.c_str(), wanted.mode) != 0)
      return core::system_error("change the mode of " + path.string(), errno);
    changed = true;
  }
  return changed;
}

core::result<void> copy_file(fs::path const& from, fs::path const& to, std::string_view sha256) {
  struct stat status {};
  if (::stat(from.c_str(), &status) != 0) return core::system_error("read " + from.string(), errno);
  TRY_ASSIGN(auto const content, open_file(from));
  TRY_ASSIGN(auto copy, temporary_file::write(to, *content, sha256, static_cast<std::uint64_t>(status.st_size),
                                              {status.st_mode & 07777U, status.st_uid, status.st_gid}));
  return copy.rename_to(to);
}

core::result<void> back_up(fs::path const& dest, std::string_view sha256, fs::path const& backup) {
  remove_leftovers(backup.parent_path());
  if (auto const there = sha256_of_file(backup); there && *there == sha256) return {};
  std::error_code ec;
  fs::create_directories(backup.parent_path(), ec);
  if (ec) return core::system_error("make directory " + backup.parent_path().string(), ec.value());
  // Linked under the name directly where it is free; what is damaged there is replaced by a whole copy.
  if (::link(dest.c_str(), backup.c_str()) == 0) return core::sync_directory(backup.parent_path());
  return copy_file(dest, backup, sha256);
}

void remove_old_backups(fs::path const& newest, std::size_t keep) {
  auto const family = family_of(newest.filename().string());
  if (!family) return;
  struct candidate {
    fs::path path;
    timespec changed;  // linking and copying both set ctime, so it orders by when the version was replaced
  };
  std::vector<candidate> others;
  std::error_code ec;
  for (fs::directory_iterator entry(newest.parent_path(), ec), end; !ec && entry != end; entry.increment(ec)) {
    auto const other = family_of(entry->path().filename().string());
    if (!other || other->before != family->before || other->after != family->after || entry->path() == newest) continue;
    struct stat status {};
    if (::lstat(entry->path().c_str(), &status) == 0 && S_ISREG(status.st_mode))
      others.push_back({entry->path(), status.st_ctim});
  }
  std::sort(others.begin(), others.end(), [](candidate const& a, candidate const& b) {
    return std::pair(a.changed.tv_sec, a.changed.tv_nsec) > std::pair(b.changed.tv_sec, b.changed.tv_nsec);
  });
  for (std::size_t i = std::max<std::size_t>(keep, 1) - 1; i < others.size(); ++i) ::unlink(others[i].path.c_str());
}

core::result<space> space_at(fs::path const& path) {
  auto existing = path;
  struct stat status {};
  while (::stat(existing.c_str(), &status) != 0) {
    if ((errno != ENOENT && errno != ENOTDIR) || existing == existing.root_path())
      return core::system_error("read " + existing.string(), errno);
    existing = existing.parent_path();
  }
  struct statvfs numbers {};
  if (::statvfs(existing.c_str(), &numbers) != 0)
    return core::system_error("read the free space of " + existing.string(), errno);
  auto const blocks = ::geteuid() == 0 ? numbers.f_bfree : numbers.f_bavail;
  return space{status.st_dev, blocks * numbers.f_frsize, (numbers.f_flag & ST_NOEXEC) == 0,
               (numbers.f_flag & ST_RDONLY) == 0};
}

}  // namespace files
