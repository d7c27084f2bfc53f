#include "binlog/lock.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

#include "binlog/lock_value.hpp"

namespace binlog {
namespace {

using core::errc;
using core::error;
using core::milliseconds;

constexpr milliseconds first_pause{200};
constexpr milliseconds longest_pause{1000};
// For a PD that answers but can't serve: electing a leader takes a few seconds.
constexpr milliseconds election{10000};

http::client client_for(std::optional<http::tls_files> const& tls) { return tls ? http::client(*tls) : http::client(); }

std::int64_t wall_clock_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Which lock is held: the same lease may only ever own it once, but a key deleted and made again is another lock.
struct holding {
  std::int64_t lease = 0;
  core::clock::time_point granted;  // before the lease was asked for, so that its end is never thought later than it is
};

// One try. Nothing when somebody else holds it: then `holder` says who.
core::result<std::optional<holding>> try_once(etcd& etcd, std::string const& owner, lock_timing const& timing,
                                              std::string& holder) {
  std::optional<holding> held;
  TRY_ASSIGN(auto const before, etcd.get(lock_key));
  if (before) {
    holder = describe_lock(before->value);
    return held;
  }
  auto const granted = core::clock::now();
  TRY_ASSIGN(auto const lease, etcd.grant_lease(timing.ttl));
  auto created = etcd.create(lock_key, lock_value(owner, wall_clock_ms()), lease);
  if (created && *created) {
    held = holding{lease, granted};
    return held;
  }
  // An answer that was lost, or a second PD asked after the first one did it: the key itself knows.
  auto const now = etcd.get(lock_key);
  if (now && *now && (*now)->lease == lease) {
    held = holding{lease, granted};
    return held;
  }
  // Waiting again; the lease would end by itself, as it does should this fail.
  static_cast<void>(etcd.revoke(lease));
  if (now && *now) holder = describe_lock((*now)->value);
  if (!created) return created.error();
  return held;
}

// Sleeps in slices; false when cancelled.
bool pause(milliseconds length, std::function<bool()> const& cancelled) {
  auto const end = core::deadline::after(length);
  while (!end.passed()) {
    if (cancelled && cancelled()) return false;
    std::this_thread::sleep_for(std::min(end.left(), milliseconds(100)));
  }
  return !cancelled || !cancelled();
}

// Empty when it was taken and freed again between two questions.
std::string shown(std::string const& holder) { return holder.empty() ? "somebody" : holder; }

error unavailable(error const& cause) {
  if (cause.code == errc::usage) return cause;
  return {errc::lock_unavailable, "cannot take the cluster-wide lock: " + cause.what,
          cause.hint.empty() ? "check that PD is up, or go on without the lock (lock=none)"
                             : cause.hint + "; or go on without the lock (lock=none)"};
}

core::result<holding> wait_for(etcd& etcd, std::string const& owner, core::deadline deadline,
                               std::function<void(std::string_view)> const& waiting,
                               std::function<bool()> const& cancelled, lock_timing const& timing) {
  std::string holder;
  std::string told;
  auto const electing = deadline.within(election);
  for (auto length = first_pause;; length = std::min(longest_pause, length * 3 / 2)) {
    auto const tried = try_once(etcd, owner, timing, holder);
    if (tried && *tried) return **tried;
    // While nobody is known to hold it, PD is the trouble; that is not what the deadline is for.
    if (!tried && holder.empty() && (tried.error().code != errc::bad_answer || electing.passed()))
      return unavailable(tried.error());
    auto const line = holder.empty() && !tried ? "waiting for PD to serve: " + tried.error().what
                                               : "waiting for the cluster-wide lock, held by " + shown(holder);
    if (waiting && line != told) waiting(line);
    told = line;
    if (deadline.passed())
      return error{errc::lock_held,
                   "cannot take the cluster-wide lock: it is held by " + shown(holder) +
                       (tried ? "" : " (" + tried.error().what + ")"),
                   "wait for that run to end; the lock of a dead one frees itself within " +
                       std::to_string(timing.ttl.count()) + " s"};
    if (!pause(std::min(length, deadline.left()), cancelled))
      return error{errc::interrupted, "cannot take the cluster-wide lock: interrupted while " + line};
  }
}

}  // namespace

class cluster_lock::impl {
 public:
  impl(std::vector<std::string> const& pd_urls, std::optional<http::tls_files> const& tls, lock_timing const& timing)
      : timing_(timing),
        client_(client_for(tls)),
        renewing_client_(client_for(tls)),
        etcd_(client_, pd_urls, timing.etcd_timeout),
        renewing_etcd_(renewing_client_, pd_urls, std::min(timing.etcd_timeout, timing.renew)),
        releasing_etcd_(client_, pd_urls,
                        timing.release / static_cast<long>(std::max<std::size_t>(1, pd_urls.size()))) {}
  ~impl() { release(); }
  impl(impl const&) = delete;
  impl& operator=(impl const&) = delete;

