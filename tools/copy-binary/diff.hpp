// Before and after, as Ansible shows them.
#pragma once

#include "copy-binary/execute.hpp"
#include "core/json.hpp"

namespace copy_binary {

// Text is shown as it is, but for the values of keys that look secret; anything else by its digest.
core::json::array diff_of(execution const& e, executed const& done);

// The text with each value of a key named like a secret (password, token, ...) hidden.
std::string without_secrets(std::string_view text);

}  // namespace copy_binary
