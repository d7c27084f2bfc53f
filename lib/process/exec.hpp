// What run and start_detached share: finding the program, the child's side between fork and exec, and the words for
// an exec that failed.
#pragma once

#include "core/error.hpp"
#include "process/child.hpp"

#include <string>
#include <vector>

namespace process {

// The path to exec. A name without a slash is looked for on the PATH the program itself will get.
core::result<std::string> find_program(command const& command);

// errno of a failed exec, told so that an operator knows which file is wrong.
core::error exec_error(std::string const& program, std::filesystem::path const& cwd, int errno_value);

// Pointers into `strings`, ending with nullptr, as execve wants them.
std::vector<char*> pointers(std::vector<std::string> const& strings);

// Opens /dev/null where stdin, stdout or stderr is closed: otherwise a pipe made next could land there.
void reserve_standard_descriptors();

// Async-signal-safe, for the child: default dispositions for all signals and an empty mask ...
void default_signals();
// ... and every descriptor above stderr closed by exec.
void close_descriptors_on_exec();

}  // namespace process
