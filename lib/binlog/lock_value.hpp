// The lock's value in etcd: {"owner":"...","since_ms":1590998400000}, for people to read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace binlog {

std::string lock_value(std::string const& owner, std::int64_t since_ms);

// "alice@control: pump 10.0.1.11:8250 since 2020-06-01T08:00:00Z"; of a value nobody here wrote what it says.
std::string describe_lock(std::string_view value);

}  // namespace binlog
