#include "copy-binary/check.hpp"

#include "files/elf.hpp"
#include "files/program.hpp"
#include "process/child.hpp"

namespace copy_binary {
namespace {

using core::errc;
using core::error;

// The nodes fill flags from PUMP_* variables, so none of the caller's environment may reach them.
core::result<process::exit_report> ask(fs::path const& binary, std::vector<std::string> const& arguments,
                                       core::deadline deadline) {
  process::command command;
  command.argv = {binary.string()};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.cwd = "/";
  command.environment = std::vector<std::string>{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  return process::run(command, deadline.within(std::chrono::seconds(10)));
}

std::string all_output(process::exit_report const& report) { return report.out + "\n" + report.err; }

error wrong_program(std::string const& what, std::string const& cause) {
  return {errc::wrong_program, "cannot use " + what + ": " + cause, "name the right file, or another component"};
}

// `binary` may be a temporary name, which people should not have to understand.
core::result<process::exit_report> ask_program(fs::path const& binary, std::string const& what,
                                               std::string const& argument, core::deadline deadline) {
  auto report = ask(binary, {argument}, deadline);
  if (report) return report;
  if (deadline.passed()) return report.error();
  if (report.error().code == errc::timed_out) return wrong_program(what, "it does not end when run with " + argument);
  return wrong_program(what, "it can't be run with " + argument + " (" + report.error().what + ")");
}

}  // namespace

core::result<std::string> check_program(fs::path const& path, std::string const& what, component wanted,
                                        core::deadline deadline) {
  TRY(files::check_elf_file(path, what));
  TRY_ASSIGN(auto const version_report, ask_program(path, what, "-V", deadline));
  auto const version = files::parse_version(all_output(version_report));
  if (!version.labelled || version_report.exit_code != 0)
    return wrong_program(what,
                         "run with -V it does not print TiDB Binlog's version labels (" +
                             (version_report.signal != 0 ? "signal " + std::to_string(version_report.signal)
                                                         : "exit status " + std::to_string(version_report.exit_code)) +
                             ")");
  TRY_ASSIGN(auto const help_report, ask_program(path, what, "-help", deadline));
  auto const found = component_in_help(all_output(help_report));
  if (found == wanted) return version.best();
  auto const is = found == component::any ? std::string("something else") : "a " + std::string(name(found));
  return wrong_program(what, "it is " + is + ", not a " + std::string(name(wanted)));
}

core::result<void> probe(fs::path const& binary, fs::path const& config, fs::path const& name,
                         core::deadline deadline) {
  auto const report = ask(binary, {"-config", config.string(), "probe"}, deadline);
  if (report) return judge_probe(report->exit_code, all_output(*report), name);
  if (deadline.passed()) return report.error();
  return error{errc::config_rejected, "cannot try the configuration " + name.string() + ": " + report.error().what, ""};
}

std::string version_of_present(fs::path const& path, core::deadline deadline) {
  if (!files::check_elf_file(path, "it")) return {};
  auto const report = ask(path, {"-V"}, deadline);
  return report ? files::parse_version(all_output(*report)).best() : std::string();
}

}  // namespace copy_binary
