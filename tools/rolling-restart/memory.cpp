#include "memory.hpp"

#include <boost/json/serialize.hpp>

#include "core/file.hpp"

namespace rolling_restart {
namespace {

namespace json = core::json;

json::array strings(std::vector<std::string> const& list) {
  json::array array;
  for (auto const& s : list) array.push_back(json::string(s));
  return array;
}

std::vector<std::string> string_list(json::value const& object, std::string_view name) {
  std::vector<std::string> list;
  auto const* value = core::member(object, name);
  if (value == nullptr || !value->is_array()) return list;
  for (auto const& s : value->get_array())
    if (s.is_string()) list.emplace_back(s.get_string());
  return list;
}

std::optional<json::value> read(std::filesystem::path const& path) {
  auto const text = core::read_file(path);
  if (!text) return std::nullopt;
  auto value = core::parse_json(*text, path.string());
  return value ? std::optional(std::move(*value)) : std::nullopt;
}

}  // namespace

std::optional<remembered_node> recall_node(std::filesystem::path const& stage_dir) {
  auto const value = read(stage_dir / "node.json");
  if (!value) return std::nullopt;
  remembered_node node{string_list(*value, "argv"), core::string_member(*value, "cwd").value_or("/"),
                       string_list(*value, "environment"),
                       static_cast<uid_t>(core::integer_member(*value, "uid").value_or(0)),
                       static_cast<gid_t>(core::integer_member(*value, "gid").value_or(0))};
  return node.argv.empty() ? std::nullopt : std::optional(std::move(node));
}

core::result<void> remember_node(std::filesystem::path const& stage_dir, process::info const& node) {
  json::object const document{{"argv", strings(node.argv)},
                              {"cwd", node.cwd.string()},
                              {"environment", strings(node.environment)},
                              {"uid", node.uid},
                              {"gid", node.gid}};
  return core::replace_file(stage_dir / "node.json", json::serialize(document) + "\n", 0600);
}

core::result<void> write_phase(std::filesystem::path const& stage_dir, std::string_view phase) {
  return core::replace_file(stage_dir / "phase", std::string(phase) + "\n");
}

core::result<void> write_last(std::filesystem::path const& stage_dir, last_window const& last) {
  json::object const document{{"time", last.time},
                              {"action", last.action},
                              {"msg", last.msg},
                              {"error", last.error},
                              {"signals", strings(last.signals)}};
  return core::replace_file(stage_dir / "last.json", json::serialize(document) + "\n");
}

std::optional<last_window> troubled_last(std::filesystem::path const& stage_dir) {
  auto const value = read(stage_dir / "last.json");
  if (!value) return std::nullopt;
  last_window last{core::string_member(*value, "time").value_or(""), core::string_member(*value, "action").value_or(""),
                   core::string_member(*value, "msg").value_or(""), core::string_member(*value, "error").value_or(""),
                   string_list(*value, "signals")};
  if (last.error.empty() && last.signals.empty()) return std::nullopt;
  return last;
}

}  // namespace rolling_restart
