// Options, the manifest, and what Kafka's scripts and configuration files say.
#include "../result_text.hpp"

#include "manifest.hpp"
#include "module/request.hpp"
#include "record.hpp"
#include "told.hpp"
#include "users.hpp"

#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <fstream>

using namespace decommission_legacy;
using core::json::object;

namespace {

core::result<settings> decode_values(object values) {
  TRY_ASSIGN(auto const params, module::check_options(module::all_options(description()), values));
  class : public module::reporter {
    void progress(std::string_view) override {}
  } silent;
  module::context const context{.started = core::clock::now(), .report = silent};
  return decode(params, context);
}

object good() {
  return {{"component", "pump"},
          {"deploy_dir", "/d/"},
          {"evidence_file", "/p"},
          {"new_pumps", "a:1"},
          {"new_drainers", "b:1"}};
}

object with(object values, std::string_view name, core::json::value value) {
  values[name] = std::move(value);
  return values;
}

}  // namespace

TEST_CASE("defaults follow the component", "[decommission-legacy]") {
  auto const pump = decode_values(good());
  REQUIRE(pump);
  CHECK(pump->port == 8250);
  CHECK(pump->supervision == service::kind::command);
  CHECK(pump->executable == "/d/bin/pump");
  CHECK(pump->manifest_dir() == "/d/decommission/pump-8250");
  CHECK(decode_values(with(good(), "service", "pump"))->unit == "pump.service");
  CHECK(decode_values(with(good(), "service", "pump"))->supervision == service::kind::systemd);
  CHECK(decode_values(with(good(), "supervision", "systemd"))->unit == "pump.service");
  auto const zookeeper = decode_values({{"component", "zookeeper"},
                                        {"data_dir", "/z/data,/z/log"},
                                        {"zookeeper_port", 2182},
                                        {"pd_urls", "pd:2379"},
                                        {"evidence_file", "/p"},
                                        {"new_pumps", "a:1"},
                                        {"new_drainers", "b:1"}});
  REQUIRE(zookeeper);
  CHECK(zookeeper->port == 2182);
  CHECK(zookeeper->data_dirs.size() == 2);
  CHECK(zookeeper->manifest_dir() == "/z/decommission/zookeeper-2182");
  auto const accepted =
      decode_values(with(good(), "accept", "loss, group=g, client=1.2.3.4, znode=/x, abandon_data=7"));
  REQUIRE(accepted);
  CHECK(accepted->accept.loss);
  CHECK(accepted->accept.groups.contains("g"));
  CHECK(accepted->accept.abandoned == 7U);
}

TEST_CASE("what contradicts itself or leaves the node open is refused", "[decommission-legacy]") {
  auto without = [](std::string_view name) {
    auto values = good();
    values.erase(name);
    return values;
  };
  for (auto const& values : std::vector<object>{without("deploy_dir"),
                                                without("evidence_file"),
                                                without("new_pumps"),
                                                without("new_drainers"),
                                                with(good(), "component", "drainer"),
                                                with(good(), "component", "kafka"),
                                                with(good(), "component", "tikv"),
                                                with(good(), "deploy_dir", "d"),
                                                with(good(), "data_dir", "d"),
                                                with(good(), "evidence_file", "p"),
                                                with(good(), "accept", "abandon_data"),
                                                with(good(), "accept", "abandon_data=x"),
                                                with(good(), "accept", "everything"),
                                                with(good(), "accept", "znode=x"),
                                                with(good(), "accept", "group="),
                                                with(good(), "port", 0),
                                                with(good(), "max_age", -1),
                                                with(good(), "action", "start"),
                                                with(good(), "new_pumps", "https://a:1"),
                                                with(good(), "new_pumps", "a"),
                                                with(good(), "tls_cert", "/x"),
                                                with(with(good(), "service", "pump"), "supervision", "command"),
                                                with(good(), "service", "a/b"),
                                                with(with(good(), "service", "pump"), "stop_command", "x"),
                                                with(good(), "stop_command", "'x")}) {
    INFO(core::json::serialize(values));
    auto const refused = decode_values(values);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::usage);
  }
}

TEST_CASE("a manifest comes back as it was written", "[decommission-legacy]") {
  manifest m;
  m.stage = stage::signalled;
  m.component = "pump";
  m.port = 8250;
  m.node_id = "tidb1:8250";
  m.pd_urls = {"http://pd:2379"};
  m.unit = "pump.service";
  m.unit_file = "/etc/systemd/system/pump.service";
  m.process = recorded_process{{7, 99}, "/d/bin/pump", "ab", {"bin/pump", "--x= y"}, "/d", {"A=1", "B=x=y"}, 5, 6};
  m.data_dirs = {"/d/data.pump"};
  m.files = {{"/d/data.pump/.node", 10, "cd"}, {"/d/data.pump/big", 1U << 30U, ""}};
  m.copies = {{"/d/c/savepoint", 3, "ef"}};
  m.supervised = true;
  m.down_file = "/d/status/pump/down";
  m.start_command = {"run", "start"};
  m.verified = {{"znodes", {"brokers"}}, {"now", 470655449957462784}};
  auto const back = decode_manifest(encode(m), "it");
  REQUIRE(back);
  CHECK(back->stage == m.stage);
  CHECK(back->process->argv == m.process->argv);
  CHECK(back->process->environment == m.process->environment);
  CHECK(back->process->id == m.process->id);
  CHECK(back->files.size() == 2);
  CHECK(encode(*back) == encode(m));
  for (auto const* text : {"", "{}", "[]", R"({"format":1,"stage":"x","component":"pump","port":1})",
                           R"({"format":1,"stage":"stopped","component":"pump","port":70000})"}) {
    auto const damaged = decode_manifest(text, "it");
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().code == core::errc::journal_damaged);
  }
}

