// SHA-256 as lower-case hex.
#pragma once

#include "core/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace files {

std::string sha256(std::string_view content);
core::result<std::string> sha256_of_file(std::filesystem::path const& path);

}  // namespace files
