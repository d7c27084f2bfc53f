// Small files read and replaced as a whole.
#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace core {

// The whole content; more than max_bytes is an error. A missing file is errc::source_unreadable.
result<std::string> read_file(std::filesystem::path const& path, std::size_t max_bytes = 16U << 20U);

// Replaces `path` so that it is the whole old or the whole new content at every instant, also after power loss:
// temporary file beside, fsync, rename, fsync of the directory. Mode applies to a new file.
result<void> replace_file(std::filesystem::path const& path, std::string_view content, unsigned mode = 0644);

// fsync of a directory, so that renames in it survive power loss.
result<void> sync_directory(std::filesystem::path const& directory);

}  // namespace core
