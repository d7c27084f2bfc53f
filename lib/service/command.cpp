// Nobody supervises: the node is started by a command line and ended by SIGTERM or a command.
#include "core/file.hpp"
#include "service/kinds.hpp"
#include "service/texts.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <charconv>

namespace service {
namespace {

class command : public supervisor {
 public:
  explicit command(settings const& settings)
      : start_(settings.start),
        stop_(settings.stop),
        user_(settings.user),
        pid_file_(settings.pid_file),
        executable_(settings.deploy_dir.empty() || settings.component.empty()
                        ? std::filesystem::path{}
                        : settings.deploy_dir / "bin" / settings.component) {}

  core::result<state> look() override {
    state result;
    result.description = "no supervisor";
    if (pid_file_.empty()) return result;
    TRY_ASSIGN(auto const node, recorded());
    result.description = node ? fmt::format("{}: {}", pid_file_.string(), node->pid)
                              : fmt::format("{}: no living process", pid_file_.string());
    if (!node) return result;
    result.activity = activity::running;
    result.main_pid = node->pid;
    return result;
  }

  core::result<void> stop(std::optional<process::id> const& node, core::deadline deadline) override {
    auto target = node;
    if (!target) {
      TRY_ASSIGN(target, recorded());
    }
    if (target && !process::alive(*target)) return {};
    if (!stop_) return target ? process::terminate(*target) : core::result<void>{};
    TRY_ASSIGN(auto const done, process::run(*stop_, deadline));
    if (done.exit_code == 0) return {};
    return core::error{core::errc::system_failure,
                       fmt::format("cannot stop the node by {}: {}", stop_->argv.front(), last_words(done)),
                       "check the stop command by hand"};
  }

  core::result<void> hold(core::deadline) override { return {}; }

  core::result<void> start(core::deadline) override {
    if (!start_ || start_->argv.empty())
      return core::error{core::errc::start_failed, "cannot start the node: no command to start it is known",
                         "give the start command"};
    TRY_ASSIGN(auto const node, recorded());
    if (node) return still_alive("the node", {node->pid});
    TRY(refuse_twin());
    auto const started = process::start_detached(*start_, user_);
    if (!started) {
      auto e = started.error();
      e.code = core::errc::start_failed;
      return e;
    }
    return record(*started);
  }

  core::result<void> reload(core::deadline) override { return {}; }

 private:
  // The living process in the pid file; nothing for a stale one, also when its number went to another program.
  core::result<std::optional<process::id>> recorded() {
    std::optional<process::id> none;
    std::error_code ec;
    if (pid_file_.empty() || !std::filesystem::exists(pid_file_, ec)) return none;
    TRY_ASSIGN(auto const content, core::read_file(pid_file_));
    auto const text = trimmed(content);
    pid_t pid = 0;
    auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (bad != std::errc{} || end != text.data() + text.size() || pid <= 1)
      return core::error{core::errc::system_failure,
                         fmt::format("cannot read {}: not the number of a process", pid_file_.string()),
                         "correct the file, or leave the option out"};
    auto const id = process::identify(pid);
    if (!id || executable_.empty()) return id;
    TRY_ASSIGN(auto const same, process::processes_of(executable_));
    for (auto const& candidate : same)
      if (candidate == *id) return id;
    return none;
  }

  // The same command line already runs: a pid file may be missing, or not name it. Other nodes may share the
  // executable, so that alone says nothing.
  core::result<void> refuse_twin() {
    if (executable_.empty()) return {};
    TRY_ASSIGN(auto const same, process::processes_of(executable_));
    for (auto const& id : same) {
      auto const seen = process::inspect(id.pid);
      if (seen && seen->argv == start_->argv) return still_alive("the node", {id.pid});
    }
    return {};
  }

  // A start script writes its own pid file; the node started directly can't.
  core::result<void> record(pid_t pid) {
    std::error_code ec;
    if (pid_file_.empty() || executable_.empty()) return {};
    if (!std::filesystem::equivalent(start_->cwd / start_->argv.front(), executable_, ec)) return {};
    TRY(core::replace_file(pid_file_, fmt::format("{}\n", pid)));
    if (user_ && ::geteuid() == 0 && ::lchown(pid_file_.c_str(), user_->uid, user_->gid) != 0)
      return core::system_error("change the owner of " + pid_file_.string(), errno);
    return {};
  }

  std::optional<process::command> start_;
  std::optional<process::command> stop_;
  std::optional<process::identity> user_;
  std::filesystem::path pid_file_;
  std::filesystem::path executable_;  // <deploy_dir>/bin/<component>, where known
};

}  // namespace

std::unique_ptr<supervisor> open_command(settings const& settings) { return std::make_unique<command>(settings); }

}  // namespace service
