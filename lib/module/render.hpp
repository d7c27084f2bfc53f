// What is printed: the result of a call, and the texts generated from the option table.
#pragma once

#include "module/tool.hpp"

#include <string>

namespace module {

// One JSON object and a newline, valid UTF-8: bytes that are not become \xNN.
std::string render(outcome const& outcome, core::milliseconds elapsed);
int exit_status(outcome const& outcome);

// `text` with each byte that is no part of valid UTF-8 written as `\\xNN`: fit for the inside of a JSON string.
std::string escape_invalid_utf8(std::string_view text);

std::string help_text(tool const& tool);
// A sidecar for ansible-doc: DOCUMENTATION, EXAMPLES, RETURN.
std::string docs_text(tool const& tool);

}  // namespace module
