#include "users.hpp"

#include <unistd.h>
#include <algorithm>
#include <cstdlib>

#include "http/resolver.hpp"
#include "http/url.hpp"
#include "process/child.hpp"

namespace decommission_legacy {
namespace {

namespace fs = std::filesystem;
using core::errc;
using core::error;
using core::result;
using texts = std::vector<std::string>;

// A Java program starts in a second or two, on a busy host in ten; Kafka's tools wait a minute for a broker.
constexpr core::milliseconds script_timeout{90000};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  auto const first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The broker's own, for its JAVA_HOME and PATH, without what would make a second JVM open the first one's ports.
texts environment_of(process::info const& p) {
  texts out;
  std::string path;
  for (auto const& variable : p.environment) {
    auto const name = std::string_view(variable).substr(0, variable.find('='));
    if (name == "PATH") path = variable.substr(5);
    auto const ours = name == "PATH" || name == "JMX_PORT" || name == "KAFKA_OPTS" || name == "KAFKA_JMX_OPTS" ||
                      name == "KAFKA_HEAP_OPTS" || name == "JVMFLAGS" || name == "SERVER_JVMFLAGS";
    if (!ours) out.push_back(variable);
  }
  out.push_back("PATH=" + p.exe.parent_path().string() + ":" +
                (path.empty() ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : path));
  out.emplace_back("KAFKA_HEAP_OPTS=-Xmx256M");
  return out;
}

class scripts {
 public:
  scripts(settings const& s, process::info const& p) : home_(s.kafka_home), environment_(environment_of(p)) {}

  [[nodiscard]] bool has(std::string const& script) const {
    return !home_.empty() && ::access((home_ / "bin" / script).c_str(), X_OK) == 0;
  }

  result<process::exit_report> run(std::string const& script, texts arguments) const {
    if (home_.empty()) return error{errc::unproven, "kafka_home is not given", "give kafka_home"};
    auto const path = home_ / "bin" / script;
    arguments.insert(arguments.begin(), path.string());
    return process::run({arguments, "/", environment_}, core::deadline::after(script_timeout));
  }

  // What it prints, where it ends well.
  [[nodiscard]] result<texts> lines(std::string const& script, texts const& arguments) const {
    TRY_ASSIGN(auto const done, run(script, arguments));
    if (done.exit_code == 0) return lines_in(done.out);
    auto const words = trimmed(done.err.empty() ? done.out : done.err);
    return error{errc::unproven, script + " failed: " + std::string(words.substr(0, 300))};
  }

