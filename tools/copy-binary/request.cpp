#include "copy-binary/request.hpp"

#include "files/digest.hpp"
#include "module/render.hpp"

#include <algorithm>

namespace copy_binary {
namespace {

using core::errc;
using core::error;

error usage(std::string what) { return {errc::usage, std::move(what), "see --help"}; }

component component_of(std::string const& word) {
  if (word == "pump") return component::pump;
  return word == "drainer" ? component::drainer : component::any;
}

core::result<fs::path> absolute(std::string const& text, std::string const& option) {
  auto const refused = [&](std::string const& cause) {
    return error{errc::bad_destination, "cannot use " + option + " " + text + ": " + cause,
                 "give the path of a file from the root, such as /deploy/bin/pump"};
  };
  if (module::escape_invalid_utf8(text) != text) return refused("it is not valid UTF-8");
  if (!fs::path(text).is_absolute()) return refused("not an absolute path");
  return fs::path(text).lexically_normal();
}

core::result<announced> decode_announced(module::params const& p, std::string const& where) {
  announced a{p.string("sha256"),
              static_cast<std::uint64_t>(p.integer("size")),
              p.string("name"),
              p.boolean("executable"),
              fs::path(p.string("upload")),
              p.string("encoding"),
              p.string("version")};
  if (!files::is_digest(a.sha256)) return usage("cannot use option " + where + "source.sha256: not 64 hex digits");
  return a;
}

core::result<void> check_sources(file_request const& f, std::string const& where) {
  auto const given = (f.src.empty() ? 0 : 1) + (f.content ? 1 : 0) + (f.source ? 1 : 0);
  if (given == 0) return usage("cannot do without option " + where + "src or " + where + "content: one is required");
  if (given > 1) return usage("cannot use option " + where + "src with " + where + "content: one only");
  if (!f.member.empty() && f.src.empty()) return usage("cannot use option " + where + "member: it needs src");
  return {};
}

core::result<file_request> decode_file(module::params const& p, std::string const& where) {
  file_request f;
  f.src = p.string("src");
  f.member = p.string("member");
  if (p.has("content")) f.content = p.string("content");
  if (auto const* source = p.value("source"); source != nullptr) {
    TRY_ASSIGN(f.source, decode_announced(module::params(source->get_object()), where));
  }
  TRY(check_sources(f, where));
  f.component = component_of(p.string("component"));
  f.sha256 = p.string("sha256");
  // As from a script's variable that was never set: whoever demands a digest must not get a file unverified.
  if (p.has("sha256") && f.sha256.empty()) return usage("cannot use option " + where + "sha256: it is empty");
  f.mode = p.mode("mode");
  f.owners = {p.string("owner"), p.string("group")};

  auto const dest = p.string("dest");
  if (dest.empty()) return usage("cannot do without option " + where + "dest: it is required");
  TRY_ASSIGN(f.dest, absolute(dest, where + "dest"));
  if (!f.dest.has_filename()) {
    auto const file_name = f.source_name();
    if (file_name.empty() || file_name == "." || file_name == "..")
      return usage("cannot use option " + where + "dest: a directory, and there is no file name to use in it");
    f.dest /= file_name;
  }
  return f;
}

core::result<void> check_set(request const& r) {
  std::vector<fs::path> all;
  for (auto const& f : r.files) all.push_back(f.dest);
  std::sort(all.begin(), all.end());
  if (auto const twice = std::adjacent_find(all.begin(), all.end()); twice != all.end())
    return usage("cannot use option files: two of them have the dest " + twice->string());
  auto const programs = std::count_if(r.files.begin(), r.files.end(),
                                      [](file_request const& f) { return f.component != component::any; });
  if (!r.probe_config.empty() && programs != 1)
    return usage("cannot use option probe_config: it needs one file with component pump or drainer");
  return {};
}

}  // namespace

std::string_view name(component component) {
  if (component == component::pump) return "pump";
  return component == component::drainer ? "drainer" : "any";
}

std::string file_request::source_name() const {
  if (!member.empty()) return fs::path(member).filename();
  if (source) return fs::path(source->name).filename();
  return src.filename();
}

core::result<request> decode(module::params const& p) {
  request r;
  r.listed = p.has("files");
  r.backup = static_cast<std::size_t>(p.integer("backup"));
  for (auto const& [option, path] :
       {std::pair("backup_dir", &r.backup_dir), {"stage_dir", &r.stage_dir}, {"probe_config", &r.probe_config}}) {
    if (!p.has(option)) continue;
    TRY_ASSIGN(*path, absolute(p.string(option), option));
  }
  if (r.listed) {
    for (auto const* single : {"src", "member", "content", "source", "dest", "sha256", "mode", "owner", "group"})
      if (p.has(single)) return usage(std::string("cannot use option ") + single + " with files: it belongs into it");
    if (p.string("component") != "any") return usage("cannot use option component with files: it belongs into it");
    auto const entries = p.objects("files");
    if (entries.empty()) return usage("cannot use option files: the list is empty");
    for (auto const& entry : entries) {
      TRY_ASSIGN(auto file, decode_file(entry, "files[" + std::to_string(r.files.size()) + "]."));
      r.files.push_back(std::move(file));
    }
  } else {
    TRY_ASSIGN(auto file, decode_file(p, ""));
    r.files.push_back(std::move(file));
  }
  for (auto const& entry : p.objects("directories")) {
    TRY_ASSIGN(auto path, absolute(entry.string("path"), "directories.path"));
    if (!path.has_filename()) path = path.parent_path();
    r.directories.push_back({path, entry.mode("mode"), {entry.string("owner"), entry.string("group")}});
  }
  TRY(check_set(r));
  return r;
}

std::optional<std::string> digest_in_sums(std::string_view text, std::vector<std::string> const& names) {
  struct entry {
    std::string digest;
    std::string name;
  };
  std::vector<entry> entries;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    auto digest = files::read_digest(line.substr(0, 64));
    if (!digest) continue;
    line.remove_prefix(64);
    if (!line.empty() && line.front() != ' ') continue;
    line.remove_prefix(std::min(line.find_first_not_of(" *"), line.size()));
    entries.push_back({std::move(*digest), fs::path(line).filename()});
  }
  for (auto const& name : names)
    for (auto const& each : entries)
      if (!name.empty() && each.name == name) return each.digest;
  if (entries.size() == 1 && entries[0].name.empty()) return entries[0].digest;
  return std::nullopt;
}

}  // namespace copy_binary
