// Bytes on their way to a file: plain, unpacked, or one member of an archive. Every source is bounded by its reader.
#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace files {

class source {
 public:
  virtual ~source() = default;
  // Up to `size` bytes; 0 at the end. After an error it is done for.
  virtual core::result<std::size_t> read(char* buffer, std::size_t size) = 0;
};

// A regular file (symlinks followed); errc::source_unreadable.
core::result<std::unique_ptr<source>> open_file(std::filesystem::path const& path);

// Text in memory, copied.
std::unique_ptr<source> open_text(std::string content);

// Unpacks what `from` gives, as "gzip", "xz", "zstd" or "identity". Damaged, cut short, followed by rubbish, or asking
// for more than 256 MiB of memory: errc::source_unreadable, with `what` named.
core::result<std::unique_ptr<source>> unpack(std::string_view encoding, std::unique_ptr<source> from, std::string what);

// One regular file of a tar archive, by its path in there (a leading ./ does not count). At its end the rest of the
// archive is read too, so that a packed one's checksum counts. Cut short or damaged: errc::source_unreadable.
core::result<std::unique_ptr<source>> open_tar_member(std::unique_ptr<source> archive, std::string const& member,
                                                      std::string what);

struct content_summary {
  std::string sha256;
  std::uint64_t size = 0;
  std::string head;  // the first bytes, at most 64
};
// Reads to the end; more than `most` bytes is errc::source_unreadable.
core::result<content_summary> summarize(source& from, std::uint64_t most = UINT64_MAX);

}  // namespace files
