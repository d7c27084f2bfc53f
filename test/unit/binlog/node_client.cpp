#include "binlog/pump_api.hpp"

#include "../http/server.hpp"
#include "support.hpp"

#include <map>

using core::errc;
using core::milliseconds;
using test::connection;
using test::http_answer;
using test::sample;

namespace {

constexpr milliseconds patience{2000};

// Serves these paths, 404 for the rest; the last request is kept.
struct fake_node {
  std::map<std::string, std::string> answers;
  std::string last_request = {};
  test::server server{[this](connection const& c) {
    last_request = c.read_request();
    auto const path = last_request.substr(last_request.find(' ') + 1);
    auto const found = answers.find(path.substr(0, path.find(' ')));
    c.write(found == answers.end() ? http_answer("404 page not found\n", "404 Not Found", "text/plain")
                                   : http_answer(found->second, "200 OK", "text/plain; charset=utf-8"));
  }};
  std::string host() const { return server.host(); }
};

}  // namespace

TEST_CASE("nodes are asked over HTTP", "[binlog]") {
  http::client client;
  binlog::node_client nodes(client, false);
  fake_node const pump{{{"/status", sample("pump-cluster-status-ok.json")},
                        {"/drainers", sample("pump-cluster-drainers-ok.json")},
                        {"/metrics", "binlog_pump_storage_storage_size_bytes{type=\"available\"} 1.5e+10\n"}}};
  fake_node const drainer{{{"/status", sample("drainer-cluster-status-replicating.json")}}};
  fake_node const neither{{}};
  auto const nobody = "127.0.0.1:" + std::to_string(test::free_port());

  CHECK(nodes.status_of_pump(pump.host(), patience).value().nodes.size() == 3);
  CHECK(nodes.status_of_drainer(drainer.host(), patience).value().last_ts.value == 417070683521024001);
  CHECK(nodes.drainers_known_to(pump.host(), patience).value().value().size() == 1);
  CHECK(nodes.status_of_pump(drainer.host(), patience).error().code == errc::bad_answer);
  auto const not_found = nodes.status_of_pump(neither.host(), patience);
  REQUIRE_FALSE(not_found);
  CHECK_THAT(not_found.error().what, Catch::Contains("HTTP status 404") && Catch::Contains(neither.host()));

  // Any answer shows that a process serves.
  CHECK(nodes.answers(neither.host(), patience));
  CHECK(nodes.answers(nobody, patience).error().code == errc::network_failure);
  auto const all = nodes.all_answer({pump.host(), nobody, drainer.host()}, patience);
  REQUIRE(all.size() == 3);
  CHECK(all[0]);
  CHECK_FALSE(all[1]);
  CHECK(all[2]);

  auto const asked = nodes.ask_pumps({nobody, pump.host(), drainer.host()}, patience);
  REQUIRE(asked.size() == 3);
  CHECK_FALSE(asked[0].status);
  CHECK_FALSE(asked[0].available_bytes);
  CHECK(asked[1].status.value().commit_ts.value == 417070684569600003);
  CHECK(asked[1].available_bytes == 1.5e10);
  CHECK_FALSE(asked[2].status);
  CHECK_FALSE(asked[2].available_bytes);
}

TEST_CASE("a node is asked to close under its own id", "[binlog]") {
  http::client client;
  binlog::node_client nodes(client, false);
  fake_node const good{{{"/state/pump-a:8250/close", sample("pump-cluster-state-close-ok.json")},
                        {"/state/a%2Fb%20%3F%C3%A4/close", sample("pump-cluster-state-close-ok.json")}}};
  CHECK(nodes.close_node(good.host(), "pump-a:8250", patience));
  CHECK_THAT(good.last_request, Catch::StartsWith("PUT /state/pump-a:8250/close HTTP/1.1\r\n"));
  CHECK(nodes.close_node(good.host(), "a/b ?\xc3\xa4", patience));
  CHECK_FALSE(nodes.close_node(good.host(), "pump-b:8250", patience));
  fake_node const refuses{{{"/state/x/close", sample("pump-cluster-state-error-not-online-http200.json")}}};
  CHECK_THAT(nodes.close_node(refuses.host(), "x", patience).error().what, Catch::Contains("state is closing"));
}

TEST_CASE("the registry is read through Pumps where etcd is closed", "[binlog]") {
  http::client client;
  binlog::node_client nodes(client, false);
  auto const status = sample("pump-cluster-status-ok.json");
  fake_node const good{{{"/status", status}, {"/drainers", sample("pump-cluster-drainers-ok.json")}}};
  fake_node const none{{{"/status", status}, {"/drainers", "null"}}};
  fake_node const no_pd{{{"/status", sample("pump-cluster-status-pd-etcd-down.json")}, {"/drainers", "null"}}};
  auto const nobody = "127.0.0.1:" + std::to_string(test::free_port());

  auto const read = binlog::read_registry_through_pumps(nodes, {nobody, no_pd.host(), good.host()}, patience);
  REQUIRE(read);
  CHECK(read->pumps.size() == 3);
  CHECK(read->drainers.size() == 1);
  CHECK(read->source == "http://" + good.host());
  CHECK(binlog::read_registry_through_pumps(nodes, {none.host()}, patience).value().drainers.empty());
  auto const failed = binlog::read_registry_through_pumps(nodes, {nobody, no_pd.host()}, patience);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == errc::registry_unreadable);
  CHECK_THAT(failed.error().what, Catch::Contains("refused") && Catch::Contains("context deadline exceeded"));
  CHECK_FALSE(binlog::read_registry_through_pumps(nodes, {}, patience));
}

TEST_CASE("with TLS nodes are asked over https", "[binlog]") {
  http::client client;
  CHECK(binlog::node_client(client, true).url("10.0.1.11:8250", "/status") == "https://10.0.1.11:8250/status");
  CHECK(binlog::node_client(client, false).url("[::1]:8250", "/status") == "http://[::1]:8250/status");
}
