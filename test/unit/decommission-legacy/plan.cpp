// What speaks against stopping a node, one change at a time from a world in which nothing does.
#include "plan.hpp"

#include "../result_text.hpp"

#include <functional>

using namespace decommission_legacy;
using core::errc;

namespace {

constexpr std::int64_t second = 1000LL << 18;
constexpr std::int64_t now = 470655449957462784;
constexpr std::uint64_t cluster = 4012345678901234567ULL;

core::error const no_metrics{errc::no_metrics, "this version serves no metrics: URL is a 404"};
core::error const away{errc::network_failure, "cannot GET it: connection refused"};

settings settings_of(component which) {
  settings s;
  s.component = which;
  s.port = which == component::drainer ? 8249 : which == component::pump ? 8250 : 9092;
  s.max_age = core::milliseconds(3600000);
  return s;
}

binlog::proof good_proof() {
  binlog::proof p;
  p.synced = true;
  p.since = {now - 600 * second};
  p.taken = {now - 500 * second};
  p.cluster_id = cluster;
  p.barrier = binlog::tso{now - 601 * second};
  p.drainers = {{"http://10.0.0.9:8249", binlog::drainer_kind::kafka, "synced", {}, {"tidb1:8250"}}};
  return p;
}

binlog::drainer_answer old_drainer() {
  binlog::drainer_answer a;
  a.kind = binlog::drainer_kind::kafka;
  a.pumps = std::vector<std::string>{"tidb1:8250"};
  a.lower = {now - 5 * second};
  a.upper = {now - 4 * second};
  return a;
}

binlog::pump_answer new_pump() {
  binlog::pump_answer a;
  a.nodes = {{"new:8250", "10.0.1.1:8250", binlog::node_state::online, {now}, {now - second}}};
  a.commit_ts = {now};
  return a;
}

binlog::drainer_answer new_drainer() {
  binlog::drainer_answer a;
  a.kind = binlog::drainer_kind::cluster;
  a.last_ts = {now - 3 * second};
  return a;
}

snapshot good(component which) {
  snapshot seen;
  process::info p;
  p.id = {4711, 1};
  p.exe = "/home/tidb/deploy/bin/x";
  seen.node.process = p;
  seen.node.listening = true;
  seen.node.ids = {which == component::drainer ? "old:8249" : "tidb1:8250"};
  seen.proof = good_proof();
  seen.proof_names_node = true;
  seen.cluster_id = cluster;
  seen.now = binlog::tso{now};
  binlog::old_registry old;
  old.pumps = {{"tidb1:8250", "10.0.0.1:8250", which == component::drainer || which == component::pump}};
  old.drainers = {{"old:8249", "10.0.0.9:8249", which == component::drainer}};
  seen.old = old;
  seen.new_pumps.push_back({"10.0.1.1:8250", new_pump()});
  if (which != component::drainer) {
    seen.new_drainers.push_back({"10.0.1.2:8249", new_drainer()});
    seen.drainers = std::vector<binlog::node>{{"d", "10.0.1.2:8249", binlog::node_state::online, {now}, {now}}};
    seen.absentees.push_back({"old Drainer 10.0.0.9:8249", presence::gone, ""});
  }
  if (which == component::drainer || which == component::pump) {
    seen.answers_as_old = true;
    seen.tidbs.push_back({"10.0.0.1:10080", std::vector<binlog::tidb_server>{{"10.0.0.1:10080", "On"}}, ""});
    seen.old_pumps.push_back({"10.0.0.1:8250", binlog::pump_writes{5, 0}, binlog::pump_writes{5, 0}});
  }
  if (which == component::pump) seen.socket_clients = std::size_t{0};
  if (which == component::drainer) {
    snapshot::drainer_look look{old_drainer(), binlog::drainer_metrics{0, 9, now - 600 * second}};
    seen.drainer.emplace(look, look);
  }
  if (which == component::kafka || which == component::zookeeper) {
    using texts = std::vector<std::string>;
    seen.used.emplace();
    seen.used->clients = std::vector<client_view>();
    seen.used->topics = texts{std::to_string(cluster) + "_tidb1_8250", "__consumer_offsets"};
    seen.used->groups = texts{};
    seen.used->znodes = texts{"brokers", "zookeeper", "consumers"};
    seen.used->broker_ids = texts{};
  }
  return seen;
}

std::vector<core::error> reasons(settings const& s, snapshot const& seen) {
  std::vector<std::string> used;
  auto all = reasons_not_to_stop(s, seen, used);
  for (auto& more : reasons_on_a_closer_look(s, seen, used)) all.push_back(more);
  return all;
}

// "" where nothing speaks against it, else the codes, each once.
std::string codes(settings const& s, snapshot const& seen) {
  std::string text;
  for (auto const& reason : reasons(s, seen)) {
    std::string const code(core::name(reason.code));
    if (text.find(code) == std::string::npos) text += (text.empty() ? "" : " ") + code;
  }
  return text;
}

struct row {
  std::string what;
  component which;
  std::function<void(settings&, snapshot&)> change;
  std::string refused;
};

auto const drainer = component::drainer;
auto const pump = component::pump;
auto const kafka = component::kafka;
auto const zookeeper = component::zookeeper;

// A case is a line.
// clang-format off
#define CHANGE [](settings & s, snapshot & seen)

void check(std::vector<row> const& rows) {
  for (auto const& r : rows) {
    INFO(r.what << " (" << name(r.which) << ")");
    auto s = settings_of(r.which);
    auto seen = good(r.which);
    r.change(s, seen);
    auto const found = reasons(s, seen);
    for (auto const& each : found) {
      INFO(each.what);
      CHECK(each.what.starts_with("cannot "));
    }
    CHECK(codes(s, seen) == r.refused);
  }
}

}  // namespace

