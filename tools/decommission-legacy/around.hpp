// Asks everybody that a refusal can rest on: PD, new and old Pumps and Drainers, TiDBs, the node itself.
#pragma once

#include "binlog/etcd.hpp"
#include "http/client.hpp"
#include "settings.hpp"
#include "snapshot.hpp"

namespace decommission_legacy {

class surroundings {
 public:
  explicit surroundings(settings const& settings);

  // Reads and asks. `seen.node` is filled already.
  void look(snapshot& seen);
  // What takes time: two looks at what must stand still; the users of a running Kafka or ZooKeeper, a quarter of a
  // minute.
  void look_closer(snapshot& seen);
  // For undo.
  void look_at_new_drainers(snapshot& seen);
  // The old registry, once more.
  core::result<binlog::old_registry> old_registry();
  // A Pump's or Drainer's own HTTP answers at all, at "ip:port"; a Drainer has looked at the registry besides.
  core::result<void> answers(std::string const& address);

 private:
  core::result<std::string> get(http::client& client, std::string const& url);
  core::result<std::string> metrics(std::string const& base_url, core::milliseconds timeout);  // of an old node
  core::result<binlog::drainer_answer> drainer_status(http::client& client, std::string const& base_url);
  // Of an old Drainer, where its metrics allow to ask; errc::unproven while that would be its end.
  core::result<binlog::drainer_answer> old_drainer_status(std::string const& base_url,
                                                          core::result<std::string> const& metrics_page);
  std::string socket_of(std::string const& tidb);
  absentee look_for(std::string const& what, std::string const& base_url, bool pump);
  void look_at_proof(snapshot& seen);
  void look_at_pd(snapshot& seen);
  void look_at_new(snapshot& seen);
  void look_at_old(snapshot& seen);
  void look_at_writes(snapshot& seen);
  void look_at_node(snapshot& seen);

  settings const& s_;
  http::client plain_;  // old nodes
  http::client safe_;   // PD, TiDBs, new nodes: https with tls_ca
  binlog::etcd etcd_;
};

}  // namespace decommission_legacy
