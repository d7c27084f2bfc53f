// Looks at new content with its own eyes: is it the program it should be, does it take the configuration?
#pragma once

#include "copy-binary/identity.hpp"
#include "core/clock.hpp"

#include <string>

namespace copy_binary {

// A whole ELF file for this host that calls itself `wanted`; its version, where it tells one. `what` names it in
// errors: errc::not_executable, truncated, wrong_architecture, wrong_program.
core::result<std::string> check_program(fs::path const& path, std::string const& what, component wanted,
                                        core::deadline deadline);

// Runs `BIN -config FILE probe`. `name` is how people know FILE. errc::config_rejected.
core::result<void> probe(fs::path const& binary, fs::path const& config, fs::path const& name, core::deadline deadline);

// The version of what is installed, where it tells one.
std::string version_of_present(fs::path const& path, core::deadline deadline);

}  // namespace copy_binary
