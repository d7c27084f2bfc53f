// daemontools as tidb-ansible lays it out: <deploy_dir>/status/<component>, and supervise called with that directory
// and <deploy_dir>/scripts/run_<component>.sh. tidb-ansible's own start and stop scripts are never run: the one may
// kill a supervise hard, the other ends supervise, perhaps before it has passed the signal on. A node stopped here
// keeps its supervise, with the service down: `svc -u`, tidb-ansible's start script and start() all bring it back.
#include "core/file.hpp"
#include "service/kinds.hpp"
#include "service/svstat.hpp"
#include "service/texts.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <thread>

namespace service {
namespace {

using namespace std::chrono_literals;

constexpr auto look_for = 10s;
// supervise reads its orders up to a second late: it sleeps that long after each start of its process.
constexpr auto obey_within = 10s;
constexpr auto gone_within = 1s;

class supervise : public supervisor {
 public:
  explicit supervise(settings const& settings)
      : deploy_dir_(settings.deploy_dir),
        component_(settings.component),
        directory_("status/" + settings.component),
        script_(deploy_dir_ / "scripts" / ("run_" + settings.component + ".sh")),
        user_(settings.user) {}

  core::result<state> look() override {
    TRY_ASSIGN(auto const view, svstat(core::deadline::after(look_for)));
    state result;
    result.description = description_;
    std::error_code ec;
    result.known = std::filesystem::is_directory(deploy_dir_ / directory_, ec);
    if (view.state == supervision::up) {
      result.activity = activity::running;
      result.main_pid = view.pid;
    } else if (view.want_up) {
      result.activity = activity::restarting;
    }
    if (view.state != supervision::up) {
      TRY_ASSIGN(result.leftover, node_processes());
    }
    return result;
  }

  core::result<void> stop(std::optional<process::id> const& node, core::deadline deadline) override {
    TRY_ASSIGN(auto const view, svstat(deadline));
    auto const lives = node && process::alive(*node);
    if (view.state == supervision::absent) return lives ? process::terminate(*node) : core::result<void>{};
    auto const another = lives && node->pid != view.pid && !descends(*node, view.pid);
    if (view.state == supervision::down && !view.want_up)
      return another ? process::terminate(*node) : core::result<void>{};
    if (another) return not_supervised(name(), node->pid);
    if (view.want_down) return {};
    TRY(svc("-d", "stop", core::errc::system_failure, deadline));
    auto const obeyed = [](svstat_view const& v) { return v.want_down || (v.state != supervision::up && !v.want_up); };
    return await(obeyed, "stop", core::errc::system_failure, deadline);
  }

  core::result<void> hold(core::deadline deadline) override {
    TRY_ASSIGN(auto const view, svstat(deadline));
    if (view.state != supervision::up || view.want_down) return {};  // `svc -o` would start it
    TRY(svc("-o", "hold", core::errc::system_failure, deadline));
    auto const obeyed = [&](svstat_view const& v) {
      return v.state != supervision::up || v.want_down || wants_nothing();
    };
    return await(obeyed, "hold", core::errc::system_failure, deadline);
  }

  core::result<void> start(core::deadline deadline) override {
    TRY_ASSIGN(auto const view, svstat(deadline));
    if (view.state == supervision::up && view.want_down) return still_alive(name(), {view.pid});
    if (view.state == supervision::up) return {};
    TRY(wait_for_leftover(deadline));
    if (view.state == supervision::absent) {
      TRY(launch());
    } else {
      TRY(svc("-u", "start", core::errc::start_failed, deadline));
    }
    // Down, want up: for a moment it is so before the first process, too, which would look like one that came and went.
    auto const obeyed = [](svstat_view const& v) { return v.state == supervision::up; };
    return await(obeyed, "start", core::errc::start_failed, deadline);
  }

  core::result<void> reload(core::deadline) override { return {}; }

 private:
  [[nodiscard]] std::string name() const { return (deploy_dir_ / directory_).string(); }

  // tidb-ansible's own copy, or the host's.
  [[nodiscard]] std::string tool(std::string_view tool) const {
    auto const own = deploy_dir_ / "bin" / tool;
    return ::access(own.c_str(), X_OK) == 0 ? own.string() : std::string(tool);
  }

  core::result<process::exit_report> call(std::vector<std::string> argv, core::deadline deadline) {
    return process::run({std::move(argv), deploy_dir_}, deadline);
  }

  core::result<svstat_view> svstat(core::deadline deadline) {
    TRY_ASSIGN(auto const done, call({tool("svstat"), directory_}, deadline));
    auto const said = done.out + done.err;  // versions differ in where errors go
    description_ = trimmed(said);
    auto const view = parse_svstat(description_);
    if (view.state != supervision::unreadable) return view;
    return core::error{core::errc::system_failure, fmt::format("cannot look at {}: {}", name(), last_words(done)),
                       "run the tool as root or as the user supervise runs as"};
  }

