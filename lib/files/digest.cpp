// The low-level functions: EVP would pull megabytes of providers into a static executable.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "files/digest.hpp"

#include "core/file.hpp"
#include "core/json.hpp"
#include "files/source.hpp"

#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <ctime>
#include <future>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace files {
namespace {

struct identity {
  std::int64_t device = 0, inode = 0, size = 0, written_ns = 0, changed_ns = 0;
  auto operator<=>(identity const&) const = default;
};

std::int64_t nanoseconds(timespec const& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

std::optional<identity> identity_of(std::filesystem::path const& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return identity{static_cast<std::int64_t>(found.st_dev), static_cast<std::int64_t>(found.st_ino), found.st_size,
                  nanoseconds(found.st_mtim), nanoseconds(found.st_ctim)};
}

struct reading {
  std::string sha256;
  std::int64_t at_ms;  // since boot
};

std::map<identity, reading>& known_digests() {
  static std::map<identity, reading> known;
  return known;
}

constexpr std::int64_t large = 1 << 20;  // bytes: worth a thread, or to be remembered
constexpr auto memory_name = "digests.json";
constexpr std::int64_t remembered_for_ms = 300'000;

std::string boot_id() {
  auto const text = core::read_file("/proc/sys/kernel/random/boot_id");
  return text ? text->substr(0, text->find('\n')) : std::string();
}

std::int64_t ms_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return nanoseconds(now) / 1'000'000;
}

bool settled(identity const& file) {
  using namespace std::chrono;
  auto const now = duration_cast<std::chrono::nanoseconds>(system_clock::now().time_since_epoch()).count();
  auto const whole_seconds = file.changed_ns % 1'000'000'000 == 0;
  return now - file.changed_ns > (whole_seconds ? 2'000'000'000 : 100'000'000);
}

struct content {
  std::string sha256;
  std::optional<identity> file;  // where this stays true of it
};

core::result<content> read(std::filesystem::path const& path) {
  auto const before = identity_of(path);
  TRY_ASSIGN(auto const source, open_file(path));
  TRY_ASSIGN(auto summary, summarize(*source));
  auto const stays = before && settled(*before) && identity_of(path) == before;
  return content{std::move(summary.sha256), stays ? before : std::nullopt};
}

void learn(content const& read) {
  if (read.file) known_digests().insert_or_assign(*read.file, reading{read.sha256, ms_since_boot()});
}

std::vector<std::future<core::result<content>>>& under_way() {
  static std::vector<std::future<core::result<content>>> all;
  return all;
}

void finish_reading_ahead() {
  for (auto& each : under_way())
    if (auto const done = each.get(); done) learn(*done);
  under_way().clear();
}

}  // namespace

hasher::hasher() : state_(std::make_unique<SHA256state_st>()) { SHA256_Init(state_.get()); }
hasher::~hasher() = default;

void hasher::add(char const* data, std::size_t size) { SHA256_Update(state_.get(), data, size); }

std::string hasher::finish() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256_Final(digest.data(), state_.get());
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  for (auto const byte : digest) text.append(1, hex[byte >> 4U]).append(1, hex[byte & 15U]);
  return text;
}

std::string sha256(std::string_view content) {
  hasher h;
  h.add(content.data(), content.size());
  return h.finish();
}

core::result<std::string> sha256_of_file(std::filesystem::path const& path) {
  finish_reading_ahead();
  auto const& known = known_digests();
  if (auto const now = identity_of(path); now)
    if (auto const found = known.find(*now); found != known.end()) return found->second.sha256;
  TRY_ASSIGN(auto now_read, read(path));
  learn(now_read);
  return std::move(now_read.sha256);
}

void read_ahead(std::vector<std::filesystem::path> const& paths) {
  std::set<identity> seen;
  for (auto const& path : paths) {
    auto const file = identity_of(path);
    if (!file || file->size < large || known_digests().contains(*file) || !seen.insert(*file).second) continue;
    try {
      under_way().push_back(std::async(std::launch::async, read, path));
    } catch (std::system_error const&) {
      return;  // no more threads allowed
    }
  }
}

void keep_digest(std::filesystem::path const& path) {
  finish_reading_ahead();
  auto const now = identity_of(path);
  if (!now) return;
  auto& known = known_digests();
  // The last one: a former call may have left an older one of what the file was then.
  auto const behind = known.upper_bound({now->device, now->inode, now->size, now->written_ns, INT64_MAX});
  if (behind == known.begin()) return;
  auto const before = std::prev(behind);
  auto then = before->first;
  then.changed_ns = now->changed_ns;
  if (then != *now) return;
  auto kept = known.extract(before);
  kept.key() = *now;
  known.insert(std::move(kept));
}

void recall_digests(std::filesystem::path const& folder) {
  auto const path = folder / memory_name;
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || found.st_uid != ::geteuid() || (found.st_mode & 022U) != 0) return;
  auto const text = core::read_file(path);
  if (!text) return;
  auto const document = core::parse_json(*text, path.string());
  if (!document || core::string_member(*document, "boot") != boot_id()) return;
  auto const* files = core::member(*document, "files");
  if (files == nullptr || !files->is_array()) return;
  auto const now = ms_since_boot();
  for (auto const& each : files->get_array()) {
    // 0 where there is none: no file has that as inode or time
    auto const number = [&](std::string_view name) { return core::integer_member(each, name).value_or(0); };
    reading r{core::string_member(each, "sha256").value_or(""), number("at_ms")};
    if (is_digest(r.sha256) && r.at_ms <= now && now - r.at_ms < remembered_for_ms)
      known_digests().emplace(
          identity{number("device"), number("inode"), number("size"), number("written_ns"), number("changed_ns")},
          std::move(r));
  }
}

void save_digests(std::filesystem::path const& folder, std::filesystem::path const& running) {
  finish_reading_ahead();
  auto const unwritable = running.empty() ? std::nullopt : identity_of(running);
  core::json::array files;
  for (auto const& [f, r] : known_digests())
    if (f.size >= large && (settled(f) || f == unwritable))
      files.push_back(core::json::object{{"sha256", r.sha256},
                                         {"at_ms", r.at_ms},
                                         {"device", f.device},
                                         {"inode", f.inode},
                                         {"size", f.size},
                                         {"written_ns", f.written_ns},
                                         {"changed_ns", f.changed_ns}});
  core::json::object const document{{"boot", boot_id()}, {"files", std::move(files)}};
  (void)core::replace_file(folder / memory_name, core::json::serialize(document) + "\n", 0600);
}

bool is_digest(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<std::string> read_digest(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  return is_digest(lower) ? std::optional(lower) : std::nullopt;
}

}  // namespace files
