// SHA-256 as lower-case hex.
#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct SHA256state_st;

namespace files {

std::string sha256(std::string_view content);

// A file is read once by a process, whatever names it has, as long as device, inode, size and times stay what they
// were; one changed just before is read again each time (the clock of file times ticks slower than files are written:
// by 10 ms, or by seconds where times have no fractions). For one thread.
core::result<std::string> sha256_of_file(std::filesystem::path const& path);

// Begins to read large files, each in a thread of its own; whoever asks for a digest next waits for all of them. What
// can't be read is left for then.
void read_ahead(std::vector<std::filesystem::path> const& paths);

// What was read of large files stays known to the next call, by digests.json in this folder: {"boot", "files":
// [{"sha256", "at_ms", "device", "inode", "size", "written_ns", "changed_ns"}]}, at_ms since boot. For five minutes of
// the same boot, and as long as device, inode, size and times stay what they were. `running` is a file that a living
// process runs: nobody can write it, however lately it was changed. A memory that is missing, damaged, or that others
// may write is no error: all is read again.
void recall_digests(std::filesystem::path const& folder);
void save_digests(std::filesystem::path const& folder, std::filesystem::path const& running = {});

// After a change by this process of nothing but its names, mode or owner, what was read of it stays known.
void keep_digest(std::filesystem::path const& path);

// Piece by piece.
class hasher {
 public:
  hasher();
  ~hasher();
  void add(char const* data, std::size_t size);
  std::string finish();  // once

 private:
  std::unique_ptr<SHA256state_st> state_;
};

// 64 lower-case hex digits.
bool is_digest(std::string_view text);

// A digest as people write it, also in upper case.
std::optional<std::string> read_digest(std::string_view text);

}  // namespace files
