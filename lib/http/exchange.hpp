// One request on one connection, from the name's lookup to the whole answer. Only client.cpp and exchange.cpp see Asio.
#pragma once

#include "http/answer.hpp"
#include "http/resolver.hpp"
#include "http/tls.hpp"
#include "http/url.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace http {

namespace asio = boost::asio;

class exchange : public std::enable_shared_from_this<exchange> {
 public:
  using outcome = core::result<response>;

  // The deadline runs from here on; who runs `io` watches it. `done` is called once, on that thread. `tls` is null for
  // plain HTTP.
  exchange(asio::io_context& io, SSL_CTX* tls, std::string const& expected_name, request const& request, url target,
           std::function<void(outcome)> done);

  void begin(resolver& resolver);  // name, connection, request, answer
  void expire();                   // the deadline has passed
  void finish(outcome with);       // only the first call counts
  [[nodiscard]] bool finished() const { return !done_; }
  [[nodiscard]] core::deadline deadline() const { return deadline_; }
  // "cannot GET http://...: CAUSE".
  [[nodiscard]] core::error failure(core::errc code, std::string const& cause, std::string hint = {}) const;

 private:
  using error_code = boost::system::error_code;

  void connect_next();
  void connected();
  void handshake();
  void send();
  void receive();
  void received(error_code ec, std::size_t size);
  void sent(error_code ec);
  void refuse(core::error const& cause);
  void fail(error_code ec);
  template <class Handler>
  auto guarded(Handler handler);

  asio::io_context& io_;
  SSL_CTX* context_;
  std::string method_;
  std::string shown_url_;
  url url_;
  std::string message_;
  core::milliseconds timeout_;
  core::deadline deadline_;
  asio::steady_timer attempt_;  // at one address of several
  asio::ip::tcp::socket socket_;
  tls::session session_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  std::vector<asio::ip::address> addresses_;  // still to be tried, last first
  error_code send_failure_;
  std::array<char, 8192> buffer_;
  answer answer_;
  char const* phase_ = "waiting for its turn";
  std::function<void(outcome)> done_;
};

}  // namespace http
