// The cluster-wide lock: one node at a time across operators, control hosts and loops of one-off calls.
// Key /tidb-binlog-upgrade/lock in PD's etcd, lease of 30 s renewed every 5 s by a thread of its own.
#pragma once

#include "binlog/etcd.hpp"

#include <functional>
#include <memory>
#include <string>

namespace binlog {

constexpr std::string_view lock_key = "/tidb-binlog-upgrade/lock";

class cluster_lock {
 public:
  // Waits until the lock is free or the deadline passes (errc::lock_held, naming the owner as `owner` describes it).
  // `waiting` is called with a line for people when it changes. errc::lock_unavailable where the gateway is off or PD
  // can't be reached. `tls` as for the client: the renewing thread has a client of its own. `cancelled` ends the wait.
  static core::result<std::unique_ptr<cluster_lock>> acquire(std::vector<std::string> const& pd_urls,
                                                             std::optional<http::tls_files> const& tls,
                                                             std::string const& owner, core::deadline deadline,
                                                             std::function<void(std::string_view)> const& waiting,
                                                             std::function<bool()> const& cancelled);
  ~cluster_lock();  // releases
  cluster_lock(cluster_lock const&) = delete;
  cluster_lock& operator=(cluster_lock const&) = delete;

  // Reads the key again: errc::lock_lost unless it is still ours.
  core::result<void> confirm();
  // What the renewing thread knows, without asking.
  [[nodiscard]] bool lost() const;

 private:
  class impl;
  explicit cluster_lock(std::unique_ptr<impl> impl);
  std::unique_ptr<impl> impl_;
};

}  // namespace binlog
