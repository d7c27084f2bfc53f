#include "http/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <nss.h>
#include <sys/socket.h>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace http {

using addresses = core::result<std::vector<std::string>>;

core::result<std::vector<std::string>> look_up(std::string const& host) {
  // In a fully static binary other NSS modules of the host crash the process (facts/ansible.md 4).
  static std::once_flag once;
  std::call_once(once, [] { __nss_configure_lookup("hosts", "files dns"); });

  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int const e = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found); e != 0)
    return core::error{core::errc::network_failure, "cannot resolve " + host + ": " + ::gai_strerror(e)};
  std::vector<std::string> numeric;
  for (auto const* a = found; a != nullptr; a = a->ai_next) {
    char text[INET6_ADDRSTRLEN];
    void const* address = nullptr;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (a->ai_family == AF_INET) {
      std::memcpy(&v4, a->ai_addr, sizeof v4);
      address = &v4.sin_addr;
    } else if (a->ai_family == AF_INET6) {
      std::memcpy(&v6, a->ai_addr, sizeof v6);
      address = &v6.sin6_addr;
    }
    if (address != nullptr && ::inet_ntop(a->ai_family, address, text, sizeof text) != nullptr)
      numeric.emplace_back(text);
  }
  ::freeaddrinfo(found);
  return numeric;
}

struct resolver::state {
  using waiter = std::function<void(addresses const&)>;
  static constexpr std::size_t max_threads = 8;

  std::mutex mutex;
  lookup_function lookup;
  std::deque<std::string> queue;
  std::map<std::string, std::vector<waiter>> waiters;  // one question per name, however many ask
  std::size_t threads = 0;

  // A thread's life: questions until there are none.
  static void work(std::shared_ptr<state> const& self) {
    std::unique_lock lock(self->mutex);
    while (!self->queue.empty()) {
      auto const host = std::move(self->queue.front());
      self->queue.pop_front();
      auto const lookup_now = self->lookup;
      lock.unlock();
      auto const answer = lookup_now(host);
      lock.lock();
      // Under the lock, so that ~resolver knows nobody is called any more.
      auto const waiting = self->waiters.extract(host);
      if (waiting.empty()) continue;
      for (auto const& answered : waiting.mapped()) answered(answer);
    }
    --self->threads;
  }
};

resolver::resolver(lookup_function lookup) : state_(std::make_shared<state>()) { state_->lookup = std::move(lookup); }

resolver::~resolver() {
  std::lock_guard const lock(state_->mutex);
  state_->queue.clear();
  state_->waiters.clear();
}

void resolver::ask(std::string const& host, std::function<void(addresses const&)> answered) {
  std::lock_guard const lock(state_->mutex);
  auto& waiting = state_->waiters[host];
  waiting.push_back(std::move(answered));
  if (waiting.size() > 1) return;
  state_->queue.push_back(host);
  if (state_->threads >= state::max_threads) return;
  // The process's signals belong to the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread(state::work, state_).detach();
    ++state_->threads;
  } catch (std::system_error const&) {
    // No thread to be had: those that run take the question, or its deadline ends it.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace http
