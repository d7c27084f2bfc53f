#include "module/render.hpp"
#include "module/request.hpp"
#include "module/tool.hpp"

#include <fcntl.h>
#include <nss.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>

// libstdc++'s own would print the type of a stray exception: on stderr, where nothing may go, and by 45 kB of
// demangler.
namespace __gnu_cxx {
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx

namespace module {
namespace {

class silent_reporter : public reporter {
 public:
  void progress(std::string_view) override {}
};

class text_reporter : public reporter {
 public:
  text_reporter(std::string_view name, bool terminal) : name_(name), terminal_(terminal) {}

  void progress(std::string_view line) override {
    drawn_ = 0;
    write(name_ + ": " + escape_invalid_utf8(line) + "\n");
  }

  void picture(std::vector<picture_line> const& lines) override { terminal_ ? redraw(lines) : log(lines); }

 private:
  static void write(std::string const& text) {
    [[maybe_unused]] auto const ignored = ::write(STDERR_FILENO, text.data(), text.size());
  }

  static std::string text_of(picture_line const& line) {
    return escape_invalid_utf8(line.state + (line.detail.empty() ? "" : "  ") + line.detail);
  }

  void redraw(std::vector<picture_line> const& lines) {
    winsize size{};
    auto const width = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80U;
    std::string text = drawn_ > 0 ? "\x1b[" + std::to_string(drawn_) + "A" : "";
    // A line that wraps would move all below it.
    for (auto const& line : lines) text += "\x1b[2K" + text_of(line).substr(0, width - 1) + "\n";
    for (auto left = lines.size(); left < drawn_; ++left) text += "\x1b[2K\n";
    drawn_ = std::max(drawn_, lines.size());
    write(text);
  }

  void log(std::vector<picture_line> const& lines) {
    written_.resize(lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (written_[i] == lines[i].state) continue;
      written_[i] = lines[i].state;
      write(name_ + ": " + text_of(lines[i]) + "\n");
    }
  }

  std::string name_;
  bool terminal_;
  std::size_t drawn_ = 0;             // lines on the terminal
  std::vector<std::string> written_;  // the states last written, elsewhere
};

// A fully static executable has no NSS modules but the built-in ones, and loading others crashes it.
void confine_name_lookups() {
  __nss_configure_lookup("hosts", "files dns");
  for (auto const* database : {"passwd", "group", "initgroups", "services"}) __nss_configure_lookup(database, "files");
}

// A file opened by the tool must never become its stdout. False where there is no stdout to print on.
bool occupy_standard_descriptors() {
  auto const has_stdout = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
    if (fd <= STDERR_FILENO) continue;
    ::close(fd);
    break;
  }
  return has_stdout;
}

bool print(std::string_view text) {
  while (!text.empty()) {
    auto const n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool nobody_reads() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

core::result<request> decode(tool const& tool, std::vector<std::string> const& words) {
  return is_args_file(words) ? read_args_file(words[0]) : decode_command_line(tool, words);
}

std::string wanted_text(tool const& tool, text_wanted wanted) {
  if (wanted == text_wanted::help) return help_text(tool);
  if (wanted == text_wanted::docs) return docs_text(tool);
  return std::string(tool.name) + " " + TOOL_VERSION + "\n";
}

outcome call(tool const& tool, run_function run, request const& asked, reporter& report,
             core::clock::time_point started) {
  auto const options = check_options(all_options(tool), asked.values);
  if (!options) return outcome::failed(options.error());
  context ctx{asked.check || options->boolean("check"),
              asked.diff || options->boolean("diff"),
              {},
              started,
              report,
              asked.no_log};
  if (asked.by_standard_input) ctx.abandoned = nobody_reads;
  if (options->has("timeout")) ctx.timeout = options->seconds("timeout");
  auto result = run(*options, ctx);
  if (ctx.no_log || !ctx.diff) result.diff.reset();
  return result;
}

int serve_or_throw(tool const& tool, run_function run, int argc, char** argv, core::clock::time_point started,
                   bool has_stdout) {
  std::vector<std::string> const words(argv + std::min(argc, 1), argv + argc);
  auto const asked = decode(tool, words);
  if (asked && asked->text != text_wanted::none) return print(wanted_text(tool, asked->text)) ? 0 : 111;

  std::unique_ptr<reporter> report = std::make_unique<silent_reporter>();
  auto const terminal = ::isatty(STDERR_FILENO) == 1;
  auto const told = asked && asked->face == face::command && (asked->progress || terminal);
  if (told) report = std::make_unique<text_reporter>(tool.name, terminal);
  auto const result = asked ? call(tool, run, *asked, *report, started) : outcome::failed(asked.error());
  auto const printed = print(render(result, core::since(started))) && has_stdout;
  if (told) report->progress(result.failure ? result.failure->what : result.msg);
  auto const status = exit_status(result);
  return printed || status != 0 ? status : 111;
}

// Without allocating: this may be the end of memory.
int report_bug(char const* what, core::clock::time_point started) {
  std::array<char, 512> text{};
  std::array<char, 200> cause{};
  std::size_t n = 0;
  for (; *what != '\0' && n + 1 < cause.size(); ++what)
    cause[n++] = *what >= ' ' && *what < 0x7f && *what != '"' && *what != '\\' ? *what : '?';
  auto const length = std::snprintf(
      text.data(), text.size(),
      R"({"changed":false,"failed":true,"msg":"cannot go on: %s","elapsed_ms":%lld,)"
      R"("error":{"code":"system_failure","hint":"this is a bug, or memory has run out; run again with --check"}})"
      "\n",
      cause.data(), static_cast<long long>(core::since(started).count()));
  print(std::string_view(text.data(), static_cast<std::size_t>(length)));
  return 111;
}

}  // namespace

int serve(tool const& tool, run_function run, int argc, char** argv) {
  auto const started = core::clock::now();
  confine_name_lookups();
  auto const has_stdout = occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return serve_or_throw(tool, run, argc, argv, started, has_stdout);
  } catch (std::exception const& e) {
    return report_bug(e.what(), started);
  } catch (...) {
    return report_bug("an unknown exception", started);
  }
}

}  // namespace module
