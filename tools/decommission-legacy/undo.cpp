// The steps back. The unit, or the recorded command line, starts the node; it counts as back when the recorded
// executable runs, its port answers and, for a Pump or Drainer, its alive key is there.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "core/file.hpp"
#include "files/digest.hpp"
#include "process/identity.hpp"
#include "service/unit_file.hpp"
#include "session.hpp"

namespace decommission_legacy {
namespace {

using core::errc;
using core::error;
using core::result;
using namespace std::chrono_literals;

constexpr auto between_looks = 500ms;

std::string error_text(std::string const& node, std::string const& cause) {
  return "cannot bring back " + node + ": " + cause;
}

}  // namespace

session::step_result session::unmask() {
  if (!settings_.has_unit()) {
    if (manifest_->stage != stage::restored) TRY(enter(stage::restoring));
    auto const path = std::exchange(manifest_->down_file, {});
    if (path.empty()) return done{};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return core::system_error("remove " + path, errno);
    TRY(remember(settings_.manifest_dir(), *manifest_));
    return done{true, {{"down_file", path}}};
  }
  if (manifest_->unit_file.empty())
    return error{errc::start_failed, error_text(settings_.node_name(), "it is not written down where its unit was"),
                 "put the unit back and start it by hand"};
  if (manifest_->stage != stage::restored) TRY(enter(stage::restoring));
  auto const kept = settings_.manifest_dir() / settings_.unit;
  TRY_ASSIGN(auto const changed, service::unmask_unit(manifest_->unit_file, kept));
  if (changed) TRY(supervisor_->reload(deadline_));
  return done{changed, {{"unit_file", manifest_->unit_file}}};
}

// The user's name, for its supplementary groups.
process::identity session::recorded_user() const {
  process::identity as{manifest_->process->uid, manifest_->process->gid, {}};
  auto const text = core::read_file("/etc/passwd");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    auto const line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (auto const found = process::parse_passwd_line(line); found && found->uid == as.uid)
      as.user = found->user, as.home = found->home;
  }
  return as;
}

result<void> session::start_by_command() {
  if (!manifest_->process && settings_.start_command.empty() && manifest_->start_command.empty())
    return error{errc::start_failed, error_text(settings_.node_name(), "it was not running when it was retired"),
                 "give start_command"};
  if (auto const& given = settings_.start_command.empty() ? manifest_->start_command : settings_.start_command;
      !given.empty()) {
    // A script that starts it in the background, such as run_kafka.sh start, or the node itself.
    auto const as = manifest_->process ? std::optional(recorded_user()) : std::nullopt;
    std::filesystem::path const cwd = manifest_->process ? manifest_->process->cwd : "/";
    auto const environment = manifest_->process ? std::optional(manifest_->process->environment) : std::nullopt;
    auto const started = process::start_detached({given, cwd, environment}, as);
    if (!started) return error{errc::start_failed, started.error().what, started.error().hint};
    return {};
  }
  auto const& p = *manifest_->process;
  auto const digest = files::sha256_of_file(p.exe);
  if (!digest || *digest != p.exe_sha256)
    return error{
        errc::start_failed,
        error_text(settings_.node_name(), p.exe + (digest ? " is another file than the one it ran" : " is gone")),
        "put the old file back"};
  auto argv = p.argv;
  if (argv.empty()) return error{errc::start_failed, error_text(settings_.node_name(), "no command line is recorded")};
  // What was found on a PATH then is known now; a name from its directory stays what it was.
  std::error_code ec;
  auto const named = argv.front().find('/') != std::string::npos;
  if (!named || !std::filesystem::equivalent(std::filesystem::path(p.cwd) / argv.front(), p.exe, ec))
    argv.front() = p.exe;
  auto const started = process::start_detached({argv, p.cwd, p.environment}, recorded_user());
  if (!started) return error{errc::start_failed, started.error().what, started.error().hint};
  return {};
}

session::step_result session::start() {
  if (!settings_.is_kept() && manifest_->stage != stage::restored) TRY(enter(stage::restoring));
  TRY_ASSIGN(auto node, look_at_node(settings_, *supervisor_));
  if (node.process && node.mismatches.empty()) {
    seen_.node = std::move(node);
    return done{false, {{"pid", seen_.node.process->id.pid}}};
  }
  if (!node.mismatches.empty())
    return error{errc::wrong_node, error_text(settings_.node_name(), node.mismatches.front()),
                 "stop what is there, or look at what was given"};
  if (settings_.supervision == service::kind::command) {
    TRY(start_by_command());
  } else {
    TRY(supervisor_->start(deadline_));
  }
  return done{true, {}};
}

session::step_result session::proven() {
  std::string missing = "it does not run";
  for (;;) {
    auto node = look_at_node(settings_, *supervisor_);
    if (!node) {
      missing = node.error().what;
    } else if (!node->process) {
      missing = "it does not run";
    } else if (!node->mismatches.empty()) {
      missing = node->mismatches.front();
    } else if (!node->listening || node->address.empty()) {
      missing = "nothing listens on port " + std::to_string(settings_.port) + " yet";
    } else {
      auto const digest = files::sha256_of_file(process::running_image(node->process->id));
      auto const http = settings_.is_binlog() ? around_->answers(node->address) : result<void>();
      if (manifest_->process && (!digest || *digest != manifest_->process->exe_sha256)) {
        missing = "it runs another file than it ran";
      } else if (!http) {
        missing = http.error().what;
      } else {
        auto const entry = settings_.is_binlog() ? own_entry() : result<std::optional<binlog::old_node>>(std::nullopt);
        auto const alive =
            !settings_.is_binlog() || (entry && *entry && (*entry)->alive) || (!entry && settings_.accept.registry);
        if (alive) {
          TRY(enter(stage::restored));
          core::json::object evidence{{"pid", node->process->id.pid}, {"address", node->address}};
          if (settings_.is_binlog() && entry && *entry) evidence["alive_key"] = (*entry)->id;
          return done{false, std::move(evidence)};
        }
        missing = !entry ? entry.error().what : "its key in the registry is not alive yet";
      }
    }
    if (deadline_.passed())
      return error{errc::not_ready, error_text(settings_.node_name(), "it was started, but " + missing),
                   "look at its log; run the same command again to wait on"};
    std::this_thread::sleep_for(between_looks);
  }
}

}  // namespace decommission_legacy
