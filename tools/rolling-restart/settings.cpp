#include "settings.hpp"

#include <algorithm>
#include <array>

#include "files/digest.hpp"
#include "http/url.hpp"
#include "process/child.hpp"

namespace rolling_restart {
namespace {

using core::errc;
using core::error;
using core::result;
using module::option_type;
using module::presence;

constexpr std::array<std::string_view, 6> action_names{"restart", "stop", "start", "rollback", "status", "verify"};

error usage(std::string what, std::string hint = "") { return {errc::usage, std::move(what), std::move(hint)}; }

result<files::manifest> decode_staged_object(core::json::value const& value) {
  files::manifest m;
  auto const set = core::string_member(value, "set");
  auto const* list = core::member(value, "files");
  if (!set || set->empty() || list == nullptr || !list->is_array())
    return usage("cannot read staged: neither a set's digest nor the object copy-binary returned",
                 "pass copy-binary's result field `staged`");
  m.set = *set;
  for (auto const& file : list->get_array()) {
    auto const dest = core::string_member(file, "dest");
    auto const sha256 = core::string_member(file, "sha256");
    if (!dest || !sha256) return usage("cannot read staged: a file without dest or sha256");
    m.files.push_back({*dest, core::string_member(file, "path").value_or(""), *sha256, 0, 0, 0,
                       core::string_member(file, "version").value_or("")});
  }
  return m;
}

result<void> decode_staged(module::params const& params, settings& s) {
  auto const* staged = params.value("staged");
  if (staged == nullptr || staged->is_null()) return {};
  if (staged->is_string()) {
    s.staged_set = std::string(staged->get_string());
  } else {
    TRY_ASSIGN(s.staged, decode_staged_object(*staged));
    s.staged_set = s.staged->set;
  }
  if (s.staged_set.empty()) return {};
  auto const set = files::read_digest(s.staged_set);
  if (!set)
    return usage("cannot read staged: '" + s.staged_set.substr(0, 80) + "' is not a set's digest (64 hex digits)");
  s.staged_set = *set;
  return {};
}

// Checked here, where the option can still be named. Whether https is spoken may only be known from the node's own
// configuration: either goes here.
result<void> decode_addresses(module::params const& params, settings& s) {
  auto const secure = [&](std::string const& text) {
    return text.starts_with("https://") || (text.find("://") == std::string::npos && params.has("tls_ca"));
  };
  for (auto const& text : params.list("pd_urls")) {
    TRY_ASSIGN(auto url, http::base_url(text, "pd_urls", secure(text)));
    s.pd_urls.push_back(std::move(url));
  }
  for (auto const& text : params.list("peers")) {
    TRY_ASSIGN(auto const url, http::base_url(text, "peers", secure(text)));
    s.peers.push_back(http::authority_of(url));
  }
  s.advertise = params.string("advertise");
  if (s.advertise.empty()) return {};
  TRY_ASSIGN(auto const url, http::base_url(s.advertise, "advertise", secure(s.advertise)));
  if (http::authority_of(url) == s.advertise) return {};
  return usage("cannot use advertise " + s.advertise + ": not host:port");
}

// A certificate that is about to be put in place is used already: what is wrong with it shows before anything stops,
// and on a first install there is no other.
std::string about_to_be_used(std::string path, settings const& s) {
  std::error_code ec;
  if (s.staged)
    for (auto const& file : s.staged->files)
      if (file.dest == path && !file.path.empty() && std::filesystem::exists(file.path, ec)) return file.path.string();
  return path;
}

// On a first install a dry run has no certificates, neither in place nor staged: one of those a real run would put
// here. One that nobody brings is an error.
result<std::filesystem::path> find_tls_file_to_come(module::params const& params, settings const& s) {
  std::filesystem::path to_come;
  std::filesystem::path missing;
  for (auto const* option : {"tls_ca", "tls_cert", "tls_key"}) {
    std::error_code ec;
    std::filesystem::path const path = params.string(option);
    if (path.empty() || std::filesystem::exists(about_to_be_used(path, s), ec) || ec) continue;
    auto const brought = s.staged && std::any_of(s.staged->files.begin(), s.staged->files.end(),
                                                 [&](files::staged_file const& file) { return file.dest == path; });
    (brought ? to_come : missing) = path;
  }
  if (to_come.empty() || missing.empty()) return to_come;
  return error{errc::tls_failed,
               "cannot use TLS: " + missing.string() + " is neither on this host nor among the files to be sent",
               "put it into the control host's cert_dir"};
}

result<void> decode_tls(module::params const& params, module::context const& context, settings& s) {
  if (context.check) {
    TRY_ASSIGN(s.tls_file_to_come, find_tls_file_to_come(params, s));
  }
  if (!s.tls_file_to_come.empty()) return {};
  TRY_ASSIGN(s.tls, http::wanted_tls(
                        {about_to_be_used(params.string("tls_ca"), s), about_to_be_used(params.string("tls_cert"), s),
                         about_to_be_used(params.string("tls_key"), s), params.string("tls_server_name")}));
  return {};
}

result<void> decode_supervision(module::params const& params, settings& s) {
  auto const kind = params.string("supervision");
  s.supervision = kind == "systemd"     ? service::kind::systemd
                  : kind == "supervise" ? service::kind::supervise
                                        : service::kind::command;
  s.unit = params.string("service");
  if (s.unit.empty()) s.unit = s.node_name();
  if (s.supervision == service::kind::systemd && (s.unit.starts_with('-') || s.unit.find('/') != std::string::npos))
    return usage("cannot use service " + s.unit + ": not a unit's name");
  TRY_ASSIGN(s.start_command, process::split_command(params.string("start_command"), "start_command"));
  TRY_ASSIGN(s.stop_command, process::split_command(params.string("stop_command"), "stop_command"));
  s.pid_file = params.string("pid_file");
  if (s.supervision != service::kind::command &&
      (params.has("start_command") || params.has("stop_command") || params.has("pid_file")))
    return usage("cannot use start_command, stop_command or pid_file with supervision=" + kind,
                 "they go with supervision=command");
  if (auto const user = params.string("user"); !user.empty()) {
    TRY_ASSIGN(s.user, process::identity_of_user(user));
  }
  return {};
}

result<void> check_limits(module::params const& params, module::context const& context, settings const& s) {
  auto const only_looks = s.action == action::status || s.action == action::verify;
  auto const window = s.action == action::stop ? s.stop_timeout : s.stop_timeout + s.ready_timeout;
  if (!only_looks && context.timeout && *context.timeout < window)
    return usage("cannot keep timeout: it is shorter than stop_timeout" +
                     std::string(s.action == action::stop ? "" : " and ready_timeout together"),
                 "a node that was stopped is brought back first: give the call at least that long");
  for (auto const& name : s.accept)
    if (name != "data_dir" && name != "port" && name != "advertise" && name != "downgrade" &&
        name != "initial_commit_ts")
      return usage("cannot accept '" + name + "': know data_dir, port, advertise, downgrade and initial_commit_ts");
  if (s.action == action::verify && (!params.has("pid") || s.verify_sha256.empty()))
    return usage("cannot verify: pid and exe_sha256 are needed");
  for (auto const* option : {"deploy_dir", "data_dir", "stage_dir", "pid_file"})
    if (params.has(option) && !std::filesystem::path(params.string(option)).is_absolute())
      return usage("cannot use " + std::string(option) + " " + params.string(option) + ": not an absolute path");
  return {};
}

}  // namespace

std::string_view settings::component_name() const { return component == component::pump ? "pump" : "drainer"; }

std::filesystem::path settings::executable() const { return deploy_dir / "bin" / component_name(); }

bool settings::accepts(std::string_view name) const {
  return std::find(accept.begin(), accept.end(), name) != accept.end();
}

std::string settings::node_name() const { return std::string(component_name()) + "-" + std::to_string(port); }

std::string_view name(action action) { return action_names[static_cast<std::size_t>(action)]; }

module::tool const& description() {
  static module::tool const tool{
      .name = "rolling-restart",
      .summary = "Take one TiDB Binlog node through stop, activation and proven return",
      .description =
          {"Stops one Pump or Drainer, puts a staged set of files in place, starts it again and proves that it "
           "does its job. Puts the former set back when the new one is proven bad.",
           "Looks at every other Pump first, and takes a cluster-wide lock in PD's etcd, so that calls from "
           "anywhere take turns.",
           "Changes nothing where the node runs the set already and is ready."},
      .options =
          {
              {.name = "component",
               .type = option_type::string,
               .help = "Which program the node is.",
               .choices = {"pump", "drainer"},
               .needed = presence::required},
              {.name = "action",
               .type = option_type::string,
               .help = "What to do. status and verify only read.",
               .fallback = "restart",
               .choices = {action_names.begin(), action_names.end()}},
              {.name = "deploy_dir",
               .type = option_type::path,
               .help = "The node runs <deploy_dir>/bin/<component>. Default: read from the process at the port."},
              {.name = "data_dir",
               .type = option_type::path,
               .help = "The node's data directory. Default: read from its command line, else "
                       "<deploy_dir>/data.<component>."},
              {.name = "port",
               .type = option_type::integer,
               .help = "The node's port. Default 8250 for a Pump, 8249 for a Drainer.",
               .least = 1,
               .most = 65535},
              {.name = "advertise",
               .type = option_type::string,
               .help = "The address the node registers, host:port. Default: read from its command line."},
              {.name = "pd_urls",
               .type = option_type::list,
               .help = "Client URLs of every PD. Default: read from the node's command line."},
              {.name = "supervision",
               .type = option_type::string,
               .help = "Who keeps the node running.",
               .fallback = "systemd",
               .choices = {"systemd", "supervise", "command"}},
              {.name = "service", .type = option_type::string, .help = "The systemd unit. Default <component>-<port>."},
              {.name = "user",
               .type = option_type::string,
               .help = "Whom a node started by supervise or a command runs as. Default: as the process did, else the "
                       "caller."},
              {.name = "start_command",
               .type = option_type::string,
               .help = "With supervision=command: how to start the node. Default: its former command line."},
              {.name = "stop_command",
               .type = option_type::string,
               .help = "With supervision=command: how to stop the node. Default: SIGTERM to the process."},
              {.name = "pid_file",
               .type = option_type::path,
               .help = "With supervision=command: where the node's pid is written."},
              {.name = "peers",
               .type = option_type::list,
               .help = "The other Pumps, host:port: the registry is read through them when PD's gateway is off."},
              {.name = "stage_dir",
               .type = option_type::path,
               .help = "Where copy-binary wrote the manifest. Default <deploy_dir>/stage/<component>."},
              {.name = "staged",
               .type = option_type::any,
               .help = "The set to activate: its digest, or the object copy-binary returned."},
              {.name = "min_online",
               .type = option_type::integer,
               .help = "At least this many other Pumps must be ready; 0 must be said for a lone Pump.",
               .fallback = "1",
               .least = 0,
               .most = 1000},
              {.name = "except",
               .type = option_type::list,
               .help = "Node ids of Pumps that need not be ready: the operator answers for them."},
              {.name = "accept",
               .type = option_type::list,
               .help = "Changes that are refused otherwise: data_dir, port, advertise, downgrade; and for a Drainer "
                       "that has lost its checkpoint, initial_commit_ts."},
              {.name = "force",
               .type = option_type::boolean,
               .help = "Restart although nothing differs.",
               .fallback = "false"},
              {.name = "lock",
               .type = option_type::string,
               .help = "Take the cluster-wide lock, or go on without it.",
               .fallback = "auto",
               .choices = {"auto", "none"}},
              {.name = "lock_timeout",
               .type = option_type::seconds,
               .help = "How long to wait for the lock, seconds.",
               .fallback = "600",
               .least = 0,
               .most = 86400},
              {.name = "stop_timeout",
               .type = option_type::seconds,
               .help = "How long the node may take to end, seconds. It is never killed.",
               .fallback = "300",
               .least = 1,
               .most = 86400},
              {.name = "ready_timeout",
               .type = option_type::seconds,
               .help = "How long the node may take to be ready, seconds. Default 300, for a Drainer 900.",
               .least = 1,
               .most = 86400},
              {.name = "stable_for",
               .type = option_type::seconds,
               .help = "How long the node must stay ready, seconds. Default 5, for a Drainer 10.",
               .least = 0,
               .most = 3600},
              {.name = "pid",
               .type = option_type::integer,
               .help = "With action=verify: the process expected.",
               .least = 1},
              {.name = "exe_sha256",
               .type = option_type::string,
               .help = "With action=verify: the digest of the executable expected."},
              {.name = "tls_ca",
               .type = option_type::path,
               .help = "CA of PD, Pumps and Drainers. With it only https is spoken. Where the staged set replaces this "
                       "file or the next two, the staged ones are used. Default for a Drainer: what [security] of its "
                       "drainer.toml says."},
              {.name = "tls_cert", .type = option_type::path, .help = "Client certificate."},
              {.name = "tls_key", .type = option_type::path, .help = "Key of the client certificate."},
              {.name = "tls_server_name",
               .type = option_type::string,
               .help = "Name expected in the servers' certificates, instead of the address."},
          },
      .results =
          {
              {"node", "dict", "id, before and after: state, pid, version, exe_sha256, update_ts."},
              {"phases", "list", "name and ms of each phase, in order."},
              {"checkpoint", "dict", "Of a Drainer: commit_ts up to which it has applied everything, and its source."},
              {"downtime_ms", "int", "From the last answer before the stop to the first answer after."},
              {"peers_online", "list", "Ids of the other Pumps that were ready."},
              {"rolled_back", "bool", "Whether the former set was put back and proven."},
              {"broken", "bool", "With action=status: down, not ready, or left half activated."},
              {"staged_differs", "bool", "With action=status: whether the staged set differs from what is in place."},
          },
      .examples = R"(- name: Take this Pump through the restart onto the staged set
  rolling-restart:
    component: pump
    deploy_dir: "{{ deploy_dir }}"
    port: "{{ pump_port }}"
    staged: "{{ pump_staged.staged }}"
    stage_dir: "{{ deploy_dir }}/stage/pump"
)"};
  return tool;
}

result<settings> decode(module::params const& params, module::context const& context) {
  settings s;
  s.component = params.string("component") == "pump" ? component::pump : component::drainer;
  auto const wanted = params.string("action");
  s.action = static_cast<action>(std::find(action_names.begin(), action_names.end(), wanted) - action_names.begin());
  auto const pump = s.component == component::pump;
  s.port = static_cast<std::uint16_t>(params.has("port") ? params.integer("port") : pump ? 8250 : 8249);
  s.deploy_dir = params.string("deploy_dir");
  s.data_dir = params.string("data_dir");
  s.stage_dir = params.string("stage_dir");
  s.min_online = static_cast<std::size_t>(params.integer("min_online"));
  s.except = params.list("except");
  s.accept = params.list("accept");
  s.force = params.boolean("force");
  s.lock = params.string("lock") == "auto";
  s.lock_timeout = params.seconds("lock_timeout");
  s.stop_timeout = params.seconds("stop_timeout");
  s.ready_timeout =
      params.has("ready_timeout") ? params.seconds("ready_timeout") : core::milliseconds(pump ? 300000 : 900000);
  s.stable_for = params.has("stable_for") ? params.seconds("stable_for") : core::milliseconds(pump ? 5000 : 10000);
  if (params.has("pid")) s.verify_pid = static_cast<pid_t>(params.integer("pid"));
  if (auto const text = params.string("exe_sha256"); !text.empty()) {
    auto const digest = files::read_digest(text);
    if (!digest) return usage("cannot use exe_sha256 " + text.substr(0, 80) + ": not 64 hex digits");
    s.verify_sha256 = *digest;
  }
  TRY(decode_addresses(params, s));
  TRY(decode_staged(params, s));
  TRY(decode_supervision(params, s));
  TRY(check_limits(params, context, s));
  TRY(decode_tls(params, context, s));
  return s;
}

}  // namespace rolling_restart
