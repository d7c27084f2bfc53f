// Users and groups by name or number, as options spell them.
#pragma once

#include "core/error.hpp"

#include <sys/types.h>
#include <optional>
#include <string>

namespace files {

struct user {
  uid_t uid = 0;
  std::optional<gid_t> primary_group;  // nothing for a number
};

// Unknown names are errc::usage. A number need not belong to anybody.
core::result<user> find_user(std::string const& name);
core::result<gid_t> find_group(std::string const& name);

}  // namespace files
