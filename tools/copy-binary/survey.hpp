// What the host has: looked at once, before anything is decided. Changes nothing.
#pragma once

#include "copy-binary/request.hpp"
#include "files/install.hpp"
#include "files/source.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace copy_binary {

// Where content can be had now.
struct origin {
  enum class kind { nowhere, text, file, member, upload };
  origin::kind kind = kind::nowhere;
  fs::path path;
  std::string member;
  std::string encoding;
  std::string text;
};
core::result<std::unique_ptr<files::source>> open(origin const& origin);

struct existing {
  std::string sha256;  // "" where it was not read (purpose::act)
  std::uint64_t size = 0;
  files::attributes attributes;
};

struct file_view {
  fs::path dest;  // where it is really written: a link there is followed
  files::content_summary content;
  origin from;
  files::attributes wanted;
  std::optional<existing> present;
  fs::path staged;
  std::optional<files::attributes> staged_as;  // of a staged copy that has the content
  fs::path backup;                             // for what is present
  files::space space;
  files::space backup_space;
};

struct directory_view {
  fs::path path;
  std::optional<files::attributes> present;
  files::attributes wanted;
};

struct snapshot {
  std::vector<file_view> files;             // as in the request
  std::vector<directory_view> directories;  // parents first
};

// For `act` a program is left unread where its size alone tells that its successor must be sent first, so that nothing
// else can be done now.
enum class purpose { plan, act };

// errc::source_unreadable, digest_mismatch, bad_destination, usage (unknown owner).
core::result<snapshot> survey(request const& request, purpose purpose);

}  // namespace copy_binary
