// A staged set: files verified and written beside their destinations, waiting for activation.
//   <stage_dir>/<set>/manifest.json
//   {"set","component","files":[{"dest","path","sha256","mode","owner","group","version"}]}
// Written by copy-binary once all its files are there and synced, never changed after; read by rolling-restart.
// `set` is the digest of what the set would put in place, so equal sets are one set and two runs never meet.
#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <sys/types.h>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace files {

struct staged_file {
  std::filesystem::path dest;
  std::filesystem::path path;  // the staged copy: hidden, in dest's directory, named after its digest
  std::string sha256;
  unsigned mode = 0;
  uid_t owner = 0;
  gid_t group = 0;
  std::string version;  // Release Version of a binary, else empty
};

struct manifest {
  std::string set;
  std::string component;  // "pump", "drainer" or "any"
  std::vector<staged_file> files;
};

std::string set_digest(manifest const& manifest);  // over dest, sha256, mode, owner, group of each file
std::filesystem::path staged_path(std::filesystem::path const& dest, std::string_view sha256);
std::filesystem::path manifest_path(std::filesystem::path const& stage_dir, std::string_view set);

core::json::object encode(manifest const& manifest);
core::result<manifest> decode_manifest(core::json::value const& value, std::string_view what);
core::result<manifest> read_manifest(std::filesystem::path const& stage_dir, std::string_view set);
core::result<void> write_manifest(std::filesystem::path const& stage_dir, manifest const& manifest);

}  // namespace files
