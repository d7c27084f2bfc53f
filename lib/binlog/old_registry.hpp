// The registry of the Kafka and Local versions in PD's etcd (tidb-binlog:pkg/node/registry.go, branch kafka and tag
// rc2.3): /tidb-binlog/{pumps,cisterns}/<id>/{object,alive}. Read only.
#pragma once

#include "binlog/etcd.hpp"
#include "core/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace binlog {

struct old_node {
  std::string id;
  std::string host;    // "ip:port" of its object; empty where it has none
  bool alive = false;  // its alive key is there: it runs, or died less than the key's lease ago
};

struct old_registry {
  std::vector<old_node> pumps;
  std::vector<old_node> drainers;  // "cisterns"
};

// From all keys under /tidb-binlog/; those of the cluster version are passed over. An object that can't be read is
// errc::bad_answer naming its key.
core::result<old_registry> decode_old_registry(std::vector<key_value> const& keys);

// PD's cluster id: what its members answer says, else what PD itself keeps in its etcd (pd:server/server.go,
// /pd/cluster_id, 8 bytes, the highest first).
core::result<std::uint64_t> decode_kept_cluster_id(std::string_view bytes);
core::result<std::uint64_t> read_cluster_id(http::client& client, std::vector<std::string> const& pd_urls, etcd& etcd,
                                            core::milliseconds timeout);

}  // namespace binlog
