#include "process/inspect.hpp"

#include "core/file.hpp"
#include "process/proc_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

namespace process {
namespace {

bool same_file(std::string const& a, std::string const& b) {
  struct stat sa {};
  struct stat sb {};
  return ::stat(a.c_str(), &sa) == 0 && ::stat(b.c_str(), &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

core::error gone(pid_t pid) {
  return {core::errc::system_failure, fmt::format("cannot inspect process {}: there is no such process", pid)};
}

core::result<std::string> own_link(pid_t pid, std::string_view name) {
  auto const link = read_link(proc_path(pid, name));
  if (link.error == 0) return link.target;
  if (link.error == ENOENT || link.error == ESRCH) return gone(pid);
  auto e = core::system_error(fmt::format("read {}", proc_path(pid, name)), link.error);
  e.hint = "run the tool as root or as the user the process runs as";
  return e;
}

struct image {
  std::string path;
  bool deleted;
};

// A file may really be called "x (deleted)": the mark only counts when that file is not the one that runs.
image image_of(pid_t pid, std::string const& link) {
  auto const [path, marked] = parse_exe_link(link);
  if (marked && same_file(link, proc_path(pid, "exe"))) return {link, false};
  return {path, marked};
}

// What everybody may see of a process, its name and its command line, does not rule the executable out.
bool may_run(pid_t pid, std::filesystem::path const& wanted, std::filesystem::path const& asked) {
  auto const stat = stat_of(pid);
  if (!stat || ended(*stat) || stat->comm != wanted.filename().string().substr(0, 15)) return false;
  auto const text = read_proc(proc_path(pid, "cmdline"));
  auto const argv = text ? split_nul(*text) : std::vector<std::string>{};
  return argv.empty() || !argv[0].starts_with('/') || argv[0] == wanted || argv[0] == asked;
}

}  // namespace

std::string proc_path(pid_t pid, std::string_view name) { return fmt::format("/proc/{}/{}", pid, name); }

core::result<std::string> read_proc(std::string const& path) {
  auto text = core::read_file(path, 256U << 20U);
  if (text) return text;
  auto e = text.error();
  e.code = core::errc::system_failure;
  return e;
}

link read_link(std::string const& path) {
  std::string target(4096, '\0');
  auto const size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return {"", errno};
  target.resize(static_cast<std::size_t>(size));
  return {target, 0};
}

std::optional<stat_line> stat_of(pid_t pid) {
  auto const text = read_proc(proc_path(pid, "stat"));
  return text ? parse_stat(*text) : std::nullopt;
}

core::result<info> inspect(pid_t pid) {
  auto const before = stat_of(pid);
  if (!before || ended(*before)) return gone(pid);
  info result;
  result.id = {pid, before->start_ticks};
  result.parent = before->parent;
  TRY_ASSIGN(auto const status, read_proc(proc_path(pid, "status")));
  auto const owner = parse_status(status);
  if (!owner) return core::error{core::errc::system_failure, fmt::format("cannot read /proc/{}/status: no Uid", pid)};
  result.uid = owner->uid;
  result.gid = owner->gid;
  TRY_ASSIGN(auto const exe, own_link(pid, "exe"));
  auto const image = image_of(pid, exe);
  result.exe = image.path;
  result.exe_deleted = image.deleted;
  TRY_ASSIGN(result.cwd, own_link(pid, "cwd"));
  TRY_ASSIGN(auto const arguments, read_proc(proc_path(pid, "cmdline")));
  result.argv = split_nul(arguments);
  TRY_ASSIGN(auto const environment, read_proc(proc_path(pid, "environ")));
  result.environment = split_nul(environment);
  if (identify(pid) != result.id) return gone(pid);
  return result;
}

std::optional<id> identify(pid_t pid) {
  auto const stat = stat_of(pid);
  if (!stat || ended(*stat)) return std::nullopt;
  return id{pid, stat->start_ticks};
}

bool alive(id const& process) { return identify(process.pid) == process; }

std::filesystem::path running_image(id const& process) { return proc_path(process.pid, "exe"); }

core::result<std::vector<pid_t>> all_processes() {
  std::vector<pid_t> pids;
  std::error_code ec;
  std::filesystem::directory_iterator entries("/proc", ec);
  for (; !ec && entries != std::filesystem::directory_iterator(); entries.increment(ec)) {
    auto const name = entries->path().filename().string();
    pid_t pid = 0;
    auto const [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad == std::errc{} && end == name.data() + name.size()) pids.push_back(pid);
  }
  if (ec) return core::system_error("list /proc", ec.value());
  std::sort(pids.begin(), pids.end());
  return pids;
}

std::vector<std::string> control_groups(pid_t pid) {
  auto const text = read_proc(proc_path(pid, "cgroup"));
  return text ? parse_control_groups(*text) : std::vector<std::string>{};
}

namespace {

// It ends by itself in milliseconds, and serves nobody.
bool only_tells_about_itself(pid_t pid) {
  constexpr std::array<std::string_view, 7> questions{"-V", "--V", "-version", "--version", "-help", "--help", "-h"};
  auto line = read_proc(proc_path(pid, "cmdline"));
  // Empty for a moment while it begins and while it ends.
  for (int tries = 0; line && line->empty() && tries < 50 && identify(pid); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    line = read_proc(proc_path(pid, "cmdline"));
  }
  if (!line) return false;
  auto const words = split_nul(*line);
  return words.size() > 1 && std::any_of(words.begin() + 1, words.end(), [&](std::string const& word) {
           return std::find(questions.begin(), questions.end(), word) != questions.end();
         });
}

}  // namespace

core::result<std::vector<id>> processes_of(std::filesystem::path const& executable) {
  std::error_code ec;
  auto wanted = std::filesystem::weakly_canonical(executable, ec);
  if (ec) wanted = executable;
  TRY_ASSIGN(auto const pids, all_processes());
  std::vector<id> found;
  for (auto const pid : pids) {
    auto const link = read_link(proc_path(pid, "exe"));
    if (link.error == 0) {
      if (image_of(pid, link.target).path != wanted || only_tells_about_itself(pid)) continue;
      if (auto const self = identify(pid)) found.push_back(*self);
    } else if ((link.error == EACCES || link.error == EPERM) && may_run(pid, wanted, executable)) {
      return core::error{core::errc::system_failure,
                         fmt::format("cannot tell whether process {} runs {}: not permitted", pid, wanted.string()),
                         "run the tool as root or as the user the process runs as"};
    }
  }
  return found;
}

}  // namespace process
