#include "record.hpp"

#include <sys/stat.h>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <ctime>

#include "core/file.hpp"
#include "files/digest.hpp"

namespace decommission_legacy {
namespace {

namespace fs = std::filesystem;
using core::result;

// Kafka may keep many segments: enough to see what was there, not an archive's list.
constexpr std::size_t most_files = 50000;
constexpr std::uintmax_t small = 1U << 20U;

std::string utc_now() {
  auto const now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Files come and go while the node runs: what has vanished when it is looked at is left out.
void list_files(fs::path const& directory, manifest& m) {
  std::error_code ec;
  fs::recursive_directory_iterator entries(directory, fs::directory_options::skip_permission_denied, ec);
  for (; !ec && entries != fs::recursive_directory_iterator(); entries.increment(ec)) {
    std::error_code gone;
    if (!entries->is_regular_file(gone) || gone) continue;
    if (m.files.size() >= most_files) {
      m.files_left_out = true;
      return;
    }
    auto const size = entries->file_size(gone);
    if (gone) continue;
    recorded_file file{entries->path().string(), size, {}};
    if (size <= small)
      if (auto const digest = files::sha256_of_file(entries->path())) file.sha256 = *digest;
    m.files.push_back(std::move(file));
  }
}

// A name that no earlier call has used: nothing is written over.
fs::path fresh_directory(fs::path const& base) {
  std::error_code ec;
  auto name = base / "checkpoint";
  for (int number = 2; fs::exists(name, ec); ++number) name = base / ("checkpoint." + std::to_string(number));
  return name;
}

result<void> copy_checkpoints(fs::path const& directory, manifest& m) {
  std::vector<fs::path> found;
  for (auto const& data : m.data_dirs) {
    std::error_code ec;
    for (fs::directory_iterator entries(data, ec); !ec && entries != fs::directory_iterator(); entries.increment(ec))
      if (is_checkpoint(entries->path().filename().string()) && entries->is_regular_file(ec))
        found.push_back(entries->path());
    if (ec && ec.value() != ENOENT) return core::system_error("list " + data, ec.value());
  }
  if (found.empty()) return {};
  auto const to = fresh_directory(directory);
  if (::mkdir(to.c_str(), 0700) != 0) return core::system_error("make " + to.string(), errno);
  for (auto const& from : found) {
    TRY_ASSIGN(auto const text, core::read_file(from));
    auto const copy = to / from.filename();
    TRY(core::replace_file(copy, text, 0600));
    m.copies.push_back({copy.string(), text.size(), files::sha256(text)});
  }
  return core::sync_directory(directory);
}

result<recorded_process> record_process(process::info const& p) {
  recorded_process r{p.id, p.exe.string(), {}, p.argv, p.cwd.string(), p.environment, p.uid, p.gid};
  TRY_ASSIGN(r.exe_sha256, files::sha256_of_file(process::running_image(p.id)));
  return r;
}

}  // namespace

bool is_checkpoint(std::string_view file_name) {
  std::string lower(file_name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("savepoint") != std::string::npos || lower.find("checkpoint") != std::string::npos;
}

result<manifest> record(settings const& s, node_view const& node, std::string const& node_id) {
  auto const directory = s.manifest_dir();
  std::error_code ec;
  fs::create_directories(directory.parent_path(), ec);
  if (ec) return core::system_error("make " + directory.parent_path().string(), ec.value());
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return core::system_error("make " + directory.string(), errno);
  manifest m;
  m.component = name(s.component);
  m.port = s.port;
  m.recorded_at = utc_now();
  m.node_id = node_id;
  m.pd_urls = s.pd_urls;
  m.start_command = s.start_command;
  if (s.has_unit()) m.unit = s.unit;
  m.supervised = s.supervision == service::kind::supervise;
  if (m.supervised && !fs::exists(s.down_file(), ec)) m.down_file = s.down_file().string();
  if (node.unit_file) m.unit_file = node.unit_file->string();
  for (auto const& data : node.data_dirs) m.data_dirs.push_back(data.string());
  if (node.process) {
    TRY_ASSIGN(m.process, record_process(*node.process));
  }
  for (auto const& data : node.data_dirs) list_files(data, m);
  if (s.is(component::drainer)) TRY(copy_checkpoints(directory, m));
  return m;
}

}  // namespace decommission_legacy
