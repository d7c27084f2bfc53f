// Everything a refusal can rest on, as it was read. What was not asked for is an error that says so: unknown, never
// good.
#pragma once

#include "binlog/drainer_answers.hpp"
#include "binlog/old_registry.hpp"
#include "binlog/proof.hpp"
#include "node.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace decommission_legacy {

template <class T>
core::result<T> not_asked() {
  return core::error{core::errc::unproven, "nobody asked"};
}

// Of another node at an address that must be gone.
enum class presence {
  gone,     // the connection is refused, or another program than an old one answers there
  there,    // an old one answers
  unknown,  // no answer that could be used
};
struct absentee {
  std::string what;  // "old Drainer 10.0.0.1:8249"
  decommission_legacy::presence presence = presence::unknown;
  std::string cause;  // of unknown
};

// A client of Kafka or ZooKeeper.
struct client_view {
  std::string address;  // IP
  std::string what;     // "10.0.0.9", "/usr/bin/java (pid 7)"
};

struct snapshot {
  node_view node;

  std::optional<core::result<binlog::proof>> proof;  // nothing: not needed
  bool proof_names_node = false;                     // one of its Drainers is this one
  core::result<std::uint64_t> cluster_id = not_asked<std::uint64_t>();
  core::result<binlog::old_registry> old = not_asked<binlog::old_registry>();
  core::result<std::vector<binlog::node>> drainers = not_asked<std::vector<binlog::node>>();  // cluster version
  std::set<std::string> local;                                                                // this host's addresses
  std::optional<binlog::tso> now;                                                             // PD's time

  struct new_pump {
    std::string address;
    core::result<binlog::pump_answer> answer;
  };
  std::vector<new_pump> new_pumps;
  struct new_drainer {
    std::string address;
    core::result<binlog::drainer_answer> answer;
  };
  std::vector<new_drainer> new_drainers;
  struct tidb {
    std::string address;
    core::result<std::vector<binlog::tidb_server>> servers;
    std::string socket;  // of an old Pump, that it writes to; empty for none, or where it does not tell
  };
  std::vector<tidb> tidbs;
  // Old Pumps that must be quiet: two looks, some seconds apart.
  struct old_pump {
    std::string address;
    core::result<binlog::pump_writes> first;
    core::result<binlog::pump_writes> second;
  };
  std::vector<old_pump> old_pumps;
  std::vector<absentee> absentees;
  std::vector<absentee> brokers;  // that must be gone

  // The node's own answers.
  std::optional<core::result<bool>> answers_as_old;  // a running Pump or Drainer: of an old version
  struct drainer_look {
    core::result<binlog::drainer_answer> status = not_asked<binlog::drainer_answer>();
    core::result<binlog::drainer_metrics> metrics = not_asked<binlog::drainer_metrics>();
  };
  std::optional<std::pair<drainer_look, drainer_look>> drainer;
  std::optional<core::result<std::size_t>> socket_clients;  // of a running Pump

  // Users of a running Kafka or ZooKeeper.
  struct usage {
    core::result<std::vector<client_view>> clients = not_asked<std::vector<client_view>>();
    core::result<std::vector<std::string>> topics = not_asked<std::vector<std::string>>();
    core::result<std::vector<std::string>> groups = not_asked<std::vector<std::string>>();
    core::result<std::vector<std::string>> znodes = not_asked<std::vector<std::string>>();      // ZooKeeper
    core::result<std::vector<std::string>> broker_ids = not_asked<std::vector<std::string>>();  // ZooKeeper
    // ZooKeeper: how many vote in its ensemble, itself too, and to how many connections of those it holds an end: the
    // others that run, or more. Nothing where that was not looked at, or it stands alone.
    std::size_t voters = 0;
    std::optional<std::size_t> connected;
  };
  std::optional<usage> used;
};

}  // namespace decommission_legacy
