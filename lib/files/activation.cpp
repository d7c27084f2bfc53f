#include "files/activation.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "core/file.hpp"
#include "files/digest.hpp"

namespace files {
namespace {

namespace fs = std::filesystem;
using core::errc;
using core::error;
using core::result;

bool holds(fs::path const& path, std::string_view sha256) {
  auto const digest = sha256_of_file(path);
  return digest && *digest == sha256;
}

error changed_meanwhile(fs::path const& path) {
  return {errc::stage_changed, "cannot activate: " + path.string() + " was changed since it was prepared",
          "look who else writes it, then run the same command again"};
}

// A second name for the same content: a hard link, or a copy where the file system can't link.
result<void> duplicate(fs::path const& from, fs::path const& to, std::string_view sha256) {
  if (::link(from.c_str(), to.c_str()) == 0) return {};
  if (errno == EEXIST) {
    if (::unlink(to.c_str()) != 0) return core::system_error("replace " + to.string(), errno);
    if (::link(from.c_str(), to.c_str()) == 0) return {};
  }
  if (errno == ENOENT) return core::system_error("link " + from.string() + " to " + to.string(), errno);
  auto copied = copy_file(from, to, sha256);
  if (!copied && copied.error().code == errc::digest_mismatch) return changed_meanwhile(from);
  return copied;
}

// `content` becomes `dest` in one rename; `content` keeps its own name.
result<void> put_in_place(fs::path const& content, fs::path const& dest, std::string_view sha256) {
  auto const next = dest.parent_path() / ("." + dest.filename().string() + ".next");
  TRY(duplicate(content, next, sha256));
  if (::rename(next.c_str(), dest.c_str()) != 0) {
    auto const e = errno;
    ::unlink(next.c_str());
    return core::system_error("rename " + next.string() + " to " + dest.string(), e);
  }
  // rename() of two names of one file does nothing and leaves both.
  ::unlink(next.c_str());
  return core::sync_directory(dest.parent_path());
}

result<void> keep_former(staged_file const& file, former_file const& former) {
  if (former.sha256.empty() || holds(former.backup, former.sha256)) return {};
  TRY(duplicate(file.dest, former.backup, former.sha256));
  keep_digest(former.backup);
  if (!holds(former.backup, former.sha256))
    return error{errc::stage_changed,
                 "cannot back up " + file.dest.string() + ": it changed while it was being replaced",
                 "look who else writes this file, then run the same command again"};
  return core::sync_directory(former.backup.parent_path());
}

// All zero where there is no file.
stamp stamp_of(fs::path const& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return {};
  return {now.st_dev, now.st_ino, now.st_size, now.st_mtim.tv_sec * 1'000'000'000LL + now.st_mtim.tv_nsec};
}

result<void> put_back_content(staged_file const& file, former_file const& former) {
  if (holds(file.dest, former.sha256)) return {};
  if (!holds(former.backup, former.sha256))
    return error{
        errc::rollback_failed,
        "cannot put " + file.dest.string() + " back: its backup " + former.backup.string() + " is missing or damaged",
        "put the former version there by hand, then run the same command again"};
  return put_in_place(former.backup, file.dest, former.sha256);
}

result<void> put_back(staged_file const& file, former_file const& former) {
  if (former.sha256.empty()) {
    if (::unlink(file.dest.c_str()) != 0 && errno != ENOENT)
      return core::system_error("remove " + file.dest.string(), errno);
    return core::sync_directory(file.dest.parent_path());
  }
  TRY(put_back_content(file, former));
  if (former.attributes) TRY(set_attributes(file.dest, *former.attributes));
  return {};
}

std::optional<attributes> attributes_of(fs::path const& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return std::nullopt;
  return attributes{now.st_mode & 07777U, now.st_uid, now.st_gid};
}

bool changes_content(activation const& a) {
  for (std::size_t i = 0; i < a.formers.size(); ++i)
    if (a.formers[i].sha256 != a.set.files[i].sha256) return true;
  return false;
}

// What other sets still wait for.
std::set<fs::path> staged_paths_of_others(fs::path const& stage_dir, std::string_view own_set) {
  std::set<fs::path> paths;
  std::error_code ec;
  for (auto const& entry : fs::directory_iterator(stage_dir, ec)) {
    auto const set = entry.path().filename().string();
    if (set == own_set || !entry.is_directory(ec)) continue;
    if (auto const other = read_manifest(stage_dir, set); other)
      for (auto const& file : other->files) paths.insert(file.path);
  }
  return paths;
}

void forget_manifest(fs::path const& stage_dir, std::string_view set) {
  ::unlink(manifest_path(stage_dir, set).c_str());
  ::rmdir(manifest_path(stage_dir, set).parent_path().c_str());
}

// Its manifest stays: staging the same set again then finds all as it was.
void forget_staged(fs::path const& stage_dir, manifest const& set) {
  auto const needed = staged_paths_of_others(stage_dir, set.set);
  for (auto const& file : set.files)
    if (!needed.contains(file.path)) ::unlink(file.path.c_str());
}

void forget_old_backups(journal& journal, std::size_t keep) {
  while (journal.committed.size() > keep) {
    auto const oldest = journal.committed.front();
    journal.committed.erase(journal.committed.begin());
    for (auto const& former : oldest.formers) {
      auto const still_used = std::any_of(journal.committed.begin(), journal.committed.end(), [&](auto const& a) {
        return std::any_of(a.formers.begin(), a.formers.end(),
                           [&](former_file const& f) { return f.backup == former.backup; });
      });
      if (!former.sha256.empty() && !still_used) ::unlink(former.backup.c_str());
    }
  }
}

}  // namespace

fs::path backup_path(fs::path const& dest, std::string_view sha256) {
  auto const name = dest.filename().string() + "." + std::string(sha256.substr(0, 16));
  auto const shared = dest.parent_path().parent_path() / "backup";
  std::error_code ec;
  if (fs::is_directory(shared, ec)) return shared / name;
  return dest.parent_path() / ("." + name + ".former");
}

std::vector<staged_file> differing_files(manifest const& set) {
  std::vector<staged_file> differing;
  for (auto const& file : set.files) {
    struct stat attributes {};
    auto const same = ::lstat(file.dest.c_str(), &attributes) == 0 && S_ISREG(attributes.st_mode) &&
                      (attributes.st_mode & 07777U) == file.mode && attributes.st_uid == file.owner &&
                      attributes.st_gid == file.group && holds(file.dest, file.sha256);
    if (!same) differing.push_back(file);
  }
  return differing;
}

result<void> check_staged(manifest const& set) {
  for (auto const& file : set.files)
    if (!holds(file.path, file.sha256) && !holds(file.dest, file.sha256))
      return error{errc::stage_changed,
                   "cannot activate set " + set.set.substr(0, 12) + ": the staged file for " + file.dest.string() +
                       " is missing or damaged",
                   "stage the set again"};
  return {};
}

result<activation> prepare(journal const& journal, manifest const& set, direction direction) {
  TRY(check_staged(set));
  auto const resumed = journal.in_flight && journal.in_flight->set.set == set.set &&
                       journal.in_flight->state != activation_state::undoing;
  activation prepared{set, {}, activation_state::activating, direction == direction::roll_back};
  for (std::size_t i = 0; i < set.files.size(); ++i) {
    auto const& file = set.files[i];
    auto const digest = sha256_of_file(file.dest);
    former_file former =
        digest ? former_file{*digest, backup_path(file.dest, *digest), attributes_of(file.dest)} : former_file{};
    // What an earlier call replaced is what counts, not what it left.
    if (resumed)
      former = journal.in_flight->formers[i];
    else
      TRY(keep_former(file, former));
    prepared.formers.push_back(std::move(former));
  }
  for (auto const& file : set.files) {
    prepared.dest_stamps.push_back(stamp_of(file.dest));
    prepared.staged_stamps.push_back(stamp_of(file.path));
  }
  return prepared;
}

result<void> activate(fs::path const& stage_dir, journal& journal, activation const& prepared) {
  auto const& set = prepared.set;
  for (std::size_t i = 0; i < set.files.size(); ++i)
    if (stamp_of(set.files[i].dest) != prepared.dest_stamps[i] ||
        stamp_of(set.files[i].path) != prepared.staged_stamps[i])
      return changed_meanwhile(set.files[i].dest);
  journal.in_flight = prepared;
  TRY(write_journal(stage_dir, journal));
  for (std::size_t i = 0; i < set.files.size(); ++i) {
    auto const& file = set.files[i];
    auto const is_staged = prepared.staged_stamps[i] != stamp{};
    if (is_staged && prepared.formers[i].sha256 != file.sha256) TRY(put_in_place(file.path, file.dest, file.sha256));
    if (::chown(file.dest.c_str(), file.owner, file.group) != 0 || ::chmod(file.dest.c_str(), file.mode) != 0)
      return core::system_error("set mode and owner of " + file.dest.string(), errno);
    keep_digest(file.dest);
  }
  journal.in_flight->state = activation_state::active;
  return write_journal(stage_dir, journal);
}

result<void> undo(fs::path const& stage_dir, journal& journal) {
  if (!journal.in_flight) return {};
  auto& in_flight = *journal.in_flight;
  in_flight.state = activation_state::undoing;
  TRY(write_journal(stage_dir, journal));
  for (std::size_t i = in_flight.set.files.size(); i-- > 0;)
    TRY(put_back(in_flight.set.files[i], in_flight.formers[i]));
  journal.failed_set = in_flight.set.set;
  journal.in_flight.reset();
  return write_journal(stage_dir, journal);
}

result<void> commit(fs::path const& stage_dir, journal& journal, std::size_t keep) {
  if (!journal.in_flight) return {};
  auto proven = std::move(*journal.in_flight);
  journal.in_flight.reset();
  auto const set = proven.set;
  if (proven.roll_back) {
    if (!journal.committed.empty()) {
      journal.failed_set = journal.committed.back().set.set;
      journal.committed.pop_back();
    }
    journal.rolled_back = true;
    return write_journal(stage_dir, journal);
  }
  if (changes_content(proven)) {
    if (!journal.committed.empty() && journal.committed.back().set.set != set.set)
      forget_manifest(stage_dir, journal.committed.back().set.set);
    journal.committed.push_back(std::move(proven));
    journal.rolled_back = false;
  }
  if (journal.failed_set == set.set) journal.failed_set.clear();
  forget_old_backups(journal, keep);
  TRY(write_journal(stage_dir, journal));
  forget_staged(stage_dir, set);
  for (auto const& file : set.files) keep_digest(file.dest);
  return {};
}

result<manifest> former_set(journal const& journal) {
  auto const nothing = [](std::string const& cause) {
    return error{errc::nothing_to_roll_back, "cannot roll back: " + cause,
                 "stage the version wanted and restart onto it"};
  };
  if (journal.committed.empty()) return nothing("no former version is known on this host");
  auto const& newest = journal.committed.back();
  manifest former{{}, newest.set.component, {}};
  for (std::size_t i = 0; i < newest.set.files.size(); ++i) {
    auto const& before = newest.formers[i];
    if (before.sha256.empty()) continue;
    auto const& content = holds(before.backup, before.sha256) ? before.backup : newest.set.files[i].dest;
    auto const as = before.attributes ? before.attributes : attributes_of(content);
    if (!holds(content, before.sha256) || !as)
      return nothing("the backup " + before.backup.string() + " is missing or damaged");
    former.files.push_back({newest.set.files[i].dest, content, before.sha256, as->mode, as->owner, as->group, ""});
  }
  former.set = set_digest(former);
  return former;
}

}  // namespace files
