// The JSON shapes of etcd's gateway, from and to bytes. No I/O (facts/binlog.md 4.1, shapes checked against etcd 3.4).
#pragma once

#include "binlog/etcd.hpp"
#include "core/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace binlog::gateway {

// Standard alphabet with padding.
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

// The end of the range of all keys with this prefix: its last byte that can grow, plus one. "\0" (all keys from the
// prefix on) where none can.
std::string range_end(std::string_view prefix);

// What one HTTP answer of a gateway means.
enum class answer_kind {
  good,         // a JSON object in `body`
  no_gateway,   // 404 page: gateway off, or another prefix
  unavailable,  // this PD can't serve now (no leader, timed out): another one may
  refused,      // etcd's own error, the same everywhere; `error`
};
struct answer {
  answer_kind kind = answer_kind::unavailable;
  core::json::value body = {};
  int grpc_code = 0;       // of an error: 3 bad argument, 5 not found (an unknown lease), ...
  std::string cause = {};  // for people, when not good
};
answer decode_answer(http::response const& response, std::string_view what);

core::json::object range_request(std::string_view prefix);
core::json::object get_request(std::string_view key);
// "Put if there is no such key".
core::json::object create_request(std::string_view key, std::string_view value, std::int64_t lease);

core::result<std::vector<key_value>> decode_range(core::json::value const& body, std::string_view what);
core::result<std::int64_t> decode_grant(core::json::value const& body, std::string_view what);
// Seconds left; errc::lock_lost when TTL is missing, which means that the lease has expired.
core::result<std::chrono::seconds> decode_keep_alive(core::json::value const& body, std::string_view what);
// False when the key existed: etcd leaves `succeeded` out then.
core::result<bool> decode_create(core::json::value const& body, std::string_view what);

}  // namespace binlog::gateway
