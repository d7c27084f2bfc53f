#include "copy-binary/execute.hpp"

#include "copy-binary/check.hpp"
#include "core/file.hpp"
#include "files/install.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

namespace copy_binary {
namespace {

// Something of each file to look at; nothing where the content is not here.
struct sight {
  std::optional<fs::path> path;
  std::optional<files::temporary_file> temporary;
  std::optional<files::memory_file> memory;
};

// Makes directories, and takes them away again unless they are kept.
class new_directories {
 public:
  new_directories() = default;
  new_directories(new_directories const&) = delete;
  new_directories& operator=(new_directories const&) = delete;
  ~new_directories() {
    for (auto at = made_.rbegin(); at != made_.rend(); ++at) ::rmdir(at->c_str());
  }

  core::result<void> make(directory_view const& d) {
    if (::mkdir(d.path.c_str(), 0700) != 0) {
      if (errno != EEXIST) return core::system_error("make directory " + d.path.string(), errno);
    } else {
      made_.push_back(d.path);
    }
    TRY(files::set_attributes(d.path, d.wanted));
    return core::sync_directory(d.path.parent_path());
  }
  void keep() { made_.clear(); }

 private:
  std::vector<fs::path> made_;
};

std::string source_text(file_request const& asked) {
  if (asked.content) return "the content for " + asked.dest.string();
  if (asked.source) return asked.source->name.empty() ? "the file for " + asked.dest.string() : asked.source->name;
  return asked.member.empty() ? asked.src.string() : asked.src.string() + ":" + asked.member;
}

bool must_be_seen(execution const& e, std::size_t i) {
  return e.asked.files[i].component != component::any || e.asked.files[i].dest == e.asked.probe_config;
}

// What is there already under a name that it keeps.
fs::path settled_path(execution const& e, std::size_t i) {
  auto const& f = e.host.files[i];
  auto const in_dest = f.present && f.present->sha256 == f.content.sha256;
  return in_dest || !e.plan.staging ? f.dest : f.staged;
}

core::result<void> see_in_memory(file_view const& f, origin const& from, sight& seen) {
  TRY_ASSIGN(auto const source, open(from));
  if (files::memory_file::possible()) {
    TRY_ASSIGN(auto memory, files::memory_file::write(*source, f.content.sha256, f.content.size));
    seen.memory.emplace(std::move(memory));
    seen.path = seen.memory->path();
  } else {
    TRY_ASSIGN(auto temporary, files::temporary_file::write("/tmp/copy-binary", *source, f.content.sha256,
                                                            f.content.size, {0700, ::geteuid(), ::getegid()}));
    seen.temporary.emplace(std::move(temporary));
    seen.path = seen.temporary->path();
  }
  return {};
}

core::result<sight> see_without_trace(execution const& e, std::size_t i) {
  sight seen;
  auto const& f = e.host.files[i];
  if (e.plan.actions[i] == action::nothing) {
    seen.path = settled_path(e, i);
  } else if (e.plan.actions[i] == action::attributes) {
    // It may not be executable yet where it is.
    TRY(see_in_memory(f, {origin::kind::file, settled_path(e, i), {}, {}, {}}, seen));
  } else if (f.from.kind != origin::kind::nowhere && must_be_seen(e, i)) {
    TRY(see_in_memory(f, f.from, seen));
  }
  return seen;
}

core::result<void> check_programs(execution const& e, std::vector<sight> const& seen, executed& done) {
  for (std::size_t i = 0; i < seen.size(); ++i) {
    auto const& asked = e.asked.files[i];
    auto const& f = e.host.files[i];
    if (asked.component == component::any) continue;
    if (f.present && f.present->sha256 != f.content.sha256)
      done.findings[i].former_version = version_of_present(f.dest, e.deadline);
    if (!seen[i].path) {
      // Check mode of a playbook: the content is still on the control host, where its version was asked.
      if (asked.source) done.findings[i].version = asked.source->version;
      continue;
    }
    e.tell("checking " + source_text(asked));
    TRY_ASSIGN(done.findings[i].version, check_program(*seen[i].path, source_text(asked), asked.component, e.deadline));
  }
  return {};
}

core::result<void> check_config(execution const& e, std::vector<sight> const& seen) {
  if (e.asked.probe_config.empty()) return {};
  std::optional<fs::path> binary;
  std::optional<fs::path> config = e.asked.probe_config;
  bool in_set = false;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (e.asked.files[i].component != component::any) binary = seen[i].path;
    if (e.asked.files[i].dest != e.asked.probe_config) continue;
    config = seen[i].path;
    in_set = true;
  }
  if (!in_set) TRY(core::read_file(e.asked.probe_config));
  if (!binary || !config) return {};
  e.tell("trying " + e.asked.probe_config.string() + " with the new binary");
  return probe(*binary, *config, e.asked.probe_config, e.deadline);
}

core::result<void> check_all(execution const& e, std::vector<sight> const& seen, executed& done) {
  TRY(check_programs(e, seen, done));
  return check_config(e, seen);
}

core::result<void> in_time(execution const& e) {
  if (!e.deadline.passed()) return {};
  return core::error{core::errc::timed_out, "cannot go on: the timeout of the call has passed; nothing was changed",
                     "give a longer timeout"};
}

core::result<std::vector<sight>> write_all(execution const& e) {
  std::set<fs::path> cleaned;
  std::vector<sight> seen;
  for (std::size_t i = 0; i < e.host.files.size(); ++i) {
    auto const& f = e.host.files[i];
    if (cleaned.insert(f.dest.parent_path()).second) files::remove_leftovers(f.dest.parent_path());
    if (e.plan.actions[i] != action::copy) {
      TRY_ASSIGN(auto one, see_without_trace(e, i));
      seen.push_back(std::move(one));
      continue;
    }
    e.tell("writing " + f.dest.string());
    sight one;
    TRY_ASSIGN(auto const source, open(f.from));
    TRY_ASSIGN(auto temporary,
               files::temporary_file::write(f.dest, *source, f.content.sha256, f.content.size, f.wanted));
    one.temporary.emplace(std::move(temporary));
    one.path = one.temporary->path();
    seen.push_back(std::move(one));
    TRY(in_time(e));
  }
  return seen;
}

core::result<void> stage(execution& e, std::vector<sight>& seen, executed& done) {
  for (std::size_t i = 0; i < seen.size(); ++i) {
    auto const& f = e.host.files[i];
    e.plan.staged.files[i].version = done.findings[i].version;
    if (e.plan.actions[i] == action::nothing) continue;
    done.touched = true;
    if (e.plan.actions[i] == action::attributes) {
      TRY(files::set_attributes(f.staged, f.wanted));
    } else {
      TRY(seen[i].temporary->rename_to(f.staged));
    }
  }
  if (files::read_manifest(e.asked.stage_dir, e.plan.staged.set)) return {};
  return files::write_manifest(e.asked.stage_dir, e.plan.staged);
}

core::result<void> install(execution& e, std::vector<sight>& seen, executed& done) {
  auto const keeps = [&](std::size_t i) {
    return e.plan.actions[i] == action::copy && e.host.files[i].present && e.asked.backup > 0;
  };
  for (std::size_t i = 0; i < seen.size(); ++i) {
    auto const& f = e.host.files[i];
    if (keeps(i)) TRY(files::back_up(f.dest, f.present->sha256, f.backup));
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    auto const& f = e.host.files[i];
    if (e.plan.actions[i] == action::nothing) continue;
    done.touched = true;
    if (e.plan.actions[i] == action::attributes) {
      TRY(files::set_attributes(f.dest, f.wanted));
    } else {
      TRY(seen[i].temporary->rename_to(f.dest));
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (keeps(i)) files::remove_old_backups(e.host.files[i].backup, e.asked.backup);
  return {};
}

}  // namespace

core::result<void> rehearse(execution& e, executed& done) {
  done.findings.resize(e.host.files.size());
  std::vector<sight> seen;
  for (std::size_t i = 0; i < e.host.files.size(); ++i) {
    TRY_ASSIGN(auto one, see_without_trace(e, i));
    seen.push_back(std::move(one));
  }
  TRY(check_all(e, seen, done));
  for (std::size_t i = 0; i < e.plan.staged.files.size(); ++i)
    e.plan.staged.files[i].version = done.findings[i].version;
  return {};
}

core::result<void> carry_out(execution& e, executed& done) {
  done.findings.resize(e.host.files.size());
  TRY(in_time(e));
  new_directories made;
  for (auto const& d : e.plan.directories)
    if (!d.present) TRY(made.make(d));
  TRY_ASSIGN(auto seen, write_all(e));
  TRY(check_all(e, seen, done));
  TRY(in_time(e));

  made.keep();
  done.touched = !e.plan.directories.empty();
  for (auto const& d : e.plan.directories)
    if (d.present) TRY(files::set_attributes(d.path, d.wanted));
  return e.plan.staging ? stage(e, seen, done) : install(e, seen, done);
}

}  // namespace copy_binary
