// PD's etcd through its JSON gateway (facts: POST, base64 keys, 64-bit numbers as strings, empty fields omitted).
#pragma once

#include "binlog/registry.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "http/client.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace binlog {

struct key_value {
  std::string key;
  std::string value;
  std::int64_t create_revision = 0;
  std::int64_t mod_revision = 0;
  std::int64_t lease = 0;
};

class etcd {
 public:
  // `urls`: every PD client URL; each is tried, and under each the prefixes /v3, /v3beta, /v3alpha (remembered once one
  // answers). All prefixes 404 on every reachable PD: errc::lock_unavailable ("the JSON gateway is off"), nothing
  // reachable: errc::network_failure or timed_out.
  etcd(http::client& client, std::vector<std::string> urls, core::milliseconds timeout);

  // All keys with the prefix, linearizable.
  core::result<std::vector<key_value>> range(std::string_view prefix);
  core::result<std::optional<key_value>> get(std::string_view key);

  core::result<std::int64_t> grant_lease(std::chrono::seconds ttl);
  // Seconds left; errc::lock_lost when the lease is gone.
  core::result<std::chrono::seconds> keep_alive(std::int64_t lease);
  core::result<void> revoke(std::int64_t lease);
  // Puts `key` under `lease` if it does not exist; false when it does.
  core::result<bool> create(std::string_view key, std::string_view value, std::int64_t lease);

  [[nodiscard]] std::string const& last_url() const { return last_url_; }

 private:
  core::result<core::json::value> call(std::string_view path, core::json::object const& body);

  http::client* client_;
  std::vector<std::string> urls_;
  core::milliseconds timeout_;
  std::string prefix_;
  std::string last_url_;
};

// Both prefixes of the registry. One malformed value makes it unreadable, as for every Pump: errc::registry_unreadable
// naming the key.
core::result<registry> read_registry(etcd& etcd);

}  // namespace binlog