  core::result<void> svc(std::string const& option, std::string_view verb, core::errc code, core::deadline deadline) {
    TRY_ASSIGN(auto const done, call({tool("svc"), option, directory_}, deadline));
    // daemontools' svc only warns when it fails, and exits 0.
    if (done.exit_code == 0 && trimmed(done.err).empty()) return {};
    return core::error{code, fmt::format("cannot {} {}: {}", verb, name(), last_words(done)),
                       "run the tool as root or as the user supervise runs as"};
  }

  template <class Condition>
  core::result<void> await(Condition obeyed, std::string_view verb, core::errc code, core::deadline deadline) {
    for (auto const limit = deadline.within(obey_within);;) {
      TRY_ASSIGN(auto const view, svstat(limit));
      if (obeyed(view)) return {};
      auto const died = launched_ && !process::alive(*launched_) && view.state == supervision::absent;
      if (died || limit.passed())
        return core::error{code, fmt::format("cannot {} {}: supervise did not follow: {}", verb, name(), description_),
                           fmt::format("look at the supervise process and at {}", name())};
      std::this_thread::sleep_for(std::min<core::milliseconds>(20ms, limit.left()));
    }
  }

  // svstat does not show `svc -o`; supervise's own record does: its 18th byte says what is wanted.
  [[nodiscard]] bool wants_nothing() const {
    auto const record = core::read_file(deploy_dir_ / directory_ / "supervise/status", 64);
    return record && record->size() >= 18 && (*record)[17] == '\0';
  }

  // The node's processes whoever started them: supervise can be killed and leave its process behind.
  core::result<std::vector<pid_t>> node_processes() {
    TRY_ASSIGN(auto const found, process::processes_of(deploy_dir_ / "bin" / component_));
    std::vector<pid_t> pids;
    for (auto const& id : found) pids.push_back(id.pid);
    return pids;
  }

  // Looked at for a while: one that just begins or ends may only have been asked for its version.
  core::result<void> wait_for_leftover(core::deadline deadline) {
    for (auto const limit = deadline.within(gone_within);;) {
      TRY_ASSIGN(auto const leftover, node_processes());
      if (leftover.empty()) return {};
      if (limit.passed()) return still_alive(name(), leftover);
      std::this_thread::sleep_for(std::min<core::milliseconds>(20ms, limit.left()));
    }
  }

  // A run script that does not exec has the node as its child.
  [[nodiscard]] static bool descends(process::id const& node, pid_t ancestor) {
    for (auto pid = node.pid; ancestor > 1 && pid > 1;) {
      auto const seen = process::inspect(pid);
      if (!seen) return false;
      if (seen->parent == ancestor) return true;
      pid = seen->parent;
    }
    return false;
  }

  core::result<void> launch() {
    std::error_code ec;
    if (!std::filesystem::is_directory(deploy_dir_ / directory_, ec))
      return core::error{core::errc::start_failed, fmt::format("cannot start {}: no such directory", name()),
                         "deploy the node with process_supervision=supervise first, or name its real supervision"};
    // Two arguments for tidb-ansible's supervise; the world's other ones take one and look for DIR/run.
    std::vector<std::string> argv{tool("supervise"), directory_};
    auto const runs = ::access((deploy_dir_ / directory_ / "run").c_str(), X_OK) == 0;
    auto const of_the_host = argv.front().find('/') == std::string::npos;
    if (::access(script_.c_str(), X_OK) == 0 && !(runs && of_the_host)) {
      argv.push_back(script_.string());
    } else if (!runs) {
      return core::error{core::errc::start_failed,
                         fmt::format("cannot start {}: {} is no executable file", name(), script_.string()),
                         "deploy the run script first"};
    }
    // As a login of that user would have it, and nothing of ours: Pump and Drainer read flags from the environment.
    std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    if (user_) {
      environment.push_back("USER=" + user_->user);
      environment.push_back("LOGNAME=" + user_->user);
      environment.push_back("HOME=" + (user_->home.empty() ? deploy_dir_ : user_->home).string());
    }
    auto const started = process::start_detached({std::move(argv), deploy_dir_, std::move(environment)}, user_);
    if (!started) {
      auto e = started.error();
      e.code = core::errc::start_failed;
      return e;
    }
    launched_ = process::identify(*started).value_or(process::id{*started, 0});
    return write_pid(*started);
  }

  // As tidb-ansible's start script, which looks there for the supervise to replace and must be able to write it.
  core::result<void> write_pid(pid_t pid) {
    auto const file = deploy_dir_ / directory_ / "pid";
    TRY(core::replace_file(file, fmt::format("{}\n", pid)));
    if (user_ && ::geteuid() == 0 && ::lchown(file.c_str(), user_->uid, user_->gid) != 0)
      return core::system_error("change the owner of " + file.string(), errno);
    return {};
  }

  std::filesystem::path deploy_dir_;
  std::string component_;
  std::string directory_;  // relative to deploy_dir, as tidb-ansible has it
  std::filesystem::path script_;
  std::optional<process::identity> user_;
  std::string description_;              // what svstat said last
  std::optional<process::id> launched_;  // the supervise started here
};

}  // namespace

std::unique_ptr<supervisor> open_supervise(settings const& settings) { return std::make_unique<supervise>(settings); }

}  // namespace service
