// The options of a call in their own types, checked against each other; nothing of the host was looked at yet.
#pragma once

#include "core/error.hpp"
#include "module/tool.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace copy_binary {

namespace fs = std::filesystem;

enum class component { any, pump, drainer };
std::string_view name(component component);

// A file of the control host, known by its digest until it is uploaded.
struct announced {
  std::string sha256;
  std::uint64_t size = 0;
  std::string name;
  bool executable = false;
  fs::path upload;  // empty: not sent
  std::string encoding;
  std::string version;  // as the control host found it
};

struct owner_names {
  std::string owner;  // empty: not asked for
  std::string group;
};

struct file_request {
  fs::path src;  // exactly one of src, content, source
  std::string member;
  std::optional<std::string> content;
  std::optional<announced> source;
  fs::path dest;  // absolute, normal, a file
  copy_binary::component component = component::any;
  std::string sha256;  // a digest or a path; empty: not asked for
  std::optional<unsigned> mode;
  owner_names owners;

  [[nodiscard]] std::string source_name() const;  // without folders; empty for content
};

struct directory_request {
  fs::path path;
  std::optional<unsigned> mode;
  owner_names owners;
};

struct request {
  bool listed = false;  // `files` was used
  std::vector<file_request> files;
  std::vector<directory_request> directories;
  fs::path stage_dir;  // empty: install
  fs::path probe_config;
  std::size_t backup = 1;
  fs::path backup_dir;
};

// errc::usage where options contradict each other, errc::bad_destination for a dest that can be none.
core::result<request> decode(module::params const& params);

// The digest for the first of `names` that a SHA256SUMS text ("HEX  NAME" or "HEX *NAME" lines) knows, by last path
// component; or its only digest, if that has no name.
std::optional<std::string> digest_in_sums(std::string_view text, std::vector<std::string> const& names);

}  // namespace copy_binary
