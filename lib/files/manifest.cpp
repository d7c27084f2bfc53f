#include "files/manifest.hpp"

#include "core/file.hpp"
#include "files/digest.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <limits>

namespace files {
namespace {

namespace fs = std::filesystem;
namespace json = core::json;

constexpr std::size_t max_files = 1000;
constexpr char const* again = "stage the set again with copy-binary";

core::error malformed(std::string_view what, std::string const& cause) {
  return {core::errc::stage_changed, "cannot use " + std::string(what) + ": " + cause, again};
}

// One line that differs wherever the files that end up in place would differ.
std::string identity_line(staged_file const& f) {
  return sha256(f.dest.string()) + " " + f.sha256 + " " + std::to_string(f.mode) + " " + std::to_string(f.owner) + " " +
         std::to_string(f.group) + "\n";
}

core::result<staged_file> decode_file(json::value const& value, std::string_view what) {
  constexpr std::int64_t most_id = std::numeric_limits<uid_t>::max() - 1;  // the last one means "leave as it is"
  auto const dest = core::string_member(value, "dest");
  auto const path = core::string_member(value, "path");
  auto const sha256 = core::string_member(value, "sha256");
  auto const mode = core::integer_member(value, "mode");
  auto const owner = core::integer_member(value, "owner");
  auto const group = core::integer_member(value, "group");
  if (!dest || !path || !sha256 || !mode || !owner || !group)
    return malformed(what, "a file without dest, path, sha256, mode, owner or group");
  auto const plain = [](std::string const& p) {
    return fs::path(p).is_absolute() && p.find('\0') == std::string::npos;
  };
  if (!plain(*dest) || !plain(*path)) return malformed(what, "a path that is not absolute");
  if (!is_digest(*sha256)) return malformed(what, "a digest that is not 64 hex digits");
  if (*mode < 0 || *mode > 07777 || *owner < 0 || *owner > most_id || *group < 0 || *group > most_id)
    return malformed(what, "mode, owner or group out of range");
  return staged_file{*dest,
                     *path,
                     *sha256,
                     static_cast<unsigned>(*mode),
                     static_cast<uid_t>(*owner),
                     static_cast<gid_t>(*group),
                     core::string_member(value, "version").value_or("")};
}

}  // namespace

std::string set_digest(manifest const& manifest) {
  std::vector<std::string> lines;
  for (auto const& f : manifest.files) lines.push_back(identity_line(f));
  std::sort(lines.begin(), lines.end());
  hasher h;
  for (auto const& line : lines) h.add(line.data(), line.size());
  return h.finish();
}

fs::path staged_path(fs::path const& dest, std::string_view sha256) {
  return dest.parent_path() / ("." + dest.filename().string() + "." + std::string(sha256.substr(0, 16)) + ".staged");
}

fs::path manifest_path(fs::path const& stage_dir, std::string_view set) { return stage_dir / set / "manifest.json"; }

json::object encode(manifest const& manifest) {
  json::array all;
  for (auto const& f : manifest.files)
    all.push_back(json::object{{"dest", f.dest.string()},
                               {"path", f.path.string()},
                               {"sha256", f.sha256},
                               {"mode", f.mode},
                               {"owner", f.owner},
                               {"group", f.group},
                               {"version", f.version}});
  return {{"set", manifest.set}, {"component", manifest.component}, {"files", std::move(all)}};
}

core::result<manifest> decode_manifest(json::value const& value, std::string_view what) {
  auto const set = core::string_member(value, "set");
  auto const component = core::string_member(value, "component");
  auto const* all = core::member(value, "files");
  if (!set || !component || all == nullptr || !all->is_array())
    return malformed(what, "no set, component or list of files in it");
  if (all->get_array().size() > max_files) return malformed(what, "more than 1000 files");
  manifest m{*set, *component, {}};
  for (auto const& each : all->get_array()) {
    TRY_ASSIGN(auto file, decode_file(each, what));
    auto const same = [&](staged_file const& other) { return other.dest == file.dest; };
    if (std::any_of(m.files.begin(), m.files.end(), same))
      return malformed(what, "two files for " + file.dest.string());
    m.files.push_back(std::move(file));
  }
  return m;
}

core::result<manifest> read_manifest(fs::path const& stage_dir, std::string_view set) {
  if (!is_digest(set)) return malformed("set \"" + std::string(set) + "\"", "not a digest of 64 hex digits");
  auto const path = manifest_path(stage_dir, set);
  auto const text = core::read_file(path);
  if (!text) return core::error{core::errc::stage_changed, text.error().what, again};
  auto const value = core::parse_json(*text, path.string());
  if (!value) return core::error{core::errc::stage_changed, value.error().what, again};
  TRY_ASSIGN(auto manifest, decode_manifest(*value, path.string()));
  if (manifest.set != set || set_digest(manifest) != set)
    return malformed(path.string(), "its files are not those of the set");
  return manifest;
}

core::result<void> write_manifest(fs::path const& stage_dir, manifest const& manifest) {
  auto const path = manifest_path(stage_dir, manifest.set);
  std::error_code ec;
  fs::create_directories(path.parent_path(), ec);
  if (ec) return core::system_error("make directory " + path.parent_path().string(), ec.value());
  TRY(core::replace_file(path, json::serialize(encode(manifest)) + "\n"));
  return core::sync_directory(stage_dir);
}

}  // namespace files
