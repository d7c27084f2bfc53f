#include "module/tool.hpp"

#include <stdexcept>

namespace module {
namespace {

[[noreturn]] void bug(std::string_view name) {
  throw std::logic_error("option " + std::string(name) + " was asked for by a type it does not have");
}

}  // namespace

std::string params::string(std::string_view name) const {
  auto const* v = values_.if_contains(name);
  if (v == nullptr) return {};
  if (!v->is_string()) bug(name);
  return std::string(v->get_string());
}

std::int64_t params::integer(std::string_view name) const {
  auto const* v = values_.if_contains(name);
  if (v == nullptr) return 0;
  if (!v->is_int64()) bug(name);
  return v->get_int64();
}

core::milliseconds params::seconds(std::string_view name) const {
  auto const* v = values_.if_contains(name);
  if (v == nullptr) return core::milliseconds(0);
  if (v->is_int64()) return std::chrono::seconds(v->get_int64());
  if (!v->is_double()) bug(name);
  return std::chrono::duration_cast<core::milliseconds>(std::chrono::duration<double>(v->get_double()));
}

bool params::boolean(std::string_view name) const {
  auto const* v = values_.if_contains(name);
  if (v == nullptr) return false;
  if (!v->is_bool()) bug(name);
  return v->get_bool();
}

std::optional<unsigned> params::mode(std::string_view name) const {
  auto const* v = values_.if_contains(name);
  if (v == nullptr) return std::nullopt;
  if (!v->is_int64()) bug(name);
  return static_cast<unsigned>(v->get_int64());
}

std::vector<std::string> params::list(std::string_view name) const {
  std::vector<std::string> all;
  auto const* v = values_.if_contains(name);
  if (v == nullptr) return all;
  if (!v->is_array()) bug(name);
  for (auto const& item : v->get_array()) {
    if (!item.is_string()) bug(name);
    all.emplace_back(item.get_string());
  }
  return all;
}

json::value const* params::value(std::string_view name) const { return values_.if_contains(name); }

std::vector<params> params::objects(std::string_view name) const {
  std::vector<params> all;
  auto const* v = values_.if_contains(name);
  if (v == nullptr) return all;
  if (!v->is_array()) bug(name);
  for (auto const& item : v->get_array()) {
    if (!item.is_object()) bug(name);
    all.emplace_back(item.get_object());
  }
  return all;
}

}  // namespace module
