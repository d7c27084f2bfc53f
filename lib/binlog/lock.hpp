// The cluster-wide lock: one node at a time across operators, control hosts and loops of one-off calls.
// Key /tidb-binlog-upgrade/lock in PD's etcd, lease of 30 s renewed every 5 s by a thread of its own.
#pragma once

#include "binlog/etcd.hpp"

#include <functional>
#include <memory>
#include <string>

namespace binlog {

constexpr std::string_view lock_key = "/tidb-binlog-upgrade/lock";

// Shorter ones are for tests.
struct lock_timing {
  std::chrono::seconds ttl{30};           // a dead owner's lock frees itself after this
  core::milliseconds renew{5000};         // and this often a living owner renews it
  core::milliseconds etcd_timeout{4000};  // per PD asked
  core::milliseconds release{1500};       // what letting go may take
};

class cluster_lock {
 public:
  // Waits until the lock is free or the deadline passes (errc::lock_held, naming the owner as `owner` describes it).
  // `waiting` is called with a line for people when it changes. errc::lock_unavailable where the gateway is off or PD
  // can't be reached. `tls` as for the client: the renewing thread has a client of its own. `cancelled` ends the wait
  // (errc::interrupted). One attempt is made even when the deadline has passed already.
  static core::result<std::unique_ptr<cluster_lock>> acquire(std::vector<std::string> const& pd_urls,
                                                             std::optional<http::tls_files> const& tls,
                                                             std::string const& owner, core::deadline deadline,
                                                             std::function<void(std::string_view)> const& waiting,
                                                             std::function<bool()> const& cancelled,
                                                             lock_timing const& timing = {});
  ~cluster_lock();  // releases: revokes the lease, within about two seconds whatever PD does
  cluster_lock(cluster_lock const&) = delete;
  cluster_lock& operator=(cluster_lock const&) = delete;

  // Reads the key again: errc::lock_lost unless it is still ours, errc::lock_unavailable when it can't be read.
  core::result<void> confirm();
  // What the renewing thread knows, without asking: the lease is gone, or was not renewed for its whole time to live.
  [[nodiscard]] bool lost() const;

 private:
  class impl;
  explicit cluster_lock(std::unique_ptr<impl> held);
  std::unique_ptr<impl> impl_;
};

}  // namespace binlog