  core::result<void> start(std::string const& owner, core::deadline deadline,
                           std::function<void(std::string_view)> const& waiting,
                           std::function<bool()> const& cancelled);
  core::result<void> confirm();
  bool lost() const { return gone_ || core::clock::now() >= valid_until_.load(); }

 private:
  void renew_until_stopped();
  bool renew_once();
  void release();

  lock_timing timing_;
  http::client client_;
  http::client renewing_client_;
  etcd etcd_;            // of the owner's thread
  etcd renewing_etcd_;   // of the renewing thread
  etcd releasing_etcd_;  // impatient
  std::int64_t lease_ = 0;
  std::int64_t create_revision_ = 0;
  std::atomic<bool> gone_ = false;
  std::atomic<core::clock::time_point> valid_until_{};
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::thread thread_;
};

core::result<void> cluster_lock::impl::start(std::string const& owner, core::deadline deadline,
                                             std::function<void(std::string_view)> const& waiting,
                                             std::function<bool()> const& cancelled) {
  TRY_ASSIGN(auto const held, wait_for(etcd_, owner, deadline, waiting, cancelled, timing_));
  lease_ = held.lease;
  valid_until_ = held.granted + timing_.ttl;
  // Signals belong to the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::optional<error> failure;
  try {
    thread_ = std::thread([this] { renew_until_stopped(); });
  } catch (std::system_error const& e) {
    failure = error{errc::system_failure, std::string("cannot start the thread that renews the lock: ") + e.what()};
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failure) return *failure;

  auto const now = etcd_.get(lock_key);
  if (!now) return unavailable(now.error());
  if (!*now || (*now)->lease != lease_)
    return error{errc::lock_lost, "cannot keep the cluster-wide lock: it was gone as soon as it was taken"};
  create_revision_ = (*now)->create_revision;
  return {};
}

// False when there is nothing left to renew.
bool cluster_lock::impl::renew_once() {
  auto const asked = core::clock::now();
  auto const left = renewing_etcd_.keep_alive(lease_);
  if (left) {
    valid_until_ = asked + std::min<milliseconds>(*left, timing_.ttl);
    return true;
  }
  if (left.error().code != errc::lock_lost) return true;  // PD away: the lease lives on for its time
  gone_ = true;
  return false;
}

void cluster_lock::impl::renew_until_stopped() {
  std::unique_lock lock(mutex_);
  auto next = core::clock::now() + timing_.renew;
  while (!stopping_.wait_until(lock, next, [this] { return stop_; })) {
    lock.unlock();
    if (!renew_once()) return;
    lock.lock();
    // After a failure sooner: PD may be electing, and the lease runs.
    next = core::clock::now() + (valid_until_.load() - core::clock::now() < timing_.ttl - 2 * timing_.renew
                                     ? std::min(timing_.renew, milliseconds(1000))
                                     : timing_.renew);
  }
}

core::result<void> cluster_lock::impl::confirm() {
  error const lost_now{errc::lock_lost, "cannot confirm the cluster-wide lock: it is no longer ours",
                       "another run may be at work; look at the nodes before starting again"};
  if (lost()) return lost_now;
  auto const now = etcd_.get(lock_key);
  if (!now)
    return error{errc::lock_unavailable, "cannot confirm the cluster-wide lock: " + now.error().what, now.error().hint};
  if (!*now || (*now)->lease != lease_ || (*now)->create_revision != create_revision_) {
    gone_ = true;
    return lost_now;
  }
  return {};
}

void cluster_lock::impl::release() {
  if (thread_.joinable()) {
    {
      std::lock_guard const lock(mutex_);
      stop_ = true;
    }
    stopping_.notify_all();
    renewing_client_.cancel();
    thread_.join();
  }
  // Where PD does not answer, the lease frees the lock by itself.
  if (lease_ != 0 && !gone_) static_cast<void>(releasing_etcd_.revoke(lease_));
}

cluster_lock::cluster_lock(std::unique_ptr<impl> held) : impl_(std::move(held)) {}
cluster_lock::~cluster_lock() = default;

core::result<std::unique_ptr<cluster_lock>> cluster_lock::acquire(std::vector<std::string> const& pd_urls,
                                                                  std::optional<http::tls_files> const& tls,
                                                                  std::string const& owner, core::deadline deadline,
                                                                  std::function<void(std::string_view)> const& waiting,
                                                                  std::function<bool()> const& cancelled,
                                                                  lock_timing const& timing) {
  auto made = std::make_unique<impl>(pd_urls, tls, timing);
  TRY(made->start(owner, deadline, waiting, cancelled));
  return std::unique_ptr<cluster_lock>(new cluster_lock(std::move(made)));
}

core::result<void> cluster_lock::confirm() { return impl_->confirm(); }

bool cluster_lock::lost() const { return impl_->lost(); }

}  // namespace binlog