TEST_CASE("ZooKeeper's shell prints the children last, after much else", "[decommission-legacy]") {
  CHECK(
      children_in("Connecting to localhost:2181\n\nWATCHER::\n\nWatchedEvent state:SyncConnected type:None path:null\n"
                  "[admin, brokers]\n") == std::vector<std::string>{"admin", "brokers"});
  CHECK(children_in("[zk: localhost:2181(CONNECTED) 0] x\n[]\n") == std::vector<std::string>{});
  CHECK_FALSE(children_in("Node does not exist: /x\n"));
  CHECK_FALSE(children_in(""));
}

TEST_CASE("Kafka's lists are lines, notes left out", "[decommission-legacy]") {
  CHECK(lines_in("Note: This will not show information about old Zookeeper-based consumers.\n\na\nb - marked for "
                 "deletion\n my group \n") == std::vector<std::string>{"a", "b", "my group"});
}

TEST_CASE("properties are read as Java does, as far as they are needed", "[decommission-legacy]") {
  auto const found =
      properties_of("# c\n a = b \nlog.dirs=/x, /y/\r\n!no\nzookeeper.connect=z:2181/kafka\na=c\n\nodd\n");
  CHECK(found.at("a") == "c");
  CHECK(found.at("zookeeper.connect") == "z:2181/kafka");
  CHECK(found.size() == 3);
  auto const dirs = data_dirs_in(found, "/cwd");
  REQUIRE(dirs.size() == 2);
  CHECK(same_path(dirs[0], "/x"));
  CHECK(same_path(dirs[1], "/y"));
  CHECK(data_dirs_in({{"log.dir", "logs"}}, "/cwd") == std::vector<std::filesystem::path>{"/cwd/logs"});
  CHECK(data_dirs_in({{"dataDir", "/a"}, {"dataLogDir", "/b"}}, "/").size() == 2);
}

TEST_CASE("those that vote in a ZooKeeper's ensemble have a port for it", "[decommission-legacy]") {
  auto const found = properties_of(
      "server.1=zk1:2888:3888\nserver.2 = [::1]:2889:3889:participant;2181\nserver.3=zk3:2890:3890:observer\n"
      "server.4=zk4:x:y\nserver.5=zk5\ninitLimit=5\n");
  CHECK(election_ports_in(found) == std::vector<std::uint16_t>{3888, 3889});
  CHECK(election_ports_in(properties_of("clientPort=2181\n")).empty());
}

TEST_CASE("a ZooKeeper's ensemble may be in a file of its own, opened where the process runs",
          "[decommission-legacy]") {
  auto const folder = std::filesystem::temp_directory_path() / ("ensemble-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "conf");
  std::ofstream(folder / "conf" / "zoo.cfg.dynamic")
      << "server.1=zk1:2888:3888:participant;2181\nserver.2=zk2:2888:3889:observer;2181\n";
  auto const voters = [&](std::string const& file, std::string const& cwd) {
    auto const named = properties_of("clientPort=2181\nserver.9=zk9:1:9\ndynamicConfigFile = " + file + "\n");
    return election_ports_in(ensemble_properties(named, cwd));
  };
  std::vector<std::uint16_t> const one{3888};
  CHECK(voters("conf/zoo.cfg.dynamic", folder) == one);
  CHECK(voters((folder / "conf/zoo.cfg.dynamic").string(), "/") == one);
  CHECK(voters("conf/zoo.cfg.dynamic", "/").empty());  // nor is what stands beside the key believed
  CHECK(voters("conf", folder).empty());
  CHECK(voters("", folder).empty());
  CHECK(ensemble_properties({{"server.1", "a:1:2"}}, "/").size() == 1);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a process belongs to the folder it names, not to one whose name begins so", "[decommission-legacy]") {
  settings s;
  s.deploy_dir = "/data/kafka1";
  auto const named = [&](std::string const& word) {
    process::info p;
    p.argv = {"java", word};
    return belongs_here(s, p);
  };
  for (auto const* word : {"/data/kafka1", "/data/kafka1/conf", "-cp=/data/kafka10/x:/data/kafka1:y"})
    CHECK(named(word));
  for (auto const* word : {"/data/kafka10/conf", "/data/kafka1-old", "/data/kafka1.bak/x"}) CHECK_FALSE(named(word));
}

TEST_CASE("checkpoints are told by their names", "[decommission-legacy]") {
  for (auto const* name : {"savepoint", "savePoint", "checkpoint", "savepoint.tmp"}) CHECK(is_checkpoint(name));
  for (auto const* name : {"binlog-0001", ".node", "value"}) CHECK_FALSE(is_checkpoint(name));
}
