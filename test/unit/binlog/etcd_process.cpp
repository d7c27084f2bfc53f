#include "etcd_process.hpp"

#include "binlog/gateway.hpp"

#include <boost/json/serialize.hpp>

namespace test {
namespace {

void post(std::string const& url, core::json::object const& body) {
  http::client client;
  auto const answer = client.send({.method = "POST", .url = url, .body = core::json::serialize(body)});
  if (!answer || answer->status != 200) throw std::runtime_error("etcd refused " + url);
}

}  // namespace

void etcd_process::put(std::string const& key, std::string const& value) const {
  post(url_ + "/v3/kv/put", {{"key", binlog::gateway::base64(key)}, {"value", binlog::gateway::base64(value)}});
}

void etcd_process::remove_prefix(std::string const& prefix) const {
  post(url_ + "/v3/kv/deleterange", binlog::gateway::range_request(prefix));
}

}  // namespace test
