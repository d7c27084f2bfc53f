// A server that does to its clients whatever a test says, on plain sockets and threads.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace test {

// Listens on 127.0.0.1 (or ::1); port 0 takes a free one.
inline int listen_on(unsigned short port = 0, int family = AF_INET) {
  int const fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int const on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  auto const bound = family == AF_INET ? ::bind(fd, reinterpret_cast<sockaddr*>(&v4), sizeof v4)
                                       : ::bind(fd, reinterpret_cast<sockaddr*>(&v6), sizeof v6);
  if (fd < 0 || bound != 0 || ::listen(fd, 4096) != 0) throw std::runtime_error("the test can't listen");
  return fd;
}

inline unsigned short port_of(int fd) {
  sockaddr_in6 address{};  // the port lies at the same place for IPv4
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port);
}

// A port nobody listens on.
inline unsigned short free_port() {
  int const fd = listen_on();
  auto const port = port_of(fd);
  ::close(fd);
  return port;
}

class connection {
 public:
  connection(int fd, std::atomic<bool> const& running) : fd_(fd), running_(&running) {}

  int fd() const { return fd_; }
  bool running() const { return *running_; }

  // False when the client has gone.
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      auto const n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Up to the end of header and announced body.
  std::string read_request() const {
    std::string text;
    char buffer[4096];
    for (;;) {
      if (auto const end = text.find("\r\n\r\n"); end != std::string::npos) {
        auto const length = text.find("Content-Length: ");
        auto const body = length == std::string::npos ? 0UL : std::stoul(text.substr(length + 16));
        if (text.size() >= end + 4 + body) return text;
      }
      auto const n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(n));
    }
  }
  // Sleeps while the server lives and the client has not hung up.
  bool wait(std::chrono::milliseconds time) const {
    auto const end = std::chrono::steady_clock::now() + time;
    while (running() && std::chrono::steady_clock::now() < end) {
      pollfd gone{fd_, POLLRDHUP, 0};
      if (::poll(&gone, 1, 5) > 0 && (gone.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) return false;
    }
    return running();
  }
  void reset() const {
    linger const abort{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }

 private:
  int fd_;
  std::atomic<bool> const* running_;
};

class server {
 public:
  explicit server(std::function<void(connection const&)> serve, int family = AF_INET)
      : serve_(std::move(serve)), family_(family), listener_(listen_on(0, family)), port_(port_of(listener_)) {
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~server() {
    running_ = false;
    accepting_.join();
    ::close(listener_);
    for (auto& one : serving_) one.join();
  }
  server(server const&) = delete;
  server& operator=(server const&) = delete;

  unsigned short port() const { return port_; }
  std::string host() const { return (family_ == AF_INET ? "127.0.0.1:" : "[::1]:") + std::to_string(port_); }
  std::string url(std::string const& path = "/", std::string const& scheme = "http") const {
    return scheme + "://" + host() + path;
  }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    // The server's own broken pipes (TLS writes without MSG_NOSIGNAL) are not the client's.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    while (running_) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      // A handler blocked in recv or send must see the server's end.
      timeval const slice{0, 500000};
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice);
      serving_.emplace_back([this, fd] {
        serve_(connection(fd, running_));
        ::close(fd);
      });
    }
  }

  std::function<void(connection const&)> serve_;
  int family_;
  int listener_;
  unsigned short port_;
  std::atomic<bool> running_ = true;
  std::atomic<int> connections_ = 0;
  std::list<std::thread> serving_;
  std::thread accepting_;
};

// Reads the request, then writes these bytes and closes.
inline std::function<void(connection const&)> answering(std::string bytes) {
  return [bytes = std::move(bytes)](connection const& c) {
    c.read_request();
    c.write(bytes);
  };
}

inline std::string http_answer(std::string const& body, std::string const& status = "200 OK",
                               std::string const& type = "application/json") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace test
