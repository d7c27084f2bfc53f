// Who uses Kafka and ZooKeeper besides the binlog.
#include <algorithm>
#include <array>

#include "judge.hpp"

namespace decommission_legacy {

using core::errc;

namespace {

// Kafka's own znodes, of every version up to 3.x (kafka:core/src/main/scala/kafka/zk/ZkData.scala).
constexpr std::array<std::string_view, 18> kafka_znodes = {"admin",
                                                           "brokers",
                                                           "cluster",
                                                           "config",
                                                           "consumers",
                                                           "controller",
                                                           "controller_epoch",
                                                           "delegation_token",
                                                           "feature",
                                                           "isr_change_notification",
                                                           "kafka-acl",
                                                           "kafka-acl-changes",
                                                           "kafka-acl-extended",
                                                           "kafka-acl-extended-changes",
                                                           "latest_producer_id_block",
                                                           "log_dir_event_notification",
                                                           "migration",
                                                           "zookeeper"};

std::string topic_of(std::uint64_t cluster, std::string id) {
  std::replace(id.begin(), id.end(), ':', '_');
  return std::to_string(cluster) + "_" + id;
}

}  // namespace

void judge::topics(core::result<std::vector<std::string>> const& found) {
  if (!found) return unknown("its topics can't be listed: " + found.error().what, "give kafka_home");
  std::set<std::string> ours = s_.binlog_topics;
  ours.insert({"__consumer_offsets", "__transaction_state"});
  if (seen_.cluster_id && seen_.old)
    for (auto const& pump : seen_.old->pumps) ours.insert(topic_of(*seen_.cluster_id, pump.id));
  for (auto const& topic : *found)
    if (!ours.contains(topic))
      refuse(errc::shared, "topic " + topic + " is not known to be the binlog's",
             "if it is, name it in binlog_topics; else this Kafka is used by others");
}

void judge::clients() {
  auto const& found = seen_.used->clients;
  if (!found) return unknown("who is connected can't be told: " + found.error().what);
  for (auto const& client : *found) {
    if (s_.accept.clients.contains(client.address))
      accept("client=" + client.address);
    else
      refuse(errc::shared, client.what + " is connected to port " + std::to_string(s_.port),
             "stop it first; accept client=" + client.address + " says that it may lose the connection");
  }
}

void judge::znodes() {
  auto const& found = seen_.used->znodes;
  if (!found) return unknown("its znodes can't be listed: " + found.error().what, "give kafka_home");
  for (auto const& znode : *found) {
    if (std::find(kafka_znodes.begin(), kafka_znodes.end(), znode) != kafka_znodes.end()) continue;
    if (s_.accept.znodes.contains("/" + znode))
      accept("znode=/" + znode);
    else
      refuse(errc::shared, "znode /" + znode + " is not Kafka's",
             "this ZooKeeper is used by others; accept znode=/" + znode + " says that it is no longer");
  }
  auto const& brokers = seen_.used->broker_ids;
  if (!brokers)
    unknown("the brokers in it can't be listed: " + brokers.error().what);
  else
    for (auto const& id : *brokers)
      refuse(errc::wrong_order, "Kafka broker " + id + " is registered in it", "stop all brokers first");
}

// A ZooKeeper whose ensemble has lost its majority: what is in it can't be read by anybody.
bool judge::serves_nobody() const {
  auto const& used = *seen_.used;
  return s_.is(component::zookeeper) && !used.znodes && used.connected && 2 * (*used.connected + 1) <= used.voters;
}

void judge::users() {
  auto const told = seen_.used && seen_.used->broker_ids;
  for (auto const& broker : seen_.brokers)
    if (broker.presence == presence::unknown && !told)
      unknown("whether " + broker.what + " is gone can't be told: " + broker.cause);
  if (!seen_.node.process) return;
  if (!seen_.used) return unknown("nobody asked who uses it");
  clients();
  if (serves_nobody()) {
    if (s_.accept.ensemble) return accept("ensemble");
    return unknown("it serves nobody, connected to " + std::to_string(*seen_.used->connected) + " of the " +
                       std::to_string(seen_.used->voters - 1) + " others of its ensemble: what is in it can't be read",
                   "accept ensemble says that it was looked at when another one of them was retired");
  }
  if (s_.is(component::zookeeper)) znodes();
  topics(seen_.used->topics);
  if (!seen_.used->groups) {
    unknown("its consumer groups can't be listed: " + seen_.used->groups.error().what, "give kafka_home");
    return;
  }
  for (auto const& group : *seen_.used->groups) {
    if (s_.accept.groups.contains(group))
      accept("group=" + group);
    else
      refuse(errc::shared, "consumer group " + group + " is not the binlog's, which has none",
             "accept group=" + group + " says that it is no longer used");
  }
}

}  // namespace decommission_legacy
