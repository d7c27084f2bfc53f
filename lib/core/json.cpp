#include "core/json.hpp"

#include <boost/json/parse.hpp>

#include <charconv>

namespace core {

result<json::value> parse_json(std::string_view text, std::string_view what) {
  json::parse_options options;
  options.max_depth = 64;
  boost::system::error_code ec;
  auto value = json::parse(text, ec, {}, options);
  if (ec) return error{errc::bad_answer, "cannot parse " + std::string(what) + ": " + ec.message()};
  return value;
}

json::value const* member(json::value const& object, std::string_view name) {
  auto const* o = object.if_object();
  return o != nullptr ? o->if_contains(name) : nullptr;
}

std::optional<std::string> string_member(json::value const& object, std::string_view name) {
  auto const* v = member(object, name);
  if (v == nullptr || !v->is_string()) return std::nullopt;
  return std::string(v->get_string());
}

std::optional<std::int64_t> integer_member(json::value const& object, std::string_view name) {
  auto const* v = member(object, name);
  if (v == nullptr) return std::nullopt;
  if (v->is_int64()) return v->get_int64();
  if (!v->is_string()) return std::nullopt;
  auto const& digits = v->get_string();
  std::int64_t number = 0;
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (ec != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return number;
}

std::optional<bool> bool_member(json::value const& object, std::string_view name) {
  auto const* v = member(object, name);
  if (v == nullptr || !v->is_bool()) return std::nullopt;
  return v->get_bool();
}

}  // namespace core
