// Files written so that at every instant the old or the new one is there as a whole, also after SIGKILL or power loss.
#pragma once

#include "core/descriptor.hpp"
#include "core/error.hpp"
#include "files/source.hpp"

#include <sys/types.h>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace files {

struct attributes {
  unsigned mode = 0644;
  uid_t owner = 0;
  gid_t group = 0;
  friend bool operator==(attributes const&, attributes const&) = default;
};

// A hidden file beside its destination, named .NAME.RANDOM.copying. While its writer lives it is locked (flock), so
// that the next run can tell it from a leftover. Removed by the destructor unless it was renamed.
class temporary_file {
 public:
  // Writes everything `from` gives, sets the attributes (and the SELinux label of a file at `dest`), syncs. What came
  // must have the digest: else errc::digest_mismatch, as for more than `size` bytes.
  static core::result<temporary_file> write(std::filesystem::path const& dest, source& from, std::string_view sha256,
                                            std::uint64_t size, attributes const& attributes);
  temporary_file(temporary_file&& other) noexcept;
  temporary_file& operator=(temporary_file&&) = delete;
  ~temporary_file();

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  // Becomes `name`, in the same directory; the directory is synced.
  core::result<void> rename_to(std::filesystem::path const& name);

 private:
  explicit temporary_file(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  core::descriptor lock_;
};

// Removes temporary files in `directory` whose writers are gone.
void remove_leftovers(std::filesystem::path const& directory);

// A nameless executable copy in memory, for looks at a file that must leave no trace.
class memory_file {
 public:
  static bool possible();  // kernels before 3.17 have none
  static core::result<memory_file> write(source& from, std::string_view sha256, std::uint64_t size);

  // Opens for this process and its children.
  [[nodiscard]] std::filesystem::path path() const;

 private:
  explicit memory_file(core::descriptor file) : file_(std::move(file)) {}
  core::descriptor file_;
};

// Sets mode, owner and group of what is there; false where they were so already.
core::result<bool> set_attributes(std::filesystem::path const& path, attributes const& wanted);

// Copies content and attributes, whole and synced; errc::digest_mismatch where it is not what was expected.
core::result<void> copy_file(std::filesystem::path const& from, std::filesystem::path const& to,
                             std::string_view sha256);

// Makes `backup` a second name of `dest`'s content (a copy, where it can't be linked), whole and synced. An existing
// backup of the same digest is kept.
core::result<void> back_up(std::filesystem::path const& dest, std::string_view sha256,
                           std::filesystem::path const& backup);

// Removes all but the `keep` newest backups of the family that `newest` (NAME.SHA16 or .NAME.SHA16.former) belongs to;
// `newest` itself always stays.
void remove_old_backups(std::filesystem::path const& newest, std::size_t keep);

// Bytes free for this user on the file system where `path`, or its nearest existing parent, lies; and which one it is.
struct space {
  std::uint64_t device = 0;
  std::uint64_t free = 0;
  bool runs_programs = true;  // not mounted noexec
  bool writable = true;       // not mounted read-only
};
core::result<space> space_at(std::filesystem::path const& path);

}  // namespace files
