#include "copy-binary/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace copy_binary {
namespace {

// Directory blocks, the manifest, and what file systems round up.
constexpr std::uint64_t spare_bytes = 1U << 20U;

bool in_place(file_view const& f) {
  return f.present && f.present->sha256 == f.content.sha256 && f.present->attributes == f.wanted;
}

action action_for(file_view const& f, bool staging) {
  if (in_place(f)) return action::nothing;
  if (staging) {
    if (!f.staged_as) return action::copy;
    return *f.staged_as == f.wanted ? action::nothing : action::attributes;
  }
  return f.present && f.present->sha256 == f.content.sha256 ? action::attributes : action::copy;
}

bool backs_up(request const& r, file_view const& f, action what) {
  return r.stage_dir.empty() && r.backup > 0 && what == action::copy && f.present;
}

core::result<void> check_space(request const& r, snapshot const& host, std::vector<action> const& actions) {
  struct demand {
    std::uint64_t bytes = 0;
    std::uint64_t free = 0;
    fs::path path;
  };
  std::map<std::uint64_t, demand> demands;
  auto const add = [&](files::space const& space, fs::path const& path, std::uint64_t bytes) {
    auto& d = demands.try_emplace(space.device, demand{spare_bytes, space.free, path.parent_path()}).first->second;
    d.bytes += bytes;
  };
  for (std::size_t i = 0; i < actions.size(); ++i) {
    auto const& f = host.files[i];
    if (actions[i] == action::copy) add(f.space, f.dest, f.content.size);
    if (backs_up(r, f, actions[i]) && f.backup_space.device != f.space.device)
      add(f.backup_space, f.backup, f.present->size);
  }
  for (auto const& [device, d] : demands)
    if (d.bytes > d.free)
      return core::error{
          core::errc::no_space,
          fmt::format("cannot write to {}: {} bytes are needed there, {} are free", d.path.string(), d.bytes, d.free),
          "free space on that file system, then run the same command again"};
  return {};
}

core::result<void> check_runnable(request const& r, snapshot const& host) {
  for (std::size_t i = 0; i < host.files.size(); ++i) {
    auto const& f = host.files[i];
    if (r.files[i].component == component::any) continue;
    if (!f.space.runs_programs)
      return core::error{core::errc::bad_destination,
                         "cannot use " + f.dest.string() + ": its file system is mounted noexec",
                         "mount it without noexec, or name another directory"};
    if ((f.wanted.mode & 0111U) == 0)
      return core::error{core::errc::usage,
                         fmt::format("cannot use mode {:04o} for {}: a {} must be executable", f.wanted.mode,
                                     f.dest.string(), name(r.files[i].component)),
                         "give mode '0755'"};
  }
  return {};
}

std::string owner_text(files::attributes const& a) {
  return fmt::format("mode {:04o}, owner {}:{}", a.mode, a.owner, a.group);
}

void describe(plan& p, request const& r, file_view const& f, action what) {
  auto const target = p.staging ? fmt::format("{} (for {})", f.staged.string(), f.dest.string()) : f.dest.string();
  if (what == action::attributes) p.steps.push_back(fmt::format("set {} of {}", owner_text(f.wanted), target));
  if (what != action::copy) return;
  auto const content = fmt::format("sha256 {}, {} bytes", f.content.sha256.substr(0, 16), f.content.size);
  if (f.from.kind == origin::kind::nowhere || f.from.kind == origin::kind::upload)
    p.steps.push_back(fmt::format("send {} from the control host", content));
  p.steps.push_back(fmt::format("write {} ({}, {})", target, content, owner_text(f.wanted)));
  if (backs_up(r, f, what))
    p.steps.push_back(fmt::format("keep the former {} as {}", f.dest.string(), f.backup.string()));
}

}  // namespace

files::manifest manifest_of(request const& r, snapshot const& host) {
  files::manifest m{{}, "any", {}};
  for (std::size_t i = 0; i < host.files.size(); ++i) {
    auto const& f = host.files[i];
    m.files.push_back({f.dest, f.staged, f.content.sha256, f.wanted.mode, f.wanted.owner, f.wanted.group, {}});
    if (r.files[i].component != component::any) m.component = name(r.files[i].component);
  }
  m.set = files::set_digest(m);
  return m;
}

core::result<plan> make_plan(request const& r, snapshot const& host, bool manifest_there) {
  plan p;
  p.staging = !r.stage_dir.empty();
  for (auto const& f : host.files) p.actions.push_back(action_for(f, p.staging));
  TRY(check_runnable(r, host));
  TRY(check_space(r, host, p.actions));

  for (auto const& d : host.directories) {
    if (d.present && *d.present == d.wanted) continue;
    p.directories.push_back(d);
    p.steps.push_back(
        fmt::format("{} directory {} ({})", d.present ? "change" : "make", d.path.string(), owner_text(d.wanted)));
  }
  for (std::size_t i = 0; i < host.files.size(); ++i) {
    auto const& f = host.files[i];
    describe(p, r, f, p.actions[i]);
    auto const missing = p.actions[i] == action::copy && f.from.kind == origin::kind::nowhere;
    if (missing && std::find(p.need_upload.begin(), p.need_upload.end(), f.content.sha256) == p.need_upload.end())
      p.need_upload.push_back(f.content.sha256);
    if (missing && !r.files[i].mode && !f.present && f.content.head.empty() && r.files[i].component == component::any)
      p.warnings.push_back("the mode of " + f.dest.string() + " is guessed, as its content is not known here yet");
  }
  auto const acts = std::any_of(p.actions.begin(), p.actions.end(), [](action a) { return a != action::nothing; });
  p.changed = acts || !p.directories.empty();
  if (p.staging) {
    p.staged = manifest_of(r, host);
    auto const differs = !std::all_of(host.files.begin(), host.files.end(), in_place);
    if (differs && (!manifest_there || acts)) {
      p.changed = true;
      p.steps.push_back("write " + files::manifest_path(r.stage_dir, p.staged.set).string());
    }
  }
  return p;
}

}  // namespace copy_binary
