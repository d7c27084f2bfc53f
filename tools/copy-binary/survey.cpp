#include "copy-binary/survey.hpp"

#include "core/file.hpp"
#include "files/activation.hpp"
#include "files/digest.hpp"
#include "files/elf.hpp"
#include "files/manifest.hpp"
#include "files/owner.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace copy_binary {
namespace {

using core::errc;
using core::error;

error bad_destination(fs::path const& path, std::string const& cause, std::string hint) {
  return {errc::bad_destination, "cannot write " + path.string() + ": " + cause, std::move(hint)};
}

files::attributes attributes_of(struct stat const& status) {
  return {status.st_mode & 07777U, status.st_uid, status.st_gid};
}

// What of the wanted attributes was asked for by name.
struct asked_owner {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

core::result<asked_owner> resolve(owner_names const& names) {
  asked_owner asked;
  if (!names.owner.empty()) {
    TRY_ASSIGN(auto const user, files::find_user(names.owner));
    asked.uid = user.uid;
    asked.gid = user.primary_group;
  }
  if (!names.group.empty()) {
    TRY_ASSIGN(auto const group, files::find_group(names.group));
    asked.gid = group;
  }
  return asked;
}

// A link as the last component is followed: what it points to is replaced, and it stays.
core::result<fs::path> real_destination(fs::path const& dest) {
  struct stat status {};
  if (::lstat(dest.c_str(), &status) != 0) {
    if (errno == ENOENT) return dest;
    return bad_destination(dest, std::strerror(errno), "name a file that can be there");
  }
  if (S_ISDIR(status.st_mode)) return bad_destination(dest, "it is a directory", "end it in / to put the file into it");
  if (!S_ISLNK(status.st_mode)) {
    if (S_ISREG(status.st_mode)) return dest;
    return bad_destination(dest, "it is no regular file", "move it away by hand");
  }
  if (::stat(dest.c_str(), &status) != 0)
    return bad_destination(dest, errno == ENOENT ? "it is a link to nowhere" : std::strerror(errno),
                           "correct or remove the link by hand");
  if (S_ISDIR(status.st_mode)) return bad_destination(dest, "it is a link to a directory", "name the file in there");
  std::error_code ec;
  if (dest.extension() == ".service" && fs::canonical(dest, ec) == "/dev/null")
    return core::error{core::errc::service_masked, "cannot write " + dest.string() + ": the unit is masked",
                       "somebody decided that it must not run; if it shall: systemctl unmask " + dest.stem().string()};
  if (!S_ISREG(status.st_mode)) return bad_destination(dest, "it is a link to no regular file", "name a regular file");
  auto resolved = fs::canonical(dest, ec);
  if (ec) return bad_destination(dest, ec.message(), "correct the link by hand");
  return resolved;
}

std::optional<existing> look_at_unread(fs::path const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return existing{"", static_cast<std::uint64_t>(status.st_size), attributes_of(status)};
}

core::result<std::optional<existing>> look_at(fs::path const& path) {
  auto found = look_at_unread(path);
  if (found) {
    TRY_ASSIGN(found->sha256, files::sha256_of_file(path));
  }
  return found;
}

// That content must be sent can be told without reading a program of another size. A backup would be named after it.
bool must_be_sent_anyway(request const& r, file_request const& asked, file_view const& view) {
  return !r.stage_dir.empty() && view.from.kind == origin::kind::nowhere && view.present &&
         view.present->size != asked.source->size;
}

bool holds(fs::path const& path, std::string_view sha256) {
  auto const digest = files::sha256_of_file(path);
  return digest && *digest == sha256;
}

fs::path backup_of(request const& r, fs::path const& dest, std::string_view sha256) {
  if (r.backup_dir.empty()) return files::backup_path(dest, sha256);
  return r.backup_dir / (dest.filename().string() + "." + std::string(sha256.substr(0, 16)));
}

// Content of the control host: what was sent, or a file here that has the digest.
origin find_announced(request const& r, announced const& source, file_view const& view) {
  if (!source.upload.empty()) return {origin::kind::upload, source.upload, {}, source.encoding, {}};
  if (view.present && view.present->sha256 == source.sha256) return {origin::kind::file, view.dest, {}, {}, {}};
  for (auto const& path : {files::staged_path(view.dest, source.sha256), backup_of(r, view.dest, source.sha256)})
    if (holds(path, source.sha256)) return {origin::kind::file, path, {}, {}, {}};
  return {};
}

origin origin_of(request const& r, file_request const& asked, file_view const& view) {
  if (asked.content) return {origin::kind::text, {}, {}, {}, *asked.content};
  if (asked.source) return find_announced(r, *asked.source, view);
  if (asked.member.empty()) return {origin::kind::file, asked.src, {}, {}, {}};
  return {origin::kind::member, asked.src, asked.member, {}, {}};
}

core::result<files::content_summary> content_of(file_request const& asked, origin const& from) {
  if (!asked.source) {
    constexpr std::uint64_t most = std::uint64_t(16) << 30U;  // an archive may promise more than any disk holds
    TRY_ASSIGN(auto const source, open(from));
    return files::summarize(*source, most);
  }
  files::content_summary content{asked.source->sha256, asked.source->size, asked.source->executable ? "#!" : ""};
  if (from.kind == origin::kind::nowhere) return content;
  TRY_ASSIGN(auto const source, open(from));
  content.head.resize(64);
  TRY_ASSIGN(auto const n, source->read(content.head.data(), content.head.size()));
  content.head.resize(n);
  return content;
}

core::result<void> check_digest(file_request const& asked, std::string const& got) {
  if (asked.sha256.empty()) return {};
  auto expected = files::read_digest(asked.sha256);
  if (!expected) {
    TRY_ASSIGN(auto const sums, core::read_file(asked.sha256));
    expected = digest_in_sums(sums, {asked.source_name(), asked.src.filename(), asked.dest.filename()});
    if (!expected)
      return error{errc::digest_mismatch,
                   "cannot check " + asked.dest.string() + ": no digest for it in " + asked.sha256,
                   "give the digest itself, or a file with a line for " + asked.source_name()};
  }
  if (expected == got || (!asked.member.empty() && holds(asked.src, *expected))) return {};
  return error{
      errc::digest_mismatch,
      "cannot use the content for " + asked.dest.string() + ": its sha256 is " + got + ", expected " + *expected,
      "fetch the file again from where it is released"};
}

files::attributes wanted_of(file_request const& asked, asked_owner const& owner, file_view const& view) {
  auto const runnable = asked.component != component::any || files::looks_runnable(view.content.head);
  files::attributes wanted{runnable ? 0755U : 0644U, ::geteuid(), ::getegid()};
  if (view.present)
    wanted = view.present->attributes;
  else if (owner.gid)
    wanted.group = *owner.gid;
  if (asked.mode) wanted.mode = *asked.mode;
  if (owner.uid) wanted.owner = *owner.uid;
  if (owner.gid && !asked.owners.group.empty()) wanted.group = *owner.gid;
  return wanted;
}

// Adds what is missing of `path`, topmost first.
core::result<void> add_missing(std::vector<directory_view>& all, fs::path const& path,
                               files::attributes const& wanted) {
  struct stat status {};
  std::vector<fs::path> missing;
  for (auto at = path; ::stat(at.c_str(), &status) != 0; at = at.parent_path()) {
    struct stat link {};
    if (errno != ENOENT) return bad_destination(path, std::strerror(errno), "correct the path");
    if (::lstat(at.c_str(), &link) == 0) return bad_destination(path, at.string() + " is a link to nowhere", "");
    missing.push_back(at);
  }
  if (!S_ISDIR(status.st_mode)) return bad_destination(path, "a folder on its path is a file", "correct the path");
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    auto const known = [&](directory_view const& d) { return d.path == *at; };
    if (std::none_of(all.begin(), all.end(), known)) all.push_back({*at, {}, wanted});
  }
  return {};
}

core::result<void> add_directory(std::vector<directory_view>& all, directory_request const& asked) {
  TRY_ASSIGN(auto const owner, resolve(asked.owners));
  files::attributes wanted{0755, ::geteuid(), ::getegid()};
  struct stat status {};
  std::optional<files::attributes> present;
  if (::stat(asked.path.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode)) return bad_destination(asked.path, "it is no directory", "move it away by hand");
    present = wanted = attributes_of(status);
  }
  if (asked.mode) wanted.mode = *asked.mode;
  if (owner.uid) wanted.owner = *owner.uid;
  if (owner.gid && (!present || !asked.owners.group.empty())) wanted.group = *owner.gid;
  auto above = wanted;
  above.mode = 0755;
  TRY(add_missing(all, asked.path, above));
  auto const known = std::find_if(all.begin(), all.end(), [&](auto const& d) { return d.path == asked.path; });
  if (known != all.end())
    known->wanted = wanted;
  else
    all.push_back({asked.path, present, wanted});
  return {};
}

