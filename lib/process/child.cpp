#include "process/child.hpp"

#include "process/exec.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/process/args.hpp>
#include <boost/process/async.hpp>
#include <boost/process/async_pipe.hpp>
#include <boost/process/child.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace process {
namespace {

namespace asio = boost::asio;
namespace bp = boost::process;

constexpr std::size_t most_output = 1U << 20U;
constexpr auto quit_after = std::chrono::seconds(2);     // from SIGTERM to SIGQUIT
constexpr auto give_up_after = std::chrono::seconds(1);  // from SIGQUIT to leaving it alone
// How long output is still awaited after the end of the child: a grandchild may hold the pipes for ever.
constexpr auto drain_for = std::chrono::milliseconds(200);

// The child's side of the start, besides what Boost.Process does itself.
struct clean_start : bp::extend::handler {
  process::command const& command;
  std::vector<char*> environment;

  explicit clean_start(process::command const& c) : command(c) {
    if (c.environment) environment = pointers(*c.environment);
  }

  template <class Executor>
  void on_setup(Executor& exec) {
    if (!environment.empty()) exec.env = environment.data();
  }

  template <class Executor>
  void on_exec_setup(Executor& exec) const {
    default_signals();
    ::setpgid(0, 0);  // so that what it starts gets the signals too
    if (!command.cwd.empty() && ::chdir(command.cwd.c_str()) != 0) {
      exec.set_error(std::error_code(errno, std::system_category()), "chdir");
      ::_exit(127);
    }
    close_descriptors_on_exec();
  }

  // Boost looks once, without waiting, for the child whose exec failed: it would stay a zombie.
  template <class Executor>
  void on_error(Executor& exec, std::error_code const&) const {
    while (exec.pid > 0 && ::waitpid(exec.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
};

class capture {
 public:
  explicit capture(asio::io_context& io) : pipe(io) {
    ::fcntl(pipe.native_source(), F_SETFD, FD_CLOEXEC);
    ::fcntl(pipe.native_sink(), F_SETFD, FD_CLOEXEC);
  }
  void read() {
    pipe.async_read_some(asio::buffer(buffer_), [this](boost::system::error_code ec, std::size_t size) {
      text.append(buffer_.data(), std::min(size, most_output - text.size()));
      if (ec) {
        ended = true;
        return;
      }
      read();
    });
  }

  bp::async_pipe pipe;
  std::string text;
  bool ended = false;

 private:
  std::array<char, 16384> buffer_{};
};

// One run of one child, from start to report.
class runner {
 public:
  runner(command const& command, core::deadline deadline) : command_(command), deadline_(deadline) {}

  core::result<exit_report> run(std::string const& program) {
    std::error_code ec;
    bp::child child(bp::exe = program,
                    bp::args = std::vector<std::string>(command_.argv.begin() + 1, command_.argv.end()),
                    bp::std_in<bp::null, bp::std_out> out_.pipe, bp::std_err > err_.pipe, clean_start(command_), ec,
                    io_, bp::on_exit([this](int, std::error_code const& e) { ended(e); }));
    if (ec) return start_error(program, ec);
    pid_ = child.id();
    out_.read();
    err_.read();
    timer_.expires_at(deadline_.when());
    arm();
    while (!done() && io_.run_one() != 0) {
    }
    child.detach();  // or its destructor would kill what is still alive
    return report(program, child.native_exit_code());
  }

 private:
  enum class phase { in_time, terminated, quit, left_alone };

  [[nodiscard]] bool done() const {
    return phase_ == phase::left_alone || (exited_ && (drained_ || (out_.ended && err_.ended)));
  }

  void arm() {
    timer_.async_wait([this](boost::system::error_code ec) {
      if (!ec) expired();
    });
  }

  void expired() {
    if (exited_) {
      drained_ = true;
    } else if (phase_ == phase::in_time) {
      next(phase::terminated, SIGTERM, quit_after);
    } else if (phase_ == phase::terminated) {
      next(phase::quit, SIGQUIT, give_up_after);
    } else {
      phase_ = phase::left_alone;
    }
  }

  // Not reaped yet, so the number can't belong to somebody else.
  void next(phase now, int signal, std::chrono::seconds patience) {
    phase_ = now;
    if (::kill(-pid_, signal) != 0) ::kill(pid_, signal);
    timer_.expires_after(patience);
    arm();
  }

  void ended(std::error_code const& ec) {
    exited_ = true;
    wait_error_ = ec;
    timer_.expires_after(drain_for);
    arm();
  }

  core::error start_error(std::string const& program, std::error_code const& ec) const {
    std::error_code ignored;
    if (!command_.cwd.empty() && !std::filesystem::is_directory(command_.cwd, ignored))
      return core::system_error(fmt::format("run {} in {}", program, command_.cwd.string()), ec.value());
    return exec_error(program, command_.cwd, ec.value());
  }

  core::result<exit_report> report(std::string const& program, int status) {
    if (phase_ == phase::left_alone)
      return core::error{core::errc::timed_out,
                         fmt::format("cannot run {}: not done in time, and process {} still lives after SIGTERM and "
                                     "SIGQUIT",
                                     program, pid_),
                         fmt::format("it is left alone; look at process {} before the next try", pid_)};
    if (phase_ != phase::in_time)
      return core::error{core::errc::timed_out, fmt::format("cannot run {}: not done in time, ended", program)};
    if (wait_error_) return core::system_error("wait for " + program, wait_error_.value());
    exit_report report;
    report.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    report.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    report.out = std::move(out_.text);
    report.err = std::move(err_.text);
    return report;
  }

  command const& command_;
  core::deadline deadline_;
  asio::io_context io_;
  capture out_{io_};
  capture err_{io_};
  asio::steady_timer timer_{io_};
  pid_t pid_ = 0;
  phase phase_ = phase::in_time;
  bool exited_ = false;
  bool drained_ = false;
  std::error_code wait_error_;
};

}  // namespace

core::result<exit_report> run(command const& command, core::deadline deadline) {
  TRY_ASSIGN(auto const program, find_program(command));
  if (deadline.passed())
    return core::error{core::errc::timed_out, "cannot run " + program + ": no time was left to start it"};
  reserve_standard_descriptors();
  try {
    return runner(command, deadline).run(program);
  } catch (std::system_error const& e) {  // out of descriptors or memory: Boost has no other way to say so
    return core::system_error("run " + program, e.code().value());
  }
}

}  // namespace process