TEST_CASE("nothing speaks against a stop in good order", "[decommission-legacy]") {
  for (auto const which : {drainer, pump, kafka, zookeeper}) {
    INFO(name(which));
    CHECK(codes(settings_of(which), good(which)).empty());
  }
}

TEST_CASE("the proof must be there, good, young, of this cluster and this Drainer", "[decommission-legacy]") {
  check({
      {"missing", drainer, CHANGE{s.port = 8249, seen.proof = core::error{errc::no_proof, "cannot use it"};}, "no_proof"},
      {"not read", pump, CHANGE{s.port = 8250, seen.proof.reset();}, "unproven"},
      {"says not synced", pump, CHANGE{s.port = 8250, (*seen.proof)->synced = false;}, "not_synced"},
      {"a verdict is not synced", pump, CHANGE{s.port = 8250, (*seen.proof)->drainers[0].verdict = "unknown";}, "not_synced"},
      {"lacks required evidence", pump, CHANGE{s.port = 8250, (*seen.proof)->drainers[0].lacking = {"window"};}, "not_synced"},
      {"of a Cluster-version Drainer", pump, CHANGE{s.port = 8250, (*seen.proof)->drainers[0].kind = binlog::drainer_kind::cluster;}, "no_proof"},
      {"of another Drainer", drainer, CHANGE{s.port = 8249, seen.proof_names_node = false;}, "no_proof"},
      {"of another Drainer, for a Pump", pump, CHANGE{s.port = 8250, seen.proof_names_node = false;}, ""},
      {"too old", drainer, CHANGE{s.max_age = core::milliseconds(499000), void(seen);}, "proof_too_old"},
      {"just young enough", drainer, CHANGE{s.max_age = core::milliseconds(501000), void(seen);}, ""},
      {"from the future", pump, CHANGE{s.port = 8250, (*seen.proof)->taken = {now + 60 * second};}, "no_proof"},
      {"of unknown age", pump, CHANGE{s.port = 8250, seen.now.reset();}, "unproven"},
      {"of another cluster", pump, CHANGE{s.port = 8250, seen.cluster_id = 7ULL;}, "wrong_cluster"},
      {"of an unknown cluster", pump, CHANGE{s.port = 8250, (*seen.proof)->cluster_id.reset();}, "unproven"},
      {"PD does not tell its cluster", pump, CHANGE{s.port = 8250, seen.cluster_id = away;}, "unproven"},
      {"that is accepted", pump, CHANGE{s.accept.cluster_id = true, seen.cluster_id = away;}, ""},
      {"another cluster is never accepted", pump, CHANGE{s.accept.cluster_id = true, seen.cluster_id = 7ULL;}, "wrong_cluster"},
  });
}

