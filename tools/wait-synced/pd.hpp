// PD as a source of the registry and the cluster id: which URL and which gateway prefix to ask next.
#pragma once

#include "binlog/drainer_answers.hpp"
#include "http/client.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wait_synced {

class pd {
 public:
  explicit pd(std::vector<std::string> urls) : urls_(std::move(urls)) {}

  // All keys under /tidb-binlog/, or the members of PD, which name the cluster id; where a gateway answers without PD's
  // own pages, the key that PD keeps the id in.
  [[nodiscard]] http::request registry_request() const;
  [[nodiscard]] http::request members_request() const;
  // After a failure the next call asks elsewhere.
  core::result<binlog::registered_pumps> take_registry(core::result<http::response> const& answer);
  void take_members(core::result<http::response> const& answer);

  [[nodiscard]] std::optional<std::uint64_t> cluster_id() const { return cluster_id_; }

 private:
  [[nodiscard]] std::string url(std::size_t turn) const { return urls_[turn % urls_.size()]; }

  std::vector<std::string> urls_;
  std::size_t turn_ = 0;          // which PD is asked for the registry,
  std::size_t members_turn_ = 0;  // and which for its members
  std::size_t prefix_ = 0;        // which prefix of etcd's gateway
  bool members_missing_ = false;  // there is no such page
  std::optional<std::uint64_t> cluster_id_;
};

}  // namespace wait_synced
