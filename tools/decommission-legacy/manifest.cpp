#include "manifest.hpp"

#include <array>
#include <boost/json/serialize.hpp>

#include "core/file.hpp"

namespace decommission_legacy {
namespace {

using core::json::array;
using core::json::object;
using core::json::value;

constexpr std::array<std::string_view, 7> stage_names = {"recorded", "stopping",  "signalled", "stopped",
                                                         "retired",  "restoring", "restored"};

array texts(std::vector<std::string> const& list) {
  array all;
  for (auto const& each : list) all.push_back(core::json::string(each));
  return all;
}

std::vector<std::string> texts_in(value const& holder, std::string_view name) {
  std::vector<std::string> all;
  auto const* list = core::member(holder, name);
  if (list == nullptr || !list->is_array()) return all;
  for (auto const& each : list->get_array())
    if (each.is_string()) all.emplace_back(each.get_string());
  return all;
}

array files_of(std::vector<recorded_file> const& files) {
  array all;
  for (auto const& file : files) {
    object entry{{"path", file.path}, {"size", file.size}};
    if (!file.sha256.empty()) entry["sha256"] = file.sha256;
    all.push_back(std::move(entry));
  }
  return all;
}

std::vector<recorded_file> files_in(value const& holder, std::string_view name) {
  std::vector<recorded_file> all;
  auto const* list = core::member(holder, name);
  if (list == nullptr || !list->is_array()) return all;
  for (auto const& each : list->get_array())
    if (auto path = core::string_member(each, "path"))
      all.push_back({std::move(*path), static_cast<std::uint64_t>(core::integer_member(each, "size").value_or(0)),
                     core::string_member(each, "sha256").value_or("")});
  return all;
}

// An environment may hold any bytes; JSON only UTF-8. Boost.JSON passes both through.
object process_of(recorded_process const& p) {
  return {{"pid", p.id.pid},
          {"start_ticks", p.id.start_ticks},
          {"exe", p.exe},
          {"exe_sha256", p.exe_sha256},
          {"argv", texts(p.argv)},
          {"cwd", p.cwd},
          {"environment", texts(p.environment)},
          {"uid", p.uid},
          {"gid", p.gid}};
}

recorded_process process_in(value const& v) {
  recorded_process p;
  p.id.pid = static_cast<pid_t>(core::integer_member(v, "pid").value_or(0));
  p.id.start_ticks = static_cast<std::uint64_t>(core::integer_member(v, "start_ticks").value_or(0));
  p.exe = core::string_member(v, "exe").value_or("");
  p.exe_sha256 = core::string_member(v, "exe_sha256").value_or("");
  p.argv = texts_in(v, "argv");
  p.cwd = core::string_member(v, "cwd").value_or("");
  p.environment = texts_in(v, "environment");
  p.uid = static_cast<uid_t>(core::integer_member(v, "uid").value_or(0));
  p.gid = static_cast<gid_t>(core::integer_member(v, "gid").value_or(0));
  return p;
}

std::optional<stage> stage_of(std::string_view text) {
  for (std::size_t i = 0; i < stage_names.size(); ++i)
    if (stage_names[i] == text) return static_cast<stage>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name(stage stage) { return stage_names[static_cast<std::size_t>(stage)]; }

std::filesystem::path manifest_path(std::filesystem::path const& directory) { return directory / "manifest.json"; }

std::string encode(manifest const& m) {
  object document{{"format", 1},
                  {"stage", name(m.stage)},
                  {"component", m.component},
                  {"port", m.port},
                  {"recorded_at", m.recorded_at},
                  {"node_id", m.node_id},
                  {"pd_urls", texts(m.pd_urls)},
                  {"unit", m.unit},
                  {"unit_file", m.unit_file},
                  {"supervised", m.supervised},
                  {"down_file", m.down_file},
                  {"process", m.process ? value(process_of(*m.process)) : value(nullptr)},
                  {"data_dirs", texts(m.data_dirs)},
                  {"files", files_of(m.files)},
                  {"files_left_out", m.files_left_out},
                  {"copies", files_of(m.copies)},
                  {"start_command", texts(m.start_command)},
                  {"verified", m.verified}};
  return core::json::serialize(document) + "\n";
}

core::result<manifest> decode_manifest(std::string_view text, std::string const& what) {
  auto const bad = [&](std::string const& cause) {
    return core::error{core::errc::journal_damaged, "cannot read " + what + ": " + cause,
                       "look at it; it says what was stopped here and how it ran"};
  };
  auto const root = core::parse_json(text, what);
  if (!root || !root->is_object()) return bad("it is no JSON object");
  auto const known = stage_of(core::string_member(*root, "stage").value_or(""));
  auto const component = core::string_member(*root, "component");
  auto const port = core::integer_member(*root, "port");
  if (core::integer_member(*root, "format") != 1 || !known || !component || !port || *port < 1 || *port > 65535)
    return bad("it is not of this tool");
  manifest m;
  m.stage = *known;
  m.component = *component;
  m.port = static_cast<std::uint16_t>(*port);
  m.recorded_at = core::string_member(*root, "recorded_at").value_or("");
  m.node_id = core::string_member(*root, "node_id").value_or("");
  m.pd_urls = texts_in(*root, "pd_urls");
  m.unit = core::string_member(*root, "unit").value_or("");
  m.unit_file = core::string_member(*root, "unit_file").value_or("");
  m.supervised = core::bool_member(*root, "supervised").value_or(false);
  m.down_file = core::string_member(*root, "down_file").value_or("");
  if (auto const* p = core::member(*root, "process"); p != nullptr && p->is_object()) m.process = process_in(*p);
  m.data_dirs = texts_in(*root, "data_dirs");
  m.files = files_in(*root, "files");
  m.files_left_out = core::bool_member(*root, "files_left_out").value_or(false);
  m.copies = files_in(*root, "copies");
  m.start_command = texts_in(*root, "start_command");
  if (auto const* seen = core::member(*root, "verified"); seen != nullptr && seen->is_object())
    m.verified = seen->get_object();
  return m;
}

core::result<std::optional<manifest>> recall(std::filesystem::path const& directory) {
  auto const path = manifest_path(directory);
  std::error_code ec;
  if (!std::filesystem::exists(path, ec)) return std::optional<manifest>();
  auto const text = core::read_file(path, 256U << 20U);
  if (!text) return core::error{core::errc::journal_damaged, text.error().what, "run the tool as root"};
  TRY_ASSIGN(auto m, decode_manifest(*text, path.string()));
  return std::optional(std::move(m));
}

core::result<void> remember(std::filesystem::path const& directory, manifest const& m) {
  return core::replace_file(manifest_path(directory), encode(m), 0600);
}

}  // namespace decommission_legacy