core::result<file_view> look_at_file(request const& r, file_request const& asked, purpose why) {
  file_view view;
  TRY_ASSIGN(view.dest, real_destination(asked.dest));
  TRY_ASSIGN(auto const owner, resolve(asked.owners));
  view.present = look_at_unread(view.dest);
  view.from = origin_of(r, asked, view);
  if (view.present && (why == purpose::plan || !must_be_sent_anyway(r, asked, view))) {
    TRY_ASSIGN(view.present->sha256, files::sha256_of_file(view.dest));
    view.from = origin_of(r, asked, view);
  }
  TRY_ASSIGN(view.content, content_of(asked, view.from));
  TRY(check_digest(asked, view.content.sha256));
  view.wanted = wanted_of(asked, owner, view);
  view.staged = files::staged_path(view.dest, view.content.sha256);
  TRY_ASSIGN(auto const staged, look_at(view.staged));
  if (staged && staged->sha256 == view.content.sha256) view.staged_as = staged->attributes;
  return view;
}

}  // namespace

core::result<snapshot> survey(request const& r, purpose why) {
  snapshot all;
  for (auto const& asked : r.directories) TRY(add_directory(all.directories, asked));
  for (auto const& asked : r.files) {
    TRY_ASSIGN(auto view, look_at_file(r, asked, why));
    auto parents = view.wanted;
    parents.mode = 0755;
    TRY(add_missing(all.directories, view.dest.parent_path(), parents));
    TRY_ASSIGN(view.space, files::space_at(view.dest));
    if (!view.space.writable) return bad_destination(asked.dest, "its file system is mounted read-only", "remount it");
    if (view.present) {
      view.backup = backup_of(r, view.dest, view.present->sha256);
      TRY_ASSIGN(view.backup_space, files::space_at(view.backup));
    }
    all.files.push_back(std::move(view));
  }
  if (!r.stage_dir.empty()) TRY(add_missing(all.directories, r.stage_dir, {0755, ::geteuid(), ::getegid()}));
  return all;
}

}  // namespace copy_binary
