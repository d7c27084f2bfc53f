// JSON of foreign origin: parsed with bounds, read with types checked, never by exception.
#pragma once

#include "core/error.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace core {

namespace json = boost::json;

// One JSON value and nothing behind it; nesting deeper than 64 is refused. `what` names the text in the error
// (errc::bad_answer, "cannot parse WHAT: ...").
result<json::value> parse_json(std::string_view text, std::string_view what);

// Members by name; nothing where absent or of another type.
json::value const* member(json::value const& object, std::string_view name);
std::optional<std::string> string_member(json::value const& object, std::string_view name);
// An integer, or (etcd's gateway writes 64-bit numbers so) a string of digits. Never through a double.
std::optional<std::int64_t> integer_member(json::value const& object, std::string_view name);
std::optional<bool> bool_member(json::value const& object, std::string_view name);

}  // namespace core
