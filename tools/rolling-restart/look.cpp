#include <unistd.h>

#include <algorithm>

#include "binlog/config.hpp"
#include "core/file.hpp"
#include "files/digest.hpp"
#include "memory.hpp"
#include "session.hpp"

namespace rolling_restart {

using core::errc;
using core::error;
using core::result;

namespace {

service::settings service_settings(settings const& s) {
  service::settings out{.kind = s.supervision,
                        .unit = s.unit,
                        .deploy_dir = s.deploy_dir,
                        .component = std::string(s.component_name()),
                        .user = s.user,
                        .pid_file = s.pid_file};
  if (!s.stop_command.empty()) out.stop = process::command{s.stop_command, s.deploy_dir};
  if (!s.start_command.empty()) out.start = process::command{s.start_command, s.deploy_dir};
  return out;
}

// Without a start_command, the node is started as it ran: from its process now, or from what an earlier call
// remembered.
void start_as_it_ran(service::settings& out, node_view const& node, std::filesystem::path const& stage_dir) {
  if (out.kind != service::kind::command) return;
  std::optional<remembered_node> as;
  if (node.process)
    as = remembered_node{node.process->argv, node.process->cwd, node.process->environment, node.process->uid,
                         node.process->gid};
  else
    as = recall_node(stage_dir);
  if (!as) return;
  if (!out.start) out.start = process::command{as->argv, as->cwd, as->environment};
  if (!out.user && ::geteuid() == 0 && as->uid != 0) out.user = process::identity{as->uid, as->gid, {}};
}

// Whether a manifest is of the files that copy-binary returned.
bool same_files(files::manifest const& found, files::manifest const& returned) {
  return found.files.size() == returned.files.size() &&
         std::all_of(returned.files.begin(), returned.files.end(), [&](files::staged_file const& wanted) {
           return std::any_of(found.files.begin(), found.files.end(), [&](files::staged_file const& each) {
             return each.dest == wanted.dest && each.sha256 == wanted.sha256;
           });
         });
}

}  // namespace

result<void> session::open() {
  given_.data_dir = settings_.data_dir.string();
  given_.advertise = settings_.advertise;
  TRY(find_deploy_dir(settings_));
  if (settings_.stage_dir.empty()) settings_.stage_dir = settings_.deploy_dir / "stage" / settings_.component_name();
  supervisor_ = service::open(service_settings(settings_));
  return {};
}

// A restart reads both programs whole, the one in use and the one that waits: while it looks at all else.
void session::read_ahead() const {
  if (settings_.action == action::status || settings_.action == action::verify || settings_.staged_set.empty()) return;
  std::vector<std::filesystem::path> paths{settings_.executable()};
  if (auto const staged = files::read_manifest(settings_.stage_dir, settings_.staged_set); staged)
    for (auto const& file : staged->files) paths.push_back(file.path);
  files::read_ahead(paths);
}

// copy-binary asked the staged programs; what was seen running before need not be asked again.
known_versions session::versions_asked() const {
  known_versions known;
  auto const add = [&](std::string const& sha256, std::string const& version) {
    if (!sha256.empty() && !version.empty()) known.emplace(sha256, version);
  };
  auto const add_all = [&](files::manifest const& set) {
    for (auto const& file : set.files)
      if (file.dest == settings_.executable()) add(file.sha256, file.version);
  };
  add(node_.exe_sha256, node_.version);
  if (target_) add_all(*target_);
  for (auto const& done : journal_.committed) add_all(done.set);
  return known;
}

result<void> session::look() {
  TRY_ASSIGN(journal_, files::read_journal(settings_.stage_dir));
  TRY_ASSIGN(node_, look_at_node(settings_, *supervisor_, versions_asked()));
  if (settings_.supervision == service::kind::command) {
    auto as_it_ran = service_settings(settings_);
    start_as_it_ran(as_it_ran, node_, settings_.stage_dir);
    supervisor_ = service::open(as_it_ran);
  }
  TRY(choose_target());
  TRY(use_configured_tls());
  if (settings_.tls_file_to_come.empty()) {
    TRY(look_around());
  } else if (node_.process) {
    return error{errc::tls_failed,
                 "cannot ask " + settings_.node_name() + ", which runs (pid " + std::to_string(node_.process->id.pid) +
                     "): " + settings_.tls_file_to_come.string() + " is not there",
                 "a dry run sends no certificate: put it there, or run without --check"};
  }
  judge_own_readiness();
  return {};
}

result<void> session::look_around() {
  if (!cluster_) cluster_ = std::make_unique<cluster>(settings_);
  TRY_ASSIGN(registry_, cluster_->read());
  entry_.reset();
  if (auto const* own = own_entry_in(registry_); own != nullptr) entry_ = *own;
  return {};
}

std::filesystem::path session::drainer_toml() const {
  if (!node_.location.config.empty()) return node_.location.config;
  return settings_.deploy_dir / "conf" / "drainer.toml";
}

files::staged_file const* session::brought_by_set(std::filesystem::path const& path) const {
  if (!target_) return nullptr;
  auto const& all = target_->files;
  auto const file = std::find_if(all.begin(), all.end(), [&](auto const& each) { return each.dest == path; });
  return file == all.end() ? nullptr : &*file;
}

// Where the set brings the file, the copy that waits beside it; else the file itself.
std::filesystem::path session::staged_or_in_place(std::filesystem::path const& path) const {
  std::error_code ec;
  auto const* file = brought_by_set(path);
  return file != nullptr && std::filesystem::exists(file->path, ec) ? file->path : path;
}

// A Drainer's certificates are set up by hand: only its configuration knows them (facts 6.1), on a first install the
// one that is about to be put in place.
result<void> session::use_configured_tls() {
  if (!settings_.is_drainer() || settings_.tls || !settings_.tls_file_to_come.empty()) return {};
  std::error_code ec;
  auto file = drainer_toml();
  if (!std::filesystem::exists(file, ec)) file = staged_or_in_place(file);
  auto const secure = std::any_of(settings_.pd_urls.begin(), settings_.pd_urls.end(),
                                  [](std::string const& url) { return url.starts_with("https://"); });
  if (context_->check && secure && brought_by_set(file) != nullptr && !std::filesystem::exists(file, ec))
    settings_.tls_file_to_come = file;
  auto const config = binlog::read_drainer_config(file);
  if (config.ssl_ca.empty()) return {};
  auto const absolute = [&](std::string const& path) {
    return path.empty() ? std::string() : (settings_.deploy_dir / path).lexically_normal().string();
  };
  settings_.tls = http::tls_files{absolute(config.ssl_ca), absolute(config.ssl_cert), absolute(config.ssl_key), ""};
  return http::check_tls_files(*settings_.tls);
}

binlog::node const* session::own_entry_in(binlog::registry const& registry) const {
  return settings_.is_drainer() ? registry.drainer(node_.id) : registry.pump(node_.id);
}

result<void> session::choose_target() {
  target_.reset();
  direction_ = files::direction::forward;
  if (settings_.action == action::rollback) {
    direction_ = files::direction::roll_back;
    if (journal_.in_flight && journal_.in_flight->roll_back) {
      target_ = journal_.in_flight->set;
    } else if (!journal_.rolled_back && !journal_.in_flight) {
      TRY_ASSIGN(target_, files::former_set(journal_));
    }
  } else if (!settings_.staged_set.empty()) {
    TRY(read_target());
    if (settings_.staged && !same_files(*target_, *settings_.staged))
      return error{errc::stage_changed,
                   "cannot use set " + settings_.staged_set.substr(0, 12) +
                       ": its manifest is of other files than copy-binary returned",
                   "stage the set again"};
  } else if (journal_.in_flight) {
    target_ = journal_.in_flight->set;
    if (journal_.in_flight->roll_back) direction_ = files::direction::roll_back;
  }
  files_differ_ = false;
  if (!target_) return {};
  for (auto const& file : target_->files) {
    auto const digest = files::sha256_of_file(file.dest);
    files_differ_ = files_differ_ || !digest || *digest != file.sha256;
  }
  if (target_->files.empty() || target_->files.front().mode == 0) return {};  // planned from copy-binary's object
  files_differ_ = !files::differing_files(*target_).empty();
  return {};
}

result<void> session::read_target() {
  auto manifest = files::read_manifest(settings_.stage_dir, settings_.staged_set);
  if (manifest) {
    target_ = std::move(*manifest);
    return {};
  }
  // Check mode staged nothing, nor did status.yml. A committed set has no manifest any more: it is what the node runs.
  for (auto const& done : journal_.committed)
    if (done.set.set == settings_.staged_set) {
      target_ = done.set;
      return {};
    }
  if (journal_.in_flight && journal_.in_flight->set.set == settings_.staged_set) {
    target_ = journal_.in_flight->set;
    return {};
  }
  if ((context_->check || settings_.action == action::status) && settings_.staged) {
    target_ = settings_.staged;
    return {};
  }
  auto e = manifest.error();
  e.code = errc::stage_changed;
  e.hint = "stage the set again";
  return e;
}

void session::judge_own_readiness() {
  ready_ = false;
  no_answer_.reset();
  if (!node_.process) {
    not_ready_because_ = "no process of it runs (" + node_.service.description + ")";
    return;
  }
  sighting seen{.alive = true, .listening = node_.listening};
  make_prover().ask(seen, {.id = node_.id});
  if (!seen.answered) {
    no_answer_ = seen.failure;
    not_ready_because_ = seen.answer_error;
    return;
  }
  last_answer_ = core::clock::now();
  seen.foreign_entry.reset();
  seen.exe_sha256 = node_.exe_sha256;
  auto const now = judge(seen, {.id = node_.id, .exe_sha256 = node_.exe_sha256}, settings_.advertise);
  ready_ = now.standing == standing::ready;
  not_ready_because_ = now.why;
}

std::string session::installed_digest() const {
  if (target_)
    for (auto const& file : target_->files)
      if (file.dest == settings_.executable()) return file.sha256;
  auto const digest = files::sha256_of_file(settings_.executable());
  return digest ? *digest : "";
}

// `active` is only written while the node is down, so a process found with it started on the whole set.
bool session::in_flight_runs() const {
  return journal_.in_flight && journal_.in_flight->state == files::activation_state::active && node_.process &&
         node_.exe_sha256 == installed_digest();
}

situation session::current_situation() const {
  situation s;
  using service::activity;
  s.drainer = settings_.is_drainer();
  s.running = node_.process.has_value() || node_.service.activity == activity::running ||
              node_.service.activity == activity::restarting;
  s.ready = ready_;
  s.set_given = target_.has_value();
  s.files_differ = files_differ_;
  s.runs_installed_binary = !node_.process || node_.exe_sha256 == installed_digest();
  s.in_flight = journal_.in_flight.has_value();
  s.in_flight_is_wanted = s.in_flight && target_ && journal_.in_flight->set.set == target_->set &&
                          journal_.in_flight->state != files::activation_state::undoing;
  s.in_flight_runs = in_flight_runs();
  s.nothing_to_roll_back = settings_.action == action::rollback && !target_;
  return s;
}

}  // namespace rolling_restart
