#include "module/render.hpp"
#include "module/request.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

namespace module {
namespace {

std::string_view ansible_type(option_type type) {
  switch (type) {
    case option_type::string:
      return "str";
    case option_type::path:
      return "path";
    case option_type::integer:
      return "int";
    case option_type::seconds:
      return "float";
    case option_type::boolean:
      return "bool";
    case option_type::list:
      return "list";
    case option_type::object:
      return "dict";
    case option_type::objects:
      return "list";
    case option_type::mode:
    case option_type::any:
      return "raw";
  }
  return "raw";
}

std::string_view value_word(option_type type) {
  switch (type) {
    case option_type::string:
      return "TEXT";
    case option_type::path:
      return "PATH";
    case option_type::integer:
      return "NUMBER";
    case option_type::seconds:
      return "SECONDS";
    case option_type::boolean:
      return "";
    case option_type::mode:
      return "MODE";
    case option_type::list:
      return "A,B";
    case option_type::object:
    case option_type::objects:
      return "JSON";
    case option_type::any:
      return "TEXT|JSON";
  }
  return "";
}

// A JSON string is a YAML double-quoted scalar.
std::string quoted(std::string_view text) { return json::serialize(json::string(text)); }

std::string joined(std::vector<std::string_view> const& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

void wrap(std::string& text, std::string_view words, std::size_t indent) {
  constexpr std::size_t width = 100;
  std::size_t column = width;
  while (!words.empty()) {
    auto const word = words.substr(0, words.find(' '));
    if (column + 1 + word.size() > width) {
      text.append(column == width && text.ends_with('\n') ? "" : "\n").append(indent, ' ');
      column = indent;
    } else {
      text += ' ';
      ++column;
    }
    text += word;
    column += word.size();
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  text += '\n';
}

void document_options(std::string& text, std::vector<option> const& options, std::string const& indent) {
  for (auto const& o : options) {
    text += fmt::format("{}{}:\n{}  description: {}\n{}  type: {}\n", indent, o.name, indent, quoted(o.help), indent,
                        ansible_type(o.type));
    if (o.type == option_type::list) text += indent + "  elements: str\n";
    if (o.type == option_type::objects) text += indent + "  elements: dict\n";
    if (o.needed == presence::required) text += indent + "  required: true\n";
    auto const bare =
        o.type == option_type::integer || o.type == option_type::seconds || o.type == option_type::boolean;
    if (!o.fallback.empty())
      text += fmt::format("{}  default: {}\n", indent, bare ? std::string(o.fallback) : quoted(o.fallback));
    if (!o.choices.empty()) text += fmt::format("{}  choices: [{}]\n", indent, joined(o.choices, ", "));
    if (!o.fields.empty()) {
      text += indent + "  suboptions:\n";
      document_options(text, o.fields, indent + "    ");
    }
  }
}

}  // namespace

std::string help_text(tool const& tool) {
  auto text = fmt::format("{}: {}\n\nUsage: {} --OPTION=VALUE...\n       {} ARGS-FILE   (as an Ansible module)\n\n",
                          tool.name, tool.summary, tool.name, tool.name);
  for (auto const& paragraph : tool.description) wrap(text, paragraph, 0);
  text += "\nOptions:\n";
  for (auto const& o : all_options(tool)) {
    auto const value = value_word(o.type);
    text += fmt::format("  {}{}{}\n", option_spelling(o.name), value.empty() ? "" : "=", value);
    std::string note(o.help);
    if (o.needed == presence::required) note += " Required.";
    if (!o.choices.empty()) note += " One of: " + joined(o.choices, ", ") + ".";
    if (!o.fallback.empty()) note += fmt::format(" Default: {}.", o.fallback);
    if (o.type == option_type::list || o.type == option_type::objects) note += " May be repeated.";
    wrap(text, note, 6);
  }
  for (auto const& [name, help] :
       {std::pair("--progress", "Tell on stderr where the call stands."), std::pair("--help", "This text."),
        std::pair("--version", "The version."), std::pair("--docs", "The documentation for ansible-doc.")}) {
    text += fmt::format("  {}\n", name);
    wrap(text, help, 6);
  }
  text += "\nResult: one JSON object on stdout.\n";
  text += "Exit status: 0 done, 1 refused or failed, 99 timed out, 100 usage, 111 system or network failure.\n";
  return text;
}

std::string docs_text(tool const& tool) {
  auto text = fmt::format("DOCUMENTATION:\n  module: {}\n  short_description: {}\n  description:\n", tool.name,
                          quoted(tool.summary));
  for (auto const& paragraph : tool.description) text += fmt::format("    - {}\n", quoted(paragraph));
  text += "  options:\n";
  document_options(text, all_options(tool), "    ");
  text += "  author: [tidb-binlog-upgrade]\nEXAMPLES: " + quoted(tool.examples) + "\nRETURN:\n";
  for (auto const& field : tool.results)
    text += fmt::format("  {}:\n    description: {}\n    returned: when it applies\n    type: {}\n", field.name,
                        quoted(field.help), field.type);
  return text;
}

}  // namespace module
