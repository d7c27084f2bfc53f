// Puts a staged set in place, and takes it back. Every step is journaled in <stage_dir>/journal.json before it is done,
// so that a call after a crash finds what was meant and finishes or undoes it.
#pragma once

#include "core/error.hpp"
#include "files/install.hpp"
#include "files/manifest.hpp"

#include <sys/stat.h>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace files {

// A file as stat tells it: the same stamp, the same content.
struct stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t written_ns = 0;  // mtime
  friend bool operator==(stamp const&, stamp const&) = default;
};

// What stood at a destination before.
struct former_file {
  std::string sha256;            // empty: there was no file
  std::filesystem::path backup;  // a hard link (or copy) made before the rename
  // Its mode and owner: a file whose content stays is one with its backup. Journals of earlier versions lack them.
  std::optional<files::attributes> attributes = {};
};

enum class activation_state {
  activating,  // some destinations may be new, some old
  active,      // all destinations are new; the node is not yet proven on them
  undoing,     // some destinations may be put back already
};

struct activation {
  files::manifest set;
  std::vector<former_file> formers;  // one for each file of the set, in order
  activation_state state = activation_state::activating;
  bool roll_back = false;  // takes the newest committed set back instead of adding one
  // Not journaled: of the destination and of the staged copy of each file, when they were prepared.
  std::vector<stamp> dest_stamps = {};
  std::vector<stamp> staged_stamps = {};
};

// The history of one node's files, newest last. `former` sets are the committed ones only.
struct journal {
  std::optional<activation> in_flight;
  std::vector<activation> committed;
  std::string failed_set;    // the last set that was put back after it failed
  bool rolled_back = false;  // the newest change was a roll-back, so there is no further one
};

core::result<journal> read_journal(std::filesystem::path const& stage_dir);  // an empty one where there is none
core::result<void> write_journal(std::filesystem::path const& stage_dir, journal const& journal);

// Where the former version of `dest` is kept: <dir of dest>/../backup/NAME.SHA16 if that directory exists, else hidden
// beside it.
std::filesystem::path backup_path(std::filesystem::path const& dest, std::string_view sha256);

// The files of the set whose destination does not hold the content yet; a destination that can't be read counts.
std::vector<staged_file> differing_files(manifest const& set);

// Each file of the set is at its staged path or already in place, with the digest promised: else errc::stage_changed.
core::result<void> check_staged(manifest const& set);

// All that can be done before the node stops: the staged files verified, what stands in place recorded and backed up.
// Reading whole files is done here, so that activation itself only renames.
enum class direction { forward, roll_back };
core::result<activation> prepare(journal const& journal, manifest const& set, direction direction = direction::forward);

// Journals and puts the prepared set in place; a half activated one of the same set is finished. The journal then says
// `active`. errc::stage_changed where a file was changed since it was prepared.
core::result<void> activate(std::filesystem::path const& stage_dir, journal& journal, activation const& prepared);

// Puts every file of the set in flight back as it was. The set becomes the journal's failed_set.
core::result<void> undo(std::filesystem::path const& stage_dir, journal& journal);

// The set in flight is proven: it becomes the newest committed one (a roll-back removes the newest one instead), staged
// copies nobody needs any more are removed, and backups older than the last `keep` committed sets.
core::result<void> commit(std::filesystem::path const& stage_dir, journal& journal, std::size_t keep = 2);

// The set that puts back what the newest committed one replaced; errc::nothing_to_roll_back where there is none or a
// backup is missing or damaged. Its files' staged paths are the backups.
core::result<manifest> former_set(journal const& journal);

}  // namespace files