TEST_CASE("an old Drainer must still say what the proof says", "[decommission-legacy]") {
  check({
      {"Lower went back", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->lower = {now - 700 * second};}, "proof_disproved"},
      {"no window", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->lower = {};}, "proof_disproved"},
      {"Upper stuck", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->upper = {now - 60 * second};}, "proof_disproved"},
      {"one Pump more", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->pumps->push_back("x:8250");}, "proof_disproved"},
      {"one Pump less", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->pumps->clear();}, "proof_disproved"},
      {"no Pumps known yet", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->pumps.reset();}, "proof_disproved"},
      {"queued", drainer, CHANGE{s.port = 8249, seen.drainer->first.metrics->queued = 3;}, "proof_disproved"},
      {"applies rows", drainer, CHANGE{s.port = 8249, seen.drainer->second.metrics->events = 10;}, "proof_disproved"},
      {"checkpoint behind the barrier", drainer, CHANGE{s.port = 8249, seen.drainer->second.metrics->position = now - 900 * second;}, "proof_disproved"},
      {"no checkpoint since its restart", drainer, CHANGE{s.port = 8249, seen.drainer->second.metrics->position.reset();}, ""},
      {"another version now", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->kind = binlog::drainer_kind::cluster;}, "proof_disproved"},
      {"Local and Kafka version often answer alike", drainer, CHANGE{s.port = 8249, seen.drainer->second.status->kind = binlog::drainer_kind::local;}, ""},
      {"silent", drainer, CHANGE{s.port = 8249, seen.drainer->second.status = away;}, "unproven"},
      {"without metrics", drainer, CHANGE{s.port = 8249, seen.drainer->first.metrics = away;}, "unproven"},
      {"of a version without metrics", drainer, CHANGE{s.port = 8249, seen.drainer->first.metrics = seen.drainer->second.metrics = no_metrics;}, "unproven"},
      {"that is accepted", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics = seen.drainer->second.metrics = no_metrics;}, ""},
      {"and silent besides", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics = seen.drainer->second.metrics = no_metrics, seen.drainer->second.status = away;}, "unproven"},
      {"and Lower went back", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics = seen.drainer->second.metrics = no_metrics, seen.drainer->second.status->lower = {now - 700 * second};}, "proof_disproved"},
      {"and one Pump less", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics = seen.drainer->second.metrics = no_metrics, seen.drainer->second.status->pumps->clear();}, "proof_disproved"},
      {"another failure is not accepted", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics = seen.drainer->second.metrics = away;}, "unproven"},
      {"nor one look that failed otherwise", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics = no_metrics, seen.drainer->second.metrics = away;}, "unproven"},
      {"nor one look with metrics", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics = no_metrics;}, "unproven"},
      {"what metrics say counts", drainer, CHANGE{s.accept.metrics = true, seen.drainer->first.metrics->queued = 3;}, "proof_disproved"},
      {"gone already", drainer, CHANGE{s.port = 8249, seen.node.process.reset(), seen.drainer.reset(), seen.old->drainers[0].alive = false;}, ""},
  });
}

TEST_CASE("the order is Drainer, Pumps, Kafka, ZooKeeper", "[decommission-legacy]") {
  check({
      {"a Drainer's key lives", pump, CHANGE{s.port = 8250, seen.old->drainers[0].alive = true;}, "wrong_order"},
      {"a Drainer answers", pump, CHANGE{s.port = 8250, seen.absentees[0].presence = presence::there;}, "wrong_order"},
      {"a Drainer's host is away", pump, CHANGE{s.port = 8250, seen.absentees[0].presence = presence::unknown;}, ""},
      {"a Drainer's key lives", kafka, CHANGE{s.port = 9092, seen.old->drainers[0].alive = true;}, "wrong_order"},
      {"a Pump's key lives", kafka, CHANGE{s.port = 9092, seen.old->pumps[0].alive = true;}, "wrong_order"},
      {"a Pump's key lives", zookeeper, CHANGE{s.port = 2181, seen.old->pumps[0].alive = true;}, "wrong_order"},
      {"another Pump's key lives", pump, CHANGE{s.port = 8250, seen.old->pumps.push_back({"tidb2:8250", "10.0.0.2:8250", true});}, ""},
      {"a broker answers", zookeeper, CHANGE{s.port = 2181, seen.brokers.push_back({"broker", presence::there, ""});}, "wrong_order"},
      {"a broker is registered", zookeeper, CHANGE{s.port = 2181, seen.used->broker_ids->push_back("1");}, "wrong_order"},
      {"a broker is silent, and not registered", zookeeper, CHANGE{s.port = 2181, seen.brokers.push_back({"broker", presence::unknown, ""});}, ""},
      {"a broker is silent, and perhaps registered", zookeeper, CHANGE{s.port = 2181, seen.brokers.push_back({"b", presence::unknown, ""}), seen.used->broker_ids = away;}, "unproven"},
      {"the registry can't be read", kafka, CHANGE{s.port = 9092, seen.old = away;}, "unproven shared"},
      {"that is accepted, and all is known", pump, CHANGE{s.accept.registry = true, seen.old = away;}, ""},
      {"that is accepted, but a Drainer is silent", pump, CHANGE{s.accept.registry = true, seen.old = away, seen.absentees[0].presence = presence::unknown;}, "unproven"},
  });
}

