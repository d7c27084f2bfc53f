#include "module/request.hpp"

#include <algorithm>
#include <array>

namespace module {
namespace {

core::error usage(std::string what, std::string hint = "see --help") {
  return {core::errc::usage, std::move(what), std::move(hint)};
}

bool spells_boolean(std::string_view word) {
  constexpr std::array<std::string_view, 8> words = {"true", "false", "yes", "no", "on", "off", "1", "0"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool repeatable(option_type type) { return type == option_type::list || type == option_type::objects; }

// Splits a list at its commas, so that both spellings come out as one array.
void append(json::array& all, option_type type, std::string_view text) {
  if (type != option_type::list) {
    all.emplace_back(text);
    return;
  }
  for (;;) {
    auto const comma = text.find(',');
    if (auto const item = text.substr(0, comma); !item.empty()) all.emplace_back(item);
    if (comma == std::string_view::npos) return;
    text.remove_prefix(comma + 1);
  }
}

core::result<void> store(request& r, option const& o, std::string const& spelling, std::string_view text) {
  auto* present = r.values.if_contains(o.name);
  if (repeatable(o.type)) {
    if (present == nullptr) present = &r.values.emplace(o.name, json::array()).first->value();
    append(present->get_array(), o.type, text);
    return {};
  }
  if (present != nullptr) return usage("cannot use " + spelling + ": given twice");
  r.values.emplace(o.name, text);
  return {};
}

// The options that only the command line has.
bool special(request& r, std::string_view word) {
  if (word == "--help" || word == "-h")
    r.text = text_wanted::help;
  else if (word == "--version")
    r.text = text_wanted::version;
  else if (word == "--docs")
    r.text = text_wanted::docs;
  else if (word == "--progress")
    r.progress = true;
  else
    return false;
  return true;
}

}  // namespace

std::string option_spelling(std::string_view name) {
  std::string spelling = "--" + std::string(name);
  std::replace(spelling.begin(), spelling.end(), '_', '-');
  return spelling;
}

std::vector<option> all_options(tool const& tool) {
  auto all = tool.options;
  auto const add = [&](option o) {
    if (std::none_of(all.begin(), all.end(), [&](option const& other) { return other.name == o.name; }))
      all.push_back(std::move(o));
  };
  add({.name = "check", .type = option_type::boolean, .help = "Compute and print the plan, change nothing."});
  add({.name = "diff", .type = option_type::boolean, .help = "Show what changes, before and after."});
  add({.name = "timeout", .type = option_type::seconds, .help = "Most seconds for the whole call.", .least = 1});
  return all;
}

core::result<request> decode_command_line(tool const& tool, std::vector<std::string> const& words) {
  request r;
  auto const options = all_options(tool);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view const word = words[i];
    if (special(r, word)) continue;
    if (!word.starts_with("--")) return usage("cannot use \"" + words[i] + "\": options are spelled --name");
    auto const equals = word.find('=');
    auto const spelling = std::string(word.substr(0, equals));
    auto const o = std::find_if(options.begin(), options.end(),
                                [&](option const& each) { return option_spelling(each.name) == spelling; });
    if (o == options.end()) return usage("cannot use " + spelling + ": no such option");
    auto const has_next = i + 1 < words.size();
    if (equals != std::string_view::npos) {
      TRY(store(r, *o, spelling, word.substr(equals + 1)));
    } else if (o->type == option_type::boolean) {
      TRY(store(r, *o, spelling, has_next && spells_boolean(words[i + 1]) ? words[++i] : "true"));
    } else if (has_next && !words[i + 1].starts_with("--")) {
      TRY(store(r, *o, spelling, words[++i]));
    } else {
      return usage("cannot use " + spelling + ": it needs a value",
                   "a value that begins with -- is given as " + spelling + "=VALUE");
    }
  }
  return r;
}

}  // namespace module