 private:
  fs::path home_;
  texts environment_;
};

std::string description(process::id const& id) {
  auto const seen = process::inspect(id.pid);
  return (seen ? seen->exe.string() : "a process") + " (pid " + std::to_string(id.pid) + ")";
}

std::set<std::string> addresses_of(std::vector<std::string> const& urls) {
  std::set<std::string> all;
  for (auto const& url : urls) {
    auto const parsed = http::parse_url(url);
    auto const found = parsed ? http::look_up(parsed->host) : parsed.error();
    if (found) all.insert(found->begin(), found->end());
  }
  return all;
}

// The other end of a connection of this host to itself.
std::optional<process::id> other_end(process::tcp_row const& row, std::vector<process::tcp_row> const& rows) {
  for (auto const& each : rows)
    if (each.local == row.remote && each.local_port == row.remote_port && each.remote == row.local &&
        each.remote_port == row.local_port)
      return process::holder_of_socket(each.inode);
  return std::nullopt;
}

// Brokers that share this host with the node.
std::vector<process::id> brokers_here(settings const& s, std::set<std::string> const& local) {
  std::vector<process::id> found;
  for (auto const& url : s.brokers) {
    auto const parsed = http::parse_url(url);
    auto const addresses = addresses_of({url});
    auto const here = std::any_of(addresses.begin(), addresses.end(),
                                  [&](std::string const& each) { return process::is_local(each, local); });
    if (!parsed || !here) continue;
    // Whom nobody can see stays a client.
    if (auto const holders = process::listeners(parsed->port))
      found.insert(found.end(), holders->begin(), holders->end());
  }
  return found;
}

result<std::vector<client_view>> clients_of(settings const& s, process::info const& p,
                                            std::set<std::string> const& local) {
  TRY_ASSIGN(auto const rows, process::tcp_sockets());
  auto const brokers = s.is(component::kafka) ? addresses_of(s.brokers) : std::set<std::string>();
  auto const beside = s.is(component::kafka) ? brokers_here(s, local) : std::vector<process::id>();
  std::vector<client_view> clients;
  for (auto const& row : rows) {
    if (!row.established || row.local_port != s.port) continue;
    auto const here = process::is_local(row.remote, local);
    auto const holder = here ? other_end(row, rows) : std::nullopt;
    if (holder && *holder == p.id) continue;  // a broker is its own client
    if (holder && std::find(beside.begin(), beside.end(), *holder) != beside.end()) continue;
    if (!here && brokers.contains(row.remote)) continue;
    client_view client{row.remote, holder ? description(*holder) : row.remote};
    auto const known =
        std::any_of(clients.begin(), clients.end(), [&](auto const& c) { return c.what == client.what; });
    if (!known) clients.push_back(std::move(client));
  }
  return clients;
}

// Kafka up to 2.1 lists topics through ZooKeeper.
result<texts> topics_of(scripts const& kafka, node_view const& node) {
  auto modern = kafka.lines("kafka-topics.sh", {"--bootstrap-server", node.address, "--list"});
  if (modern || node.zookeeper_connect.empty() || modern.error().what.find("bootstrap-server") == std::string::npos)
    return modern;
  return kafka.lines("kafka-topics.sh", {"--zookeeper", node.zookeeper_connect, "--list"});
}

result<texts> groups_of(scripts const& kafka, node_view const& node) {
  auto modern = kafka.lines("kafka-consumer-groups.sh", {"--bootstrap-server", node.address, "--list"});
  if (modern || modern.error().what.find("new-consumer") == std::string::npos) return modern;
  return kafka.lines("kafka-consumer-groups.sh", {"--new-consumer", "--bootstrap-server", node.address, "--list"});
}

result<texts> children(scripts const& home, std::string const& address, std::string const& path) {
  auto const own = !home.has("zookeeper-shell.sh") && home.has("zkCli.sh");
  auto const done = own ? home.run("zkCli.sh", {"-server", address, "ls", path})
                        : home.run("zookeeper-shell.sh", {address, "ls", path});
  if (!done) return done.error();
  if (auto const found = children_in(done->out)) return *found;
  if ((done->out + done->err).find("Node does not exist: " + path) != std::string::npos) return texts();
  return error{errc::unproven, "ls " + path + " failed: " + std::string(trimmed(done->err).substr(0, 300))};
}

// Those of an ensemble that run are connected to each other, each two by one connection to the election port of one of
// them; followers to their leader by another one.
result<std::size_t> connections_of_elections(node_view const& node) {
  TRY_ASSIGN(auto const rows, process::tcp_sockets());
  auto const& ports = node.election_ports;
  auto const is_one = [&](std::uint16_t port) { return std::find(ports.begin(), ports.end(), port) != ports.end(); };
  std::size_t count = 0;
  for (auto const& row : rows) {
    if (!row.established || (!is_one(row.local_port) && !is_one(row.remote_port))) continue;
    auto const holder = process::holder_of_socket(row.inode);
    if (holder && *holder == node.process->id) ++count;
  }
  return count;
}

void look_into_zookeeper(scripts const& home, std::string const& address, snapshot::usage& used) {
  used.znodes = children(home, address, "/");
  if (!used.znodes) {
    used.topics = used.groups = used.broker_ids = used.znodes.error();
    return;
  }
  auto const has = [&](std::string_view name) {
    return std::find(used.znodes->begin(), used.znodes->end(), name) != used.znodes->end();
  };
  auto const below = [&](std::string_view root, std::string const& path) {
    return has(root) ? children(home, address, path) : result<texts>(texts());
  };
  used.broker_ids = below("brokers", "/brokers/ids");
  used.topics = below("brokers", "/brokers/topics");
  used.groups = below("consumers", "/consumers");
}

}  // namespace

std::vector<std::string> lines_in(std::string_view output) {
  texts all;
  while (!output.empty()) {
    auto const end = std::min(output.find('\n'), output.size());
    auto line = trimmed(output.substr(0, end));
    output.remove_prefix(std::min(end + 1, output.size()));
    // "Note: This will not show information about old Zookeeper-based consumers."
    if (line.empty() || line.starts_with("Note:")) continue;
    all.emplace_back(line.substr(0, line.find(" - marked for deletion")));
  }
  return all;
}

std::optional<std::vector<std::string>> children_in(std::string_view output) {
  std::optional<texts> found;
  while (!output.empty()) {
    auto const end = std::min(output.find('\n'), output.size());
    auto line = trimmed(output.substr(0, end));
    output.remove_prefix(std::min(end + 1, output.size()));
    if (!line.starts_with('[') || !line.ends_with(']')) continue;
    line = line.substr(1, line.size() - 2);
    texts names;
    while (!line.empty()) {
      auto const comma = line.find(',');
      if (auto const name = trimmed(line.substr(0, comma)); !name.empty()) names.emplace_back(name);
      line = comma == std::string_view::npos ? std::string_view() : line.substr(comma + 1);
    }
    found = std::move(names);  // the last one: earlier lines of this kind are a prompt's
  }
  return found;
}

snapshot::usage users_of(settings const& s, node_view const& node, std::set<std::string> const& local) {
  snapshot::usage used;
  // Before the scripts, whose connections would be seen too.
  used.clients = clients_of(s, *node.process, local);
  scripts const home(s, *node.process);
  if (node.address.empty()) {
    error const silent{errc::unproven, "nothing listens on port " + std::to_string(s.port)};
    used.topics = used.groups = used.znodes = used.broker_ids = silent;
  } else if (s.is(component::zookeeper)) {
    look_into_zookeeper(home, node.address, used);
    used.voters = node.election_ports.size();
    if (auto const connected = connections_of_elections(node); connected && used.voters > 1)
      used.connected = *connected;
  } else {
    used.topics = topics_of(home, node);
    used.groups = groups_of(home, node);
  }
  return used;
}

}  // namespace decommission_legacy
