// Asks Drainers, Pumps, PD and TiDBs again and again, each at its own pace, and lets the rules judge what they answer.
// One thread; a peer that hangs holds up nobody else.
#pragma once

#include "binlog/surroundings.hpp"
#include "pd.hpp"
#include "settings.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace wait_synced {

// An answer as it came: what the proof names it by.
struct raw_answer {
  std::string url;
  core::milliseconds at{};  // when it was asked, since the start of the call
  std::string sha256;
};

struct watched_drainer {
  std::string url;
  binlog::drainer_case rules;
  binlog::judgement judged;
  std::optional<core::milliseconds> at;  // of the last judgement
  std::optional<raw_answer> status;
  std::optional<raw_answer> metrics;
};

class watch {
 public:
  watch(settings const& settings, core::clock::time_point started);

  // Until every Drainer is synced (or, `once`, judged one time), or the time is up. errc::timed_out, or what can't
  // heal: errc::tls_plaintext_peer, usage. `tell` is called about every `interval`.
  core::result<void> run(bool once, std::function<void()> const& tell);

  [[nodiscard]] bool synced() const;
  [[nodiscard]] std::optional<binlog::tso> since() const { return demanded_.since; }
  [[nodiscard]] std::optional<binlog::tso> now() const { return around_.now(elapsed()); }
  [[nodiscard]] std::optional<std::uint64_t> cluster_id() const { return pd_.cluster_id(); }
  [[nodiscard]] std::vector<watched_drainer> const& drainers() const { return drainers_; }
  [[nodiscard]] std::vector<raw_answer> const& pumps() const { return pump_answers_; }
  [[nodiscard]] std::vector<binlog::evidence> switched() const { return around_.switched(elapsed()); }
  [[nodiscard]] std::vector<std::string> warnings() const;
  [[nodiscard]] core::milliseconds elapsed() const { return core::since(started_); }

 private:
  using response = core::result<http::response>;
  struct errand {
    std::function<void(core::milliseconds at)> begin;
    core::clock::time_point due;
    bool under_way = false;
  };
  struct look;

  void add_errands();
  std::size_t add(std::function<void(std::size_t number, core::milliseconds at)> begin);
  void get(std::string const& url, std::size_t max_body, std::function<void(response)> then);
  void done(std::size_t number);
  void ask_tidb(std::size_t number, std::size_t tidb, core::milliseconds at);
  void ask_pump(std::size_t number, std::size_t pump, core::milliseconds at);
  void ask_drainer(std::size_t number, std::size_t drainer, core::milliseconds at);
  void judge(std::size_t number, std::size_t drainer, look const& seen);
  void choose_since();
  binlog::expected_pumps const& expected(bool old, core::milliseconds at);
  void forget_expected();
  void give_up();
  [[nodiscard]] std::string advice() const;
  void begin_due(core::clock::time_point now);
  [[nodiscard]] core::clock::time_point next_due() const;

  settings const* settings_;
  core::clock::time_point started_;
  http::client client_;
  binlog::surroundings around_;
  struct dated_expectation {
    core::milliseconds at;
    binlog::expected_pumps pumps;
  };
  std::optional<dated_expectation> expected_[2];  // of cluster-version Drainers, of old ones
  binlog::requirements demanded_;
  pd pd_;
  std::vector<errand> errands_;
  std::size_t first_drainer_ = 0;  // errands before it are not about Drainers
  std::size_t not_asked_ = 0;      // of those, still without an answer
  std::vector<watched_drainer> drainers_;
  std::vector<raw_answer> pump_answers_;
  std::optional<core::milliseconds> since_moment_;  // a TSO taken now or later will do for `since`
  std::set<binlog::evidence_name> untold_;          // a 404 at /metrics: this version can't tell
  std::optional<core::error> fatal_;
};

}  // namespace wait_synced
