#include "watch.hpp"

#include <algorithm>
#include <thread>

#include "binlog/metrics_page.hpp"
#include "files/digest.hpp"
#include "http/url.hpp"

namespace wait_synced {
namespace {

using core::errc;
using core::milliseconds;

// A Pump's /status may hang in PD: shorter would take slow for silent (facts 1.1).
constexpr milliseconds request_timeout{10000};
// Bounds memory whatever peers send: 200 connections with TLS take 25 MB.
constexpr std::size_t most_connections = 200;
constexpr std::size_t most_status = 256U << 10U;
constexpr std::size_t most_metrics = 1U << 20U;
// How long Drainers wait for what they are judged by.
constexpr milliseconds head_start{1000};

http::client make_client(settings const& settings) {
  return settings.tls ? http::client(*settings.tls) : http::client();
}

binlog::surroundings::demands demands_of(settings const& s) {
  binlog::surroundings::demands demanded{.expected_ids = s.expected_pumps,
                                         .registry = !s.pd_urls.empty(),
                                         .old_pumps = s.old_pumps.size(),
                                         .new_pumps = s.new_pumps.size()};
  for (auto const& url : s.pumps) demanded.pumps.push_back(http::authority_of(url));
  for (auto const& url : s.tidbs) demanded.tidbs.push_back(http::authority_of(url));
  return demanded;
}

core::result<std::string> body_of(core::result<http::response> answer, std::string const& url) {
  if (!answer) return answer.error();
  if (answer->status != 200)
    return core::error{errc::bad_answer, "cannot use " + url + ": HTTP status " + std::to_string(answer->status)};
  return std::move(answer->body);
}

}  // namespace

// The answers of one Drainer that belong together.
struct watch::look {
  milliseconds at;
  core::result<binlog::drainer_answer> status = core::error{errc::network_failure, "not asked"};
  core::result<binlog::drainer_metrics> metrics = core::error{errc::network_failure, "/metrics was not asked for"};
};

watch::watch(settings const& settings, core::clock::time_point started)
    : settings_(&settings),
      started_(started),
      client_(make_client(settings)),
      around_(demands_of(settings)),
      demanded_(settings.demanded),
      pd_(settings.pd_urls),
      pump_answers_(settings.pumps.size()) {
  client_.limit(most_connections);
  for (auto const& url : settings.drainers) drainers_.push_back({.url = url});
}

void watch::get(std::string const& url, std::size_t max_body, std::function<void(response)> then) {
  client_.start({.url = url, .timeout = request_timeout, .max_body = max_body},
                [this, then = std::move(then)](response answer) {
                  auto const plaintext = !answer && answer.error().code == errc::tls_plaintext_peer;
                  if (plaintext && !fatal_) fatal_ = answer.error();
                  then(std::move(answer));
                });
}

std::size_t watch::add(std::function<void(std::size_t number, milliseconds at)> begin) {
  auto const number = errands_.size();
  errands_.push_back({[number, begin = std::move(begin)](milliseconds at) { begin(number, at); }, started_});
  return number;
}

void watch::done(std::size_t number) {
  errands_[number].under_way = false;
  if (number < first_drainer_ && not_asked_ > 0) --not_asked_;
}

void watch::ask_pump(std::size_t number, std::size_t pump, milliseconds at) {
  auto const url = settings_->pumps[pump] + "/status";
  get(url, most_status, [this, number, pump, at, url](response answer) {
    auto const body = body_of(std::move(answer), url);
    if (body) pump_answers_[pump] = {url, at, files::sha256(*body)};
    around_.pump(pump, at, body ? binlog::decode_pump(*body, url) : body.error());
    forget_expected();
    done(number);
  });
}

// What it runs with comes before how it says it does: with a socket left in its file it is On, and writes there.
void watch::ask_tidb(std::size_t number, std::size_t tidb, milliseconds at) {
  auto const settings_url = settings_->tidbs[tidb] + "/settings";
  auto const url = settings_->tidbs[tidb] + "/info/all";
  get(settings_url, most_metrics, [=, this](response settings) {
    auto const told = body_of(std::move(settings), settings_url);
    auto const socket = told ? binlog::decode_tidb_socket(*told, settings_url) : told;
    get(url, most_metrics, [=, this](response answer) {
      auto const body = body_of(std::move(answer), url);
      around_.tidb(tidb, at, body ? binlog::decode_tidb_servers(*body, url) : body.error(),
                   socket ? *socket : std::string());
      done(number);
    });
  });
}

void watch::add_errands() {
  auto const& s = *settings_;
  for (std::size_t i = 0; i < s.pumps.size(); ++i)
    add([this, i](std::size_t number, milliseconds at) { ask_pump(number, i, at); });
  if (!s.tso_from.empty())
    add([this, url = s.tso_from + "/status"](std::size_t number, milliseconds at) {
      get(url, most_status, [=, this](response answer) {
        auto const body = body_of(std::move(answer), url);
        if (auto const pump = body ? binlog::decode_pump(*body, url) : body.error()) around_.time(at, pump->commit_ts);
        done(number);
      });
    });
  for (std::size_t i = 0; i < s.tidbs.size(); ++i)
    add([this, i](std::size_t number, milliseconds at) { ask_tidb(number, i, at); });
  for (std::size_t i = 0; i < s.old_pumps.size(); ++i)
    add([this, i, url = s.old_pumps[i] + "/metrics"](std::size_t number, milliseconds at) {
      get(url, most_metrics, [=, this](response answer) {
        auto const body = binlog::metrics_page(std::move(answer), url);
        if (!body && binlog::serves_none(body.error())) untold_.insert(binlog::evidence_name::old_writes_flat);
        around_.writes(i, at, body ? binlog::decode_pump_writes(*body, url) : body.error());
        done(number);
      });
    });
  for (std::size_t i = 0; i < s.new_pumps.size(); ++i)
    add([this, i, url = s.new_pumps[i] + "/metrics"](std::size_t number, milliseconds at) {
      get(url, most_metrics, [=, this](response answer) {
        auto const body = body_of(std::move(answer), url);
        around_.taken(i, at, body ? binlog::decode_taken_binlogs(*body, url) : body.error());
        done(number);
      });
    });
  if (!s.pd_urls.empty()) {
    add([this](std::size_t number, milliseconds at) {
      auto request = pd_.registry_request();
      request.max_body = most_metrics;
      client_.start(request, [=, this](response const& answer) {
        around_.registry(at, pd_.take_registry(answer));
        forget_expected();
        done(number);
      });
    });
    add([this](std::size_t number, milliseconds) {
      if (pd_.cluster_id()) return done(number);
      client_.start(pd_.members_request(), [=, this](response const& answer) {
        pd_.take_members(answer);
        done(number);
      });
    });
  }
  first_drainer_ = errands_.size();
  not_asked_ = first_drainer_;
  for (std::size_t i = 0; i < drainers_.size(); ++i)
    add([this, i](std::size_t number, milliseconds at) { ask_drainer(number, i, at); });
}

void watch::ask_drainer(std::size_t number, std::size_t drainer, milliseconds at) {
  auto& d = drainers_[drainer];
  auto const kind = d.judged.kind ? d.judged.kind : demanded_.kind;
  auto const with_metrics = !kind || binlog::is_old(*kind);
  auto const seen = std::make_shared<look>(look{.at = at});
  auto const status_url = d.url + "/status";
  auto const ask_status = [=, this, &d] {
    get(status_url, most_status, [=, this, &d](response answer) {
      auto const body = body_of(std::move(answer), status_url);
      if (body) d.status = {status_url, at, files::sha256(*body)};
      seen->status = body ? binlog::decode_drainer(*body, status_url) : body.error();
      judge(number, drainer, *seen);
    });
  };
  if (!with_metrics) return ask_status();
  auto const metrics_url = d.url + "/metrics";
  get(metrics_url, most_metrics, [=, this, &d](response answer) {
    auto const body = binlog::metrics_page(std::move(answer), metrics_url);
    if (body) d.metrics = {metrics_url, at, files::sha256(*body)};
    seen->metrics = body ? binlog::decode_drainer_metrics(*body, metrics_url) : body.error();
    auto const asked = binlog::may_be_asked(body);
    if (asked) return ask_status();
    seen->status = core::error{errc::network_failure, status_url + " is not asked: " + asked.error().what};
    judge(number, drainer, *seen);
  });
}

void watch::judge(std::size_t number, std::size_t drainer, look const& seen) {
  auto& d = drainers_[drainer];
  choose_since();
  auto const old = seen.status ? binlog::is_old(seen.status->kind) : d.judged.kind && binlog::is_old(*d.judged.kind);
  d.judged = d.rules.add({seen.at, seen.status, seen.metrics, around_.now(seen.at)}, demanded_, expected(old, seen.at),
                         around_.switched(seen.at));
  d.at = seen.at;
  if (old && !seen.metrics && binlog::serves_none(seen.metrics.error()))
    untold_.insert({binlog::evidence_name::drained, binlog::evidence_name::applied});
  // Not a whole interval late where all that is missing is time.
  if (d.judged.stable_at && *d.judged.stable_at > seen.at)
    errands_[number].due = std::min(errands_[number].due, started_ + *d.judged.stable_at);
  done(number);
}

void watch::forget_expected() { expected_[0].reset(), expected_[1].reset(); }

// A thousand Drainers are judged by the same few answers.
binlog::expected_pumps const& watch::expected(bool old, milliseconds at) {
  auto& known = expected_[old ? 1 : 0];
  if (!known || at - known->at > milliseconds(1000)) known = {at, around_.expected(old, at)};
  return known->pumps;
}

// since=now is taken after the TiDBs are known to have left the old Pumps, and again when one comes back to them.
void watch::choose_since() {
  if (settings_->demanded.since) return;
  auto const now = elapsed();
  auto const before = around_.switched(now);
  auto const left = std::all_of(before.begin(), before.end(), [&](binlog::evidence const& each) {
    if (demanded_.accepted.contains(each.name)) return true;
    return each.held == binlog::holding::yes && each.since && now - *each.since >= demanded_.stable_for;
  });
  if (!left) {
    since_moment_.reset();
    demanded_.since.reset();
    for (auto& drainer : drainers_) drainer.judged.verdict = binlog::verdict::unknown;
    return;
  }
  if (!since_moment_) since_moment_ = before.empty() ? milliseconds(0) : now;
  if (!demanded_.since) demanded_.since = around_.taken_after(*since_moment_);
}

void watch::begin_due(core::clock::time_point now) {
  auto const drainers_too = not_asked_ == 0 || elapsed() >= head_start;
  for (std::size_t i = 0; i < errands_.size(); ++i) {
    auto& next = errands_[i];
    if (next.under_way || next.due > now || (i >= first_drainer_ && !drainers_too)) continue;
    // Its own pace, also when it was late.
    auto const behind = (now - next.due) / settings_->interval;
    next.due += settings_->interval * (behind + 1);
    next.under_way = true;
    next.begin(elapsed());
  }
}

core::clock::time_point watch::next_due() const {
  auto next = core::clock::time_point::max();
  for (std::size_t i = 0; i < errands_.size(); ++i) {
    if (errands_[i].under_way) continue;
    auto const waits = i >= first_drainer_ && not_asked_ > 0;
    next = std::min(next, waits ? std::max(errands_[i].due, started_ + head_start) : errands_[i].due);
  }
  return next;
}

core::result<void> watch::run(bool once, std::function<void()> const& tell) {
  add_errands();
  // Spread over the interval: no burst of a thousand handshakes.
  for (std::size_t i = 0; i < drainers_.size() && !once; ++i)
    errands_[first_drainer_ + i].due += settings_->interval * static_cast<int>(i) / static_cast<int>(drainers_.size());
  auto const end = started_ + settings_->timeout;
  auto next_tell = started_;
  for (;;) {
    auto const now = core::clock::now();
    if (fatal_) return *fatal_;
    if (synced()) return {};
    if (once && std::all_of(drainers_.begin(), drainers_.end(), [](auto const& d) { return d.at.has_value(); }))
      return {};
    if (now >= end) {
      give_up();
      return core::error{errc::timed_out, "cannot prove that all is synced in time", advice()};
    }
    if (now >= next_tell) {
      tell();
      next_tell = now + settings_->interval;
    }
    begin_due(now);
    auto const wake = std::min({next_due(), end, next_tell});
    if (!client_.run_until(wake)) std::this_thread::sleep_until(wake);
  }
}

// What to look at by hand where nothing else is left: in place of evidence that this version can't give.
std::string watch::advice() const {
  for (auto const& each : switched())
    if (each.name == binlog::evidence_name::new_writes && each.held == binlog::holding::no &&
        !demanded_.accepted.contains(each.name))
      return "the new Pumps hold fewer binlogs than there are TiDBs: write a row through every one of them, then run "
             "this again";
  std::string looks;
  std::string names;
  auto const add = [&](binlog::evidence_name which, std::string_view by_hand) {
    if (!untold_.contains(which) || demanded_.accepted.contains(which)) return;
    looks += (looks.empty() ? "" : "; ") + std::string(by_hand);
    names += (names.empty() ? "" : ",") + std::string(binlog::name(which));
  };
  add(binlog::evidence_name::drained, binlog::drained_by_hand);
  add(binlog::evidence_name::applied, binlog::applied_by_hand);
  add(binlog::evidence_name::old_writes_flat, binlog::quiet_by_hand);
  if (names.empty()) return "the evidence of each Drainer says what is missing; accept names what you answer for";
  return "this version serves no metrics: " + looks + "; then accept " + names;
}

// Those that never answered are unknown for that.
void watch::give_up() {
  for (auto& d : drainers_) {
    if (d.at) continue;
    core::error const silent{errc::timed_out, "cannot GET " + d.url + "/status: no answer yet when time was up"};
    auto const old = demanded_.kind && binlog::is_old(*demanded_.kind);
    d.judged = d.rules.add({elapsed(), silent, silent, now()}, demanded_, expected(old, elapsed()), switched());
  }
}

bool watch::synced() const {
  return std::all_of(drainers_.begin(), drainers_.end(),
                     [](auto const& d) { return d.judged.verdict == binlog::verdict::synced; });
}

std::vector<std::string> watch::warnings() const {
  std::vector<std::string> all;
  for (auto const& [pump, count] : around_.lost())
    all.push_back("old Pump " + http::authority_of(settings_->old_pumps[pump]) + " lost " +
                  std::to_string(static_cast<long long>(count)) +
                  " binlogs while it told TiDB that all was well: the downstream differs already");
  auto const since = demanded_.since;
  if (demanded_.barrier && since && *since > *demanded_.barrier && settings_->old_pumps.empty())
    all.emplace_back("what was written between barrier and since is not covered by the barrier");
  if (settings_->timeout <= demanded_.stable_for)
    all.emplace_back("timeout is not longer than stable_for: nothing can hold that long");
  if (auto const fresh = now(); fresh && since && binlog::between(*fresh, *since) > milliseconds(60000))
    all.emplace_back("since lies in the future");
  return all;
}

}  // namespace wait_synced
