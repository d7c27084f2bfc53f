// What a process was asked to do, in either face, before the options are checked.
#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "module/tool.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace module {

enum class face { command, ansible };

// Instead of running the tool.
enum class text_wanted { none, help, version, docs };

struct request {
  module::face face = face::command;
  json::object values;  // as given, by option name; lists of the command line are arrays
  text_wanted text = text_wanted::none;
  bool check = false;
  bool diff = false;
  bool no_log = false;
  bool progress = false;
  bool by_standard_input = false;
};

// The tool's options and then the common ones (check, diff, timeout) that it does not declare itself.
std::vector<option> all_options(tool const& tool);

// A sole argument that does not start with '-' is an args file, and so is "-": standard input.
bool is_args_file(std::vector<std::string> const& words);

// Reads and decodes an Ansible args file, "-" from standard input to its end; every failure is errc::usage.
core::result<request> read_args_file(std::filesystem::path const& path);
core::result<request> decode_args_file(std::string_view text, std::string_view what);

// --kebab-case options, value after '=' or as next word.
core::result<request> decode_command_line(tool const& tool, std::vector<std::string> const& words);

// "--deploy-dir" of "deploy_dir".
std::string option_spelling(std::string_view name);

// The one place where options are checked: unknown, missing, ill-typed, out of range are errc::usage and name the
// option. Values come out in one spelling each: string, int64, double (seconds), bool, int64 (mode), array of
// strings, object, array of objects. Defaults are filled in; null is the same as not given.
core::result<params> check_options(std::vector<option> const& options, json::object const& values);

}  // namespace module
