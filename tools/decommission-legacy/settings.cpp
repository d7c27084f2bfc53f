#include "settings.hpp"

#include <algorithm>
#include <charconv>

#include "http/url.hpp"
#include "process/child.hpp"

namespace decommission_legacy {
namespace {

using core::errc;
using core::error;
using core::result;

error usage(std::string what, std::string hint = "see --help") {
  return {errc::usage, std::move(what), std::move(hint)};
}

component component_of(std::string_view text) {
  for (auto const each : {component::drainer, component::pump, component::kafka})
    if (text == name(each)) return each;
  return component::zookeeper;
}

result<accepted> decode_accept(std::vector<std::string> const& names) {
  accepted a;
  for (auto const& text : names) {
    auto const equals = text.find('=');
    auto const word = text.substr(0, equals);
    auto const value = equals == std::string::npos ? std::string() : text.substr(equals + 1);
    if (equals == std::string::npos) {
      if (word == "loss")
        a.loss = true;
      else if (word == "tidb_status")
        a.tidb_status = true;
      else if (word == "registry")
        a.registry = true;
      else if (word == "cluster_id")
        a.cluster_id = true;
      else if (word == "ensemble")
        a.ensemble = true;
      else if (word == "metrics")
        a.metrics = true;
      else if (word == "abandon_data")
        return usage("cannot accept abandon_data: type the cluster's id with it", "accept: abandon_data=CLUSTER_ID");
      else
        return usage("cannot accept '" + text +
                     "': know loss, tidb_status, registry, cluster_id, ensemble, metrics, group=, client=, znode=, "
                     "abandon_data=");
      continue;
    }
    if (word == "abandon_data") {
      std::uint64_t id = 0;
      auto const [end, ec] = std::from_chars(value.data(), value.data() + value.size(), id);
      if (ec != std::errc() || end != value.data() + value.size() || id == 0)
        return usage("cannot accept abandon_data: '" + value + "' is not a cluster's id");
      a.abandoned = id;
    } else if (word == "group" && !value.empty()) {
      a.groups.insert(value);
    } else if (word == "client" && !value.empty()) {
      a.clients.insert(value);
    } else if (word == "znode" && value.starts_with('/')) {
      a.znodes.insert(value);
    } else {
      return usage("cannot accept '" + text +
                   "': know loss, tidb_status, registry, cluster_id, ensemble, metrics, group=, client=, znode=/, "
                   "abandon_data=");
    }
  }
  return a;
}

result<std::filesystem::path> absolute(module::params const& params, std::string const& option) {
  std::filesystem::path path = params.string(option);
  if (!path.empty() && !path.is_absolute())
    return usage("cannot use " + option + " " + path.string() + ": not an absolute path");
  path = path.lexically_normal();
  if (!path.has_filename() && path.has_parent_path()) path = path.parent_path();  // a slash at the end
  return path;
}

result<void> decode_paths(module::params const& params, settings& s) {
  TRY_ASSIGN(s.deploy_dir, absolute(params, "deploy_dir"));
  TRY_ASSIGN(s.executable, absolute(params, "executable"));
  TRY_ASSIGN(s.kafka_home, absolute(params, "kafka_home"));
  TRY_ASSIGN(s.evidence_file, absolute(params, "evidence_file"));
  for (auto const& text : params.list("data_dir")) {
    std::filesystem::path path = std::filesystem::path(text).lexically_normal();
    if (!path.is_absolute()) return usage("cannot use data_dir " + text + ": not an absolute path");
    if (!path.has_filename() && path.has_parent_path()) path = path.parent_path();
    s.data_dirs.push_back(path);
  }
  if (s.deploy_dir.empty() && s.data_dirs.empty())
    return usage("cannot tell which node is meant: neither deploy_dir nor data_dir is given");
  if (s.executable.empty() && !s.deploy_dir.empty() && s.is_binlog())
    s.executable = s.deploy_dir / "bin" / name(s.component);
  return {};
}

result<void> decode_supervision(module::params const& params, settings& s) {
  auto const kind = params.string("supervision");
  auto const given = params.has("service");
  s.supervision = kind == "systemd" || (kind.empty() && given) ? service::kind::systemd
                  : kind == "supervise"                        ? service::kind::supervise
                                                               : service::kind::command;
  if (given && !s.has_unit()) return usage("cannot use service with supervision=" + kind, "it goes with systemd");
  if (s.supervision == service::kind::supervise && (!s.is_binlog() || s.deploy_dir.empty()))
    return usage("cannot use supervision=supervise: it goes with a Pump or Drainer and deploy_dir");
  s.unit = params.string("service");
  if (s.unit.empty()) s.unit = s.is(component::pump) ? "pump" : s.node_name();
  if (s.unit.starts_with('-') || s.unit.find('/') != std::string::npos)
    return usage("cannot use service " + s.unit + ": not a unit's name");
  if (!s.unit.ends_with(".service")) s.unit += ".service";
  TRY_ASSIGN(s.start_command, process::split_command(params.string("start_command"), "start_command"));
  TRY_ASSIGN(s.stop_command, process::split_command(params.string("stop_command"), "stop_command"));
  if (s.supervision != service::kind::command && (params.has("start_command") || params.has("stop_command")))
    return usage("cannot use start_command or stop_command with supervision=" + kind + ": they go with command");
  return {};
}

result<void> decode_peers(module::params const& params, settings& s) {
  TRY_ASSIGN(s.tls, http::wanted_tls({params.string("tls_ca"), params.string("tls_cert"), params.string("tls_key"),
                                      params.string("tls_server_name")}));
  auto const tls = s.tls.has_value();
  TRY_ASSIGN(s.new_pumps, http::base_urls(params.list("new_pumps"), "new_pumps", tls));
  TRY_ASSIGN(s.new_drainers, http::base_urls(params.list("new_drainers"), "new_drainers", tls));
  TRY_ASSIGN(s.pd_urls, http::base_urls(params.list("pd_urls"), "pd_urls", tls));
  TRY_ASSIGN(s.tidbs, http::base_urls(params.list("tidbs"), "tidbs", tls));
  TRY_ASSIGN(s.old_pumps, http::base_urls(params.list("old_pumps"), "old_pumps", false));
  TRY_ASSIGN(s.old_drainers, http::base_urls(params.list("old_drainers"), "old_drainers", false));
  TRY_ASSIGN(s.brokers, http::base_urls(params.list("brokers"), "brokers", false));
  return {};
}

result<void> check(settings const& s) {
  if (s.pd_urls.empty() && !s.is_binlog())
    return usage("cannot do without pd_urls: a " + std::string(name(s.component)) + " does not know PD");
  if (s.action == action::undo) return {};
  if (s.is(component::drainer) && !s.new_drainers.empty())
    return usage("cannot stop an old Drainer with new_drainers: it is stopped before the new one starts",
                 "leave new_drainers out; start the new Drainer on the old one's checkpoint afterwards");
  if (s.accept.abandoned) return {};
  if (s.evidence_file.empty()) return usage("cannot stop without evidence_file: wait-synced writes the proof");
  if (s.new_pumps.empty()) return usage("cannot stop without new_pumps: they must be online first");
  if (!s.is(component::drainer) && s.new_drainers.empty())
    return usage("cannot stop a " + std::string(name(s.component)) +
                 " without new_drainers: they must be online and past the proof first");
  return {};
}

}  // namespace

std::string_view name(component component) {
  switch (component) {
    case component::drainer:
      return "drainer";
    case component::pump:
      return "pump";
    case component::kafka:
      return "kafka";
    case component::zookeeper:
      break;
  }
  return "zookeeper";
}

std::string settings::node_name() const { return std::string(name(component)) + "-" + std::to_string(port); }

std::filesystem::path settings::down_file() const { return deploy_dir / "status" / name(component) / "down"; }

std::filesystem::path settings::manifest_dir() const {
  auto const base = !deploy_dir.empty() ? deploy_dir : data_dirs.front().parent_path();
  return base / "decommission" / node_name();
}

result<settings> decode(module::params const& params, module::context const& context) {
  settings s;
  s.component = component_of(params.string("component"));
  s.action = params.string("action") == "undo" ? action::undo : action::stop;
  s.max_age = params.seconds("max_age");
  s.zookeeper_port = static_cast<std::uint16_t>(params.integer("zookeeper_port"));
  constexpr std::uint16_t ports[] = {8249, 8250, 9092};
  s.port = params.has("port")           ? static_cast<std::uint16_t>(params.integer("port"))
           : s.is(component::zookeeper) ? s.zookeeper_port
                                        : ports[static_cast<std::size_t>(s.component)];
  if (s.is(component::zookeeper)) s.zookeeper_port = s.port;
  for (auto const& topic : params.list("binlog_topics")) s.binlog_topics.insert(topic);
  TRY_ASSIGN(s.accept, decode_accept(params.list("accept")));
  TRY(decode_paths(params, s));
  TRY(decode_supervision(params, s));
  TRY(decode_peers(params, s));
  s.timeout = context.timeout.value_or(core::milliseconds(600000));
  TRY(check(s));
  return s;
}

}  // namespace decommission_legacy
