// What an executable is for, and whether all of it is there: read from its headers, nothing is run.
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace files {

// Machine number (e_machine) of the host this was built for.
std::uint16_t host_machine();
std::string_view machine_name(std::uint16_t machine);

// A whole 64-bit little-endian ELF executable (EXEC or DYN with an entry point): its header tables and everything they
// point to lie inside `content`. Errors, with `what` named: errc::not_executable (saying what it is instead: an HTML
// page, a script, an archive), truncated, wrong_architecture (not for `machine`).
core::result<void> check_elf(std::string_view content, std::string_view what, std::uint16_t machine = host_machine());
core::result<void> check_elf_file(std::filesystem::path const& path, std::string_view what);

// Starts like something the kernel runs: an ELF file or a script with #!.
bool looks_runnable(std::string_view head);

}  // namespace files