TEST_CASE("the new nodes must be ready", "[decommission-legacy]") {
  check({
      {"silent", drainer, CHANGE{s.port = 8249, seen.new_pumps[0].answer = away;}, "peers_not_ready"},
      {"paused", drainer, CHANGE{s.port = 8249, seen.new_pumps[0].answer->nodes[0].state = binlog::node_state::paused;}, "peers_not_ready"},
      {"stale", pump, CHANGE{s.port = 8250, seen.new_pumps[0].answer->nodes[0].update_ts = {now - 60 * second};}, "peers_not_ready"},
      {"not registered", pump, CHANGE{s.port = 8250, seen.new_pumps[0].answer->nodes.clear();}, "peers_not_ready"},
      {"old", kafka, CHANGE{s.port = 9092, seen.new_pumps[0].answer->old = true;}, "peers_not_ready"},
      {"Drainer silent", pump, CHANGE{s.port = 8250, seen.new_drainers[0].answer = away;}, "drainers_not_ready"},
      {"Drainer at the proof's TSO", kafka, CHANGE{s.port = 9092, seen.new_drainers[0].answer->last_ts = {now - 600 * second};}, "drainers_not_ready"},
      {"Drainer paused", zookeeper, CHANGE{s.port = 2181, (*seen.drainers)[0].state = binlog::node_state::paused;}, "drainers_not_ready"},
      {"Drainer not registered", pump, CHANGE{s.port = 8250, seen.drainers->clear();}, "drainers_not_ready"},
      {"Drainer of an old version", pump, CHANGE{s.port = 8250, seen.new_drainers[0].answer = old_drainer();}, "drainers_not_ready"},
  });
}

TEST_CASE("no TiDB may write to an old Pump, and none may have lost what it took", "[decommission-legacy]") {
  check({
      {"connected", pump, CHANGE{s.port = 8250, seen.socket_clients = std::size_t{1};}, "still_written"},
      {"connections unknown", pump, CHANGE{s.port = 8250, seen.socket_clients = core::result<std::size_t>(away);}, "unproven"},
      {"writes", drainer, CHANGE{s.port = 8249, seen.old_pumps[0].second->calls = 6;}, "still_written"},
      {"silent", pump, CHANGE{s.port = 8250, seen.old_pumps[0].second = away;}, "unproven"},
      {"of a version without metrics", pump, CHANGE{s.port = 8250, seen.old_pumps[0].first = seen.old_pumps[0].second = no_metrics;}, "unproven"},
      {"that is accepted", pump, CHANGE{s.accept.metrics = true, seen.old_pumps[0].first = seen.old_pumps[0].second = no_metrics;}, ""},
      {"and connected", pump, CHANGE{s.accept.metrics = true, seen.old_pumps[0].first = seen.old_pumps[0].second = no_metrics, seen.socket_clients = std::size_t{1};}, "still_written"},
      {"another failure is not accepted", pump, CHANGE{s.accept.metrics = true, seen.old_pumps[0].first = seen.old_pumps[0].second = away;}, "unproven"},
      {"nor one look that failed otherwise", drainer, CHANGE{s.accept.metrics = true, seen.old_pumps[0].second = no_metrics;}, "unproven"},
      {"what metrics say counts", drainer, CHANGE{s.accept.metrics = true, seen.old_pumps[0].second->lost = 2;}, "binlogs_lost"},
      {"lost", pump, CHANGE{s.port = 8250, seen.old_pumps[0].second->lost = 2;}, "binlogs_lost"},
      {"lost and accepted", pump, CHANGE{s.accept.loss = true, seen.old_pumps[0].second->lost = 2;}, ""},
      {"TiDB skips", drainer, CHANGE{s.port = 8249, (*seen.tidbs[0].servers)[0].binlog_status = "Skipping";}, "still_written"},
      {"TiDB does not tell", pump, CHANGE{s.port = 8250, (*seen.tidbs[0].servers)[0].binlog_status = "";}, "unproven"},
      {"that is accepted", pump, CHANGE{s.accept.tidb_status = true, (*seen.tidbs[0].servers)[0].binlog_status = "";}, ""},
      {"TiDB is away", pump, CHANGE{s.port = 8250, seen.tidbs[0].servers = away;}, "unproven"},
  });
}

