#include "module/request.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace module {
namespace {

using checked = core::result<json::value>;

// Where a value stands, for the sentences: "mode", "files[2].mode".
struct place {
  option const& o;
  std::string name;
};

core::error refuse(place const& at, std::string const& cause) {
  return {core::errc::usage, "cannot use option " + at.name + ": " + cause, "see --help"};
}

std::string_view trim(std::string_view text) {
  auto const first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

template <class Number, class... Base>
std::optional<Number> number_of(std::string_view text, Base... base) {
  text = trim(text);
  Number n{};
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n, base...);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::string_view text_of(json::value const& v) { return {v.get_string().data(), v.get_string().size()}; }

checked check_range(place const& at, double value, json::value stored) {
  auto const below = at.o.least && value < static_cast<double>(*at.o.least);
  auto const above = at.o.most && value > static_cast<double>(*at.o.most);
  if (!below && !above) return stored;
  std::string range;
  if (at.o.least) range += " at least " + std::to_string(*at.o.least);
  if (at.o.least && at.o.most) range += " and";
  if (at.o.most) range += " at most " + std::to_string(*at.o.most);
  return refuse(at, "out of range, it must be" + range);
}

core::result<void> check_choice(place const& at, std::string_view text) {
  auto const& choices = at.o.choices;
  if (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
  std::string all;
  for (auto const& c : choices) all += (all.empty() ? "" : ", ") + std::string(c);
  return refuse(at, "\"" + std::string(text) + "\" is none of " + all);
}

// The system would read the text up to there.
core::result<void> check_no_nul(place const& at, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return {};
  return refuse(at, "it holds a NUL byte");
}

checked check_string(place const& at, json::value const& v) {
  std::string text;
  if (v.is_string())
    text = text_of(v);
  else if (v.is_int64())
    text = std::to_string(v.get_int64());  // an all-digit name that YAML took for a number
  else
    return refuse(at, "not a string");
  TRY(check_no_nul(at, text));
  if (at.o.type == option_type::path && text.empty()) return refuse(at, "an empty path");
  TRY(check_choice(at, text));
  return json::value(text);
}

checked check_integer(place const& at, json::value const& v) {
  std::optional<std::int64_t> n;
  if (v.is_int64())
    n = v.get_int64();
  else if (v.is_string())
    n = number_of<std::int64_t>(text_of(v));
  if (!n) return refuse(at, "not a whole number of 64 bits");
  return check_range(at, static_cast<double>(*n), *n);
}

checked check_seconds(place const& at, json::value const& v) {
  constexpr double most = 1e9;  // keeps every later sum of milliseconds far from overflow
  std::optional<double> n;
  if (v.is_double())
    n = v.get_double();
  else if (v.is_int64())
    n = static_cast<double>(v.get_int64());
  else if (v.is_string())
    n = number_of<double>(text_of(v));
  if (!n || !std::isfinite(*n)) return refuse(at, "not a number of seconds");
  if (*n < 0 || *n > most) return refuse(at, "out of range, it must be at least 0 and at most 1000000000");
  return check_range(at, *n, *n);
}

checked check_boolean(place const& at, json::value const& v) {
  if (v.is_bool()) return v;
  std::string word;
  if (v.is_int64()) word = std::to_string(v.get_int64());
  if (v.is_string()) word = trim(text_of(v));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (word == "true" || word == "yes" || word == "on" || word == "1") return json::value(true);
  if (word == "false" || word == "no" || word == "off" || word == "0") return json::value(false);
  return refuse(at, "not a boolean (true or false)");
}

checked check_mode(place const& at, json::value const& v) {
  if (v.is_int64()) {
    // mode: 755 without quotes or a leading 0 is decimal in YAML and has bits nobody means.
    if (v.get_int64() < 0 || v.get_int64() > 0777)
      return refuse(at, "out of range; write it as octal digits in quotes, such as '0755'");
    return v;
  }
  std::optional<std::int64_t> n;
  if (v.is_string()) {
    auto text = trim(text_of(v));
    if (text.starts_with("0o")) text.remove_prefix(2);
    n = number_of<std::int64_t>(text, 8);
  }
  if (!n || *n < 0 || *n > 07777) return refuse(at, "not a file mode in octal digits, such as '0755'");
  return json::value(*n);
}

checked check_list(place const& at, json::value const& v) {
  json::array items;
  if (auto const* array = v.if_array()) {
    for (auto const& item : *array) {
      if (item.is_string())
        items.emplace_back(trim(text_of(item)));
      else if (item.is_int64())
        items.emplace_back(std::to_string(item.get_int64()));
      else
        return refuse(at, "not a list of strings");
    }
  } else if (v.is_string()) {
    auto rest = text_of(v);
    while (!rest.empty()) {
      auto const comma = rest.find(',');
      if (auto const item = trim(rest.substr(0, comma)); !item.empty()) items.emplace_back(item);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  } else if (v.is_int64()) {
    items.emplace_back(std::to_string(v.get_int64()));
  } else {
    return refuse(at, "not a list of strings");
  }
  for (auto const& item : items) {
    TRY(check_no_nul(at, text_of(item)));
    TRY(check_choice(at, text_of(item)));
  }
  return json::value(std::move(items));
}

core::result<json::object> check_table(std::vector<option> const& options, json::object const& values,
                                       std::string const& prefix);

// A string is taken as JSON text.
checked native(place const& at, json::value const& v) {
  if (!v.is_string()) return v;
  auto parsed = core::parse_json(text_of(v), "it");
  if (!parsed) return refuse(at, "not JSON text");
  return parsed;
}

checked check_object(place const& at, json::value const& v) {
  TRY_ASSIGN(auto const value, native(at, v));
  if (!value.is_object()) return refuse(at, "not a JSON object");
  if (at.o.fields.empty()) return value;
  TRY_ASSIGN(auto members, check_table(at.o.fields, value.get_object(), at.name + "."));
  return json::value(std::move(members));
}

checked check_objects(place const& at, json::value const& v) {
  json::array items;
  for (auto const& each : v.is_array() ? v.get_array() : json::array{v}) {
    place const item{at.o, at.name + "[" + std::to_string(items.size()) + "]"};
    TRY_ASSIGN(auto const value, native(item, each));
    // A text is an object, or a list of them.
    if (each.is_string() && value.is_array())
      items.insert(items.end(), value.get_array().begin(), value.get_array().end());
    else
      items.push_back(value);
  }
  json::array all;
  for (auto const& item : items) {
    TRY_ASSIGN(auto one, check_object({at.o, at.name + "[" + std::to_string(all.size()) + "]"}, item));
    all.push_back(std::move(one));
  }
  return json::value(std::move(all));
}

checked check_any(place const& at, json::value const& v) {
  if (v.is_object() || (v.is_string() && trim(text_of(v)).starts_with("{"))) return check_object(at, v);
  return check_string(at, v);
}

checked check_value(place const& at, json::value const& v) {
  switch (at.o.type) {
    case option_type::string:
    case option_type::path:
      return check_string(at, v);
    case option_type::integer:
      return check_integer(at, v);
    case option_type::seconds:
      return check_seconds(at, v);
    case option_type::boolean:
      return check_boolean(at, v);
    case option_type::mode:
      return check_mode(at, v);
    case option_type::list:
      return check_list(at, v);
    case option_type::object:
      return check_object(at, v);
    case option_type::objects:
      return check_objects(at, v);
    case option_type::any:
      return check_any(at, v);
  }
  return refuse(at, "of no known type");
}

core::result<json::object> check_table(std::vector<option> const& options, json::object const& values,
                                       std::string const& prefix) {
  for (auto const& each : values) {
    auto const key = each.key();
    auto const known = std::any_of(options.begin(), options.end(), [&](option const& o) { return o.name == key; });
    if (!known)
      return core::error{core::errc::usage, "cannot use option " + prefix + std::string(key) + ": no such option",
                         "see --help"};
  }
  json::object all;
  for (auto const& o : options) {
    place const at{o, prefix + std::string(o.name)};
    auto const* given = values.if_contains(o.name);
    if (given != nullptr && !given->is_null()) {
      TRY_ASSIGN(auto value, check_value(at, *given));
      all.emplace(o.name, std::move(value));
    } else if (o.needed == presence::required) {
      return core::error{core::errc::usage, "cannot do without option " + at.name + ": it is required", "see --help"};
    } else if (!o.fallback.empty()) {
      TRY_ASSIGN(auto value, check_value(at, json::value(o.fallback)));
      all.emplace(o.name, std::move(value));
    }
  }
  return all;
}

}  // namespace

core::result<params> check_options(std::vector<option> const& options, json::object const& values) {
  TRY_ASSIGN(auto checked_values, check_table(options, values, ""));
  return params(std::move(checked_values));
}

}  // namespace module
