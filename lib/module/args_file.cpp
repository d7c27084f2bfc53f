#include "core/file.hpp"
#include "module/request.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace module {
namespace {

constexpr std::size_t max_args_file = 32U << 20U;
constexpr auto standard_input = "-";

core::error usage(std::string what, std::string hint = "see --help") {
  return {core::errc::usage, std::move(what), std::move(hint)};
}

// Spelled in any way an option may be: a check mode that was not understood would be a real run.
core::result<bool> flag(json::object const& values, std::string_view name) {
  auto const* v = values.if_contains(name);
  if (v == nullptr) return false;
  TRY_ASSIGN(auto const read,
             check_options({{.name = name, .type = option_type::boolean, .help = {}}}, json::object{{name, *v}}));
  return read.boolean(name);
}

core::result<request> read_standard_input() {
  if (::isatty(STDIN_FILENO) == 1) return usage("cannot use -: standard input is a terminal, no args file");
  std::string text;
  std::array<char, 65536> block{};
  for (ssize_t n = 1; n != 0;) {
    n = ::read(STDIN_FILENO, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return usage("cannot read standard input: " + std::generic_category().message(errno));
    text.append(block.data(), static_cast<std::size_t>(n));
    if (text.size() > max_args_file) return usage("cannot read standard input: more than an args file holds");
  }
  auto asked = decode_args_file(text, "args file -");
  if (asked) asked->by_standard_input = true;
  return asked;
}

}  // namespace

bool is_args_file(std::vector<std::string> const& words) {
  return words.size() == 1 && !words[0].empty() && (words[0][0] != '-' || words[0] == standard_input);
}

core::result<request> decode_args_file(std::string_view text, std::string_view what) {
  auto parsed = core::parse_json(text, what);
  if (!parsed) return usage(parsed.error().what, "an args file holds one JSON object");
  auto const* values = parsed->if_object();
  if (values == nullptr) return usage("cannot use " + std::string(what) + ": not a JSON object");

  request r;
  r.face = face::ansible;
  for (auto const& [name, told] :
       {std::pair("_ansible_check_mode", &r.check), {"_ansible_diff", &r.diff}, {"_ansible_no_log", &r.no_log}}) {
    TRY_ASSIGN(*told, flag(*values, name));
  }
  for (auto const& [key, value] : *values)
    if (!key.starts_with("_ansible_")) r.values.emplace(key, value);
  return r;
}

core::result<request> read_args_file(std::filesystem::path const& path) {
  if (path == standard_input) return read_standard_input();
  std::error_code ec;
  auto const status = std::filesystem::status(path, ec);
  if (!std::filesystem::exists(status))
    return usage("cannot use " + path.string() + ": neither an option (--name) nor a readable args file");
  if (!std::filesystem::is_regular_file(status)) return usage("cannot use " + path.string() + ": not a regular file");
  auto text = core::read_file(path, max_args_file);
  if (!text) return usage(text.error().what);
  return decode_args_file(*text, "args file " + path.string());
}

}  // namespace module