// A ZooKeeper that says nothing of what it holds, with so many connections to the others that vote with it.
static void alone(snapshot& seen, std::size_t voters, std::size_t connected) {
  seen.used->voters = voters;
  seen.used->connected = connected;
  seen.used->znodes = away;
}

TEST_CASE("Kafka and ZooKeeper that others use stay", "[decommission-legacy]") {
  check({
      {"another topic", kafka, CHANGE{s.port = 9092, seen.used->topics->push_back("orders");}, "shared"},
      {"the downstream's topic", kafka, CHANGE{s.port = 9092, seen.used->topics->push_back(std::to_string(cluster) + "_obinlog");}, "shared"},
      {"a topic named as the binlog's", kafka, CHANGE{s.binlog_topics = {"orders"}, seen.used->topics->push_back("orders");}, ""},
      {"a group", kafka, CHANGE{s.port = 9092, seen.used->groups->push_back("app");}, "shared"},
      {"a group given up", kafka, CHANGE{s.accept.groups = {"app"}, seen.used->groups->push_back("app");}, ""},
      {"a client", kafka, CHANGE{s.port = 9092, seen.used->clients->push_back({"10.0.0.7", "10.0.0.7"});}, "shared"},
      {"a client that may go", zookeeper, CHANGE{s.accept.clients = {"10.0.0.7"}, seen.used->clients->push_back({"10.0.0.7", "10.0.0.7"});}, ""},
      {"topics unknown", kafka, CHANGE{s.port = 9092, seen.used->topics = away;}, "unproven"},
      {"groups unknown", kafka, CHANGE{s.port = 9092, seen.used->groups = away;}, "unproven"},
      {"clients unknown", zookeeper, CHANGE{s.port = 2181, seen.used->clients = away;}, "unproven"},
      {"a znode", zookeeper, CHANGE{s.port = 2181, seen.used->znodes->push_back("hbase");}, "shared"},
      {"a znode given up", zookeeper, CHANGE{s.accept.znodes = {"/hbase"}, seen.used->znodes->push_back("hbase");}, ""},
      {"znodes unknown", zookeeper, CHANGE{s.port = 2181, seen.used->znodes = away;}, "unproven"},
      {"nobody asked", kafka, CHANGE{s.port = 9092, seen.used.reset();}, "unproven"},
      {"nobody can read it", zookeeper, CHANGE{s.port = 2181, alone(seen, 3, 0);}, "unproven"},
      {"and need not", zookeeper, CHANGE{s.accept.ensemble = true, alone(seen, 3, 0);}, ""},
      {"2 of 5", zookeeper, CHANGE{s.accept.ensemble = true, alone(seen, 5, 1);}, ""},
      {"a majority could", zookeeper, CHANGE{s.accept.ensemble = true, alone(seen, 3, 1);}, "unproven"},
      {"it is no ensemble", zookeeper, CHANGE{s.accept.ensemble = true, seen.used->znodes = away;}, "unproven"},
      {"its clients count still", zookeeper, CHANGE{s.accept.ensemble = true, alone(seen, 3, 0); seen.used->clients->push_back({"10.0.0.7", "10.0.0.7"});}, "shared"},
      {"what it shows counts", zookeeper, CHANGE{s.accept.ensemble = true, seen.used->znodes->push_back("hbase");}, "shared"},
  });
}

