// What a Pump or Drainer binary says of itself (facts: -help, and the refusal of a stray word). Pure.
#pragma once

#include "copy-binary/request.hpp"
#include "core/error.hpp"

#include <string>
#include <string_view>

namespace copy_binary {

// The component that the text of `-help` is for; any where it is neither.
component component_in_help(std::string_view text);

// Whether the end of `BIN -config FILE probe` means that FILE was accepted: errc::config_rejected in the binary's own
// words otherwise.
core::result<void> judge_probe(int exit_code, std::string_view text, fs::path const& config);

}  // namespace copy_binary
