#include "http/client.hpp"

#include "http/exchange.hpp"

#include <sys/resource.h>
#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <list>

namespace http {
namespace {

// Descriptors left for everybody else in the process.
constexpr rlim_t spare_descriptors = 64;

std::size_t max_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 4096;
  return std::clamp<std::size_t>(limit.rlim_cur > spare_descriptors ? limit.rlim_cur - spare_descriptors : 0, 8, 4096);
}

bool is_token(std::string_view method) {
  return !method.empty() && method.size() < 20 &&
         std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_header_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

class client::impl {
 public:
  impl() = default;
  explicit impl(tls_files files) : files_(std::move(files)) {}

  std::vector<core::result<response>> send_all(std::vector<request> const& requests);

  void start(request const& request, std::function<void(core::result<response>)> done);
  void limit(std::size_t at_once) { at_once_ = std::min(at_once, max_connections()); }
  bool run_until(core::clock::time_point when);

  void cancel() {
    cancelled_ = true;
    asio::post(io_, [this] { end_all(); });
  }

  void use_lookup(lookup_function lookup) { resolver_ = std::make_unique<resolver>(std::move(lookup)); }

 private:
  core::result<SSL_CTX*> context();
  core::result<url> check(request const& request) const;
  void end_all();
  void begin_waiting();
  void begin_started();
  void expire_due();

  asio::io_context io_{1};
  std::optional<tls_files> files_;
  tls::context context_;
  std::unique_ptr<resolver> resolver_ = std::make_unique<resolver>(look_up);
  std::atomic<bool> cancelled_ = false;
  std::vector<std::shared_ptr<exchange>> exchanges_;  // of the call under way
  std::size_t next_ = 0;                              // the first of them that waits for its turn
  std::size_t open_ = 0;                              // connections
  std::size_t max_open_ = 0;

  struct started {
    http::request request;
    std::function<void(core::result<response>)> done;
  };
  std::deque<started> waiting_;
  std::list<std::shared_ptr<exchange>> running_;
  core::clock::time_point next_due_ = core::clock::time_point::max();  // no request of them is due before
  std::size_t at_once_ = max_connections();
  std::size_t ended_ = 0;
};

// Made once: files that are wrong now may be right at the next call.
core::result<SSL_CTX*> client::impl::context() {
  if (!files_) return nullptr;
  if (!context_) {
    TRY_ASSIGN(context_, tls::make_context(*files_));
  }
  return context_.get();
}

core::result<url> client::impl::check(request const& request) const {
  TRY_ASSIGN(auto target, parse_url(request.url));
  auto const cannot = "cannot " + (is_token(request.method) ? request.method : "send to") + " " + request.url + ": ";
  if (!is_token(request.method)) return core::error{core::errc::usage, cannot + "the method is not a word"};
  if (!is_header_text(request.content_type))
    return core::error{core::errc::usage, cannot + "the content type is not printable"};
  if (target.tls && !files_)
    return core::error{core::errc::usage, cannot + "TLS needs a CA certificate", "give tls_ca, or write http://"};
  if (!target.tls && files_)
    return core::error{core::errc::usage, cannot + "TLS files are given, so only https is spoken",
                       "write https://, or leave tls_ca out"};
  return target;
}

void client::impl::end_all() {
  for (auto const& exchange : exchanges_)
    if (exchange) exchange->finish(exchange->failure(core::errc::timed_out, "cancelled"));
  for (auto const& exchange : std::exchange(running_, {}))
    exchange->finish(exchange->failure(core::errc::timed_out, "cancelled"));
}

void client::impl::start(request const& request, std::function<void(core::result<response>)> done) {
  waiting_.push_back({request, std::move(done)});
}

void client::impl::begin_started() {
  while (!waiting_.empty() && running_.size() < at_once_) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    auto target = check(next.request);
    auto const tls = context();
    if (!target || !tls) {
      ++ended_;
      next.done(target ? tls.error() : target.error());
      continue;
    }
    auto const place = running_.emplace(running_.end());
    *place = std::make_shared<exchange>(io_, *tls, files_ ? files_->server_name : std::string(), next.request,
                                        std::move(*target),
                                        [this, place, done = std::move(next.done)](core::result<response> outcome) {
                                          if (!running_.empty()) running_.erase(place);
                                          ++ended_;
                                          done(std::move(outcome));
                                        });
    next_due_ = std::min(next_due_, (*place)->deadline().when());
    auto const one = *place;  // it may end, and leave the list, while it begins
    one->begin(*resolver_);
    if (cancelled_) one->finish(one->failure(core::errc::timed_out, "cancelled"));
  }
}

void client::impl::expire_due() {
  auto const now = core::clock::now();
  if (now < next_due_) return;
  next_due_ = core::clock::time_point::max();
  std::vector<std::shared_ptr<exchange>> due;
  for (auto const& exchange : running_) {
    auto const when = exchange->deadline().when();
    if (when <= now) due.push_back(exchange);
    if (when > now) next_due_ = std::min(next_due_, when);
  }
  for (auto const& exchange : due) exchange->expire();
}

bool client::impl::run_until(core::clock::time_point when) {
  auto const work = asio::make_work_guard(io_);
  io_.restart();
  auto const ended_before = ended_;
  for (;;) {
    begin_started();
    expire_due();
    if (running_.empty() && waiting_.empty()) io_.poll();  // the completions of closed connections
    if (ended_ != ended_before) return true;
    if (running_.empty() && waiting_.empty()) return false;
    if (core::clock::now() >= when) return true;
    io_.run_one_until(std::min(when, next_due_));
  }
}

void client::impl::begin_waiting() {
  while (next_ < exchanges_.size() && open_ < max_open_) {
    auto const& exchange = exchanges_[next_++];
    if (!exchange || exchange->finished()) continue;
    ++open_;
    exchange->begin(*resolver_);
  }
}

std::vector<core::result<response>> client::impl::send_all(std::vector<request> const& requests) {
  std::vector<core::result<response>> answers;
  answers.reserve(requests.size());
  auto const tls = context();
  std::size_t left = 0;
  io_.restart();
  for (auto const& request : requests) {
    auto target = check(request);
    auto const at = answers.size();
    answers.emplace_back(target ? (tls ? core::error{} : tls.error()) : target.error());
    exchanges_.emplace_back();
    if (!target || !tls) continue;
    ++left;
    exchanges_.back() = std::make_shared<exchange>(io_, *tls, files_ ? files_->server_name : std::string(), request,
                                                   std::move(*target), [&, at](core::result<response> outcome) {
                                                     answers[at] = std::move(outcome);
                                                     --left;
                                                     if (at < next_) --open_;
                                                   });
  }
  next_ = 0;
  open_ = 0;
  max_open_ = max_connections();
  if (cancelled_) end_all();
  auto by_deadline = exchanges_;
  std::erase(by_deadline, nullptr);
  std::sort(by_deadline.begin(), by_deadline.end(),
            [](auto const& a, auto const& b) { return a->deadline().when() < b->deadline().when(); });
  auto next_due = by_deadline.begin();
  auto const work = asio::make_work_guard(io_);  // a lookup on its own thread is none that Asio knows of
  // Looked at after every step: timers of Asio's would wait behind all handlers that are ready, and a thousand TLS
  // handshakes are a second of work.
  while (left > 0) {
    begin_waiting();
    while (next_due != by_deadline.end() && ((*next_due)->finished() || (*next_due)->deadline().passed()))
      (*next_due++)->expire();
    if (left > 0) io_.run_one_until((*next_due)->deadline().when());
  }
  exchanges_.clear();
  io_.restart();
  io_.poll();  // the completions of closed connections
  return answers;
}

client::client() : impl_(std::make_unique<impl>()) {}
client::client(tls_files const& files) : impl_(std::make_unique<impl>(files)) {}
client::~client() = default;
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;

core::result<response> client::send(request const& request) { return std::move(impl_->send_all({request}).front()); }

std::vector<core::result<response>> client::send_all(std::vector<request> const& requests) {
  return impl_->send_all(requests);
}

void client::start(request const& request, std::function<void(core::result<response>)> done) {
  impl_->start(request, std::move(done));
}
void client::limit(std::size_t at_once) { impl_->limit(at_once); }
bool client::run_until(core::clock::time_point when) { return impl_->run_until(when); }

void client::cancel() { impl_->cancel(); }

void client::use_lookup(lookup_function lookup) { impl_->use_lookup(std::move(lookup)); }

}  // namespace http