TEST_CASE("unit, process and data must belong together, and be old", "[decommission-legacy]") {
  check({
      {"a mismatch", pump, CHANGE{s.port = 8250, seen.node.mismatches = {"pid 7 is not it"};}, "wrong_node"},
      {"another user of its data", drainer, CHANGE{s.port = 8249, seen.node.other_users = {"pump (pid 7)"};}, "shared"},
      {"answers as new", pump, CHANGE{s.port = 8250, seen.answers_as_old = core::result<bool>(false);}, "wrong_node"},
      {"no living key", pump, CHANGE{s.port = 8250, seen.old->pumps[0].alive = false;}, "unproven"},
      {"no key", drainer, CHANGE{s.port = 8249, seen.node.ids = {"x:1"};}, "unproven"},
      {"told by its address", pump, CHANGE{seen.node.ids = {"x:1"}, seen.local = {"10.0.0.1"}, void(s);}, ""},
      {"two at its address", pump, CHANGE{s.port = 8250, seen.node.ids = {"x:1"}, seen.local = {"10.0.0.1"}, seen.old->pumps.push_back({"y:8250", "10.0.0.1:8250", true});}, "node_ambiguous"},
  });
}

TEST_CASE("abandoned data needs neither proof nor new nodes, but order and silence", "[decommission-legacy]") {
  auto const abandon = [](settings& s, snapshot& seen) {
    s.accept.abandoned = cluster;
    seen.proof.reset();
    seen.now.reset();
    seen.new_pumps.clear();
    seen.new_drainers.clear();
  };
  auto s = settings_of(pump);
  auto seen = good(pump);
  abandon(s, seen);
  seen.old_pumps[0].first->lost = seen.old_pumps[0].second->lost = 4;
  CHECK(codes(s, seen).empty());
  seen.old_pumps[0].first = seen.old_pumps[0].second = no_metrics;
  REQUIRE(codes(s, seen) == "unproven");
  CHECK(reasons(s, seen).front().hint.find("accept metrics") != std::string::npos);
  s.accept.metrics = true;
  std::vector<std::string> used;
  CHECK(reasons_on_a_closer_look(s, seen, used).empty());
  CHECK(used == std::vector<std::string>{"metrics"});
  seen.socket_clients = std::size_t{1};
  CHECK(codes(s, seen) == "still_written");
  seen.socket_clients = std::size_t{0};
  auto& tidb = seen.tidbs[0].servers->front().binlog_status;
  for (auto const& [status, code] :
       {std::pair("Skipping", "still_written"), std::pair("", "unproven"), std::pair("Off", ""), std::pair("On", "")}) {
    tidb = status;
    CHECK(codes(s, seen) == code);
  }
  seen.tidbs[0].socket = "/tmp/pump.sock";
  CHECK(codes(s, seen) == "still_written");
  seen.tidbs[0].socket.clear();
  seen.old->drainers[0].alive = true;
  CHECK(codes(s, seen) == "wrong_order");
  seen.old->drainers[0].alive = false;
  s.accept.abandoned = 7;
  CHECK(codes(s, seen) == "wrong_cluster");
}

TEST_CASE("a call begins where the last one was", "[decommission-legacy]") {
  node_view node;
  process::info p;
  p.id = {4711, 1};
  node.process = p;
  manifest m;
  m.process = recorded_process{{4711, 1}, {}, {}, {}, {}, {}, 0, 0};
  CHECK(begin(std::nullopt, node) == beginning::afresh);
  for (auto const stage : {stage::recorded, stage::stopping, stage::stopped, stage::retired, stage::restored}) {
    m.stage = stage;
    CHECK(begin(m, node) == beginning::afresh);
  }
  m.stage = stage::signalled;
  CHECK(begin(m, node) == beginning::go_on);
  node.process->id.start_ticks = 2;  // started again by somebody
  CHECK(begin(m, node) == beginning::afresh);
  node.process.reset();
  for (auto const stage : {stage::stopping, stage::signalled, stage::stopped, stage::retired}) {
    m.stage = stage;
    CHECK(begin(m, node) == beginning::finish);
  }
  for (auto const stage : {stage::recorded, stage::restored, stage::restoring}) {
    m.stage = stage;
    CHECK(begin(m, node) == beginning::afresh);
  }
}
