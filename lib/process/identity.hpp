// Users and groups without NSS, whose plug-ins a static executable can't load safely: /etc/passwd is read directly,
// everything else is asked of the host's own getent and id.
#pragma once

#include "process/child.hpp"

#include <sys/types.h>
#include <optional>
#include <string_view>
#include <vector>

namespace process {

// A line of passwd(5); nothing when it isn't one.
std::optional<identity> parse_passwd_line(std::string_view line);

// Supplementary groups, the primary one included.
std::vector<gid_t> groups_of(identity const& identity);

}  // namespace process
