#include "http/exchange.hpp"

#include <sys/socket.h>
#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

namespace http {
namespace {

bool from_tls(boost::system::error_code ec) { return ec.category() == asio::error::get_ssl_category(); }

// The peer closed: properly, without TLS's farewell, or by reset.
bool is_end(boost::system::error_code ec) { return ec == asio::error::eof || ec == asio::ssl::error::stream_truncated; }

// A TLS server that reads plain HTTP often just hangs up (Go's behind cmux, as a Pump's).
constexpr char const* maybe_tls = "if TLS is enabled there, give tls_ca, tls_cert and tls_key";

std::string head_and_body(request const& request, url const& target) {
  auto text = request.method + " " + target.target + " HTTP/1.1\r\nHost: " + target.authority +
              "\r\nUser-Agent: tidb-binlog-upgrade\r\nAccept: */*\r\nConnection: close\r\n";
  if (!request.content_type.empty()) text += "Content-Type: " + request.content_type + "\r\n";
  if (!request.body.empty() || request.method != "GET")
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

}  // namespace

exchange::exchange(asio::io_context& io, SSL_CTX* tls, std::string const& expected_name, request const& request,
                   url target, std::function<void(outcome)> done)
    : io_(io),
      context_(tls),
      method_(request.method),
      shown_url_(request.url),
      url_(std::move(target)),
      message_(head_and_body(request, url_)),
      timeout_(request.timeout),
      deadline_(core::deadline::after(request.timeout)),
      attempt_(io),
      socket_(io),
      answer_(request.max_body),
      done_(std::move(done)) {
  session_.host = expected_name.empty() ? url_.host : expected_name;
  session_.has_client_cert = tls != nullptr && SSL_CTX_get0_certificate(tls) != nullptr;
}

// Completions of an exchange that is over change nothing.
template <class Handler>
auto exchange::guarded(Handler handler) {
  return [self = shared_from_this(), handler](auto const&... arguments) {
    if (!self->finished()) handler(arguments...);
  };
}

core::error exchange::failure(core::errc code, std::string const& cause, std::string hint) const {
  return {code, "cannot " + method_ + " " + shown_url_ + ": " + cause, std::move(hint)};
}

void exchange::finish(outcome with) {
  if (finished()) return;
  auto const done = std::exchange(done_, nullptr);
  error_code ignored;
  attempt_.cancel(ignored);
  socket_.close(ignored);
  done(std::move(with));
}

void exchange::refuse(core::error const& cause) { finish(failure(cause.code, cause.what, cause.hint)); }

void exchange::fail(error_code ec) {
  auto const code = ec == asio::error::no_descriptors || ec == asio::error::no_memory ? core::errc::system_failure
                                                                                      : core::errc::network_failure;
  auto const hung_up = ec == asio::error::connection_reset || ec == asio::error::broken_pipe;
  finish(failure(code, ec.message() + " while " + phase_, hung_up && context_ == nullptr ? maybe_tls : ""));
}

void exchange::expire() {
  finish(failure(core::errc::timed_out, "no whole answer within " + std::to_string(timeout_.count()) + " ms (" +
                                            phase_ + " when time was up)"));
}

void exchange::begin(resolver& resolver) {
  error_code no_literal;
  if (auto const address = asio::ip::make_address(url_.host, no_literal); !no_literal) {
    addresses_ = {address};
    return connect_next();
  }
  phase_ = "looking up the host's name";
  resolver.ask(url_.host, [self = shared_from_this()](core::result<std::vector<std::string>> const& found) {
    asio::post(self->io_, [self, found] {
      if (self->finished()) return;
      if (!found) return self->finish(self->failure(found.error().code, found.error().what, found.error().hint));
      for (auto const& text : *found) {
        error_code ec;
        if (auto const address = asio::ip::make_address(text, ec); !ec) self->addresses_.push_back(address);
      }
      std::reverse(self->addresses_.begin(), self->addresses_.end());
      if (self->addresses_.empty())
        return self->finish(self->failure(core::errc::network_failure, "the host's name has no address"));
      self->connect_next();
    });
  });
}

void exchange::connect_next() {
  phase_ = "connecting";
  asio::ip::tcp::endpoint const peer(addresses_.back(), url_.port);
  addresses_.pop_back();
  error_code ec;
  socket_.close(ec);
  // Opened here because Asio would not say CLOEXEC, and the tools start programs.
  auto const protocol = peer.protocol();
  int const fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(error_code(errno, boost::system::system_category()));
  socket_.assign(protocol, fd, ec);
  if (ec) return fail(ec);
  if (!addresses_.empty()) {
    // One silent address leaves time for the others.
    attempt_.expires_after(deadline_.left() / static_cast<int>(addresses_.size() + 1));
    attempt_.async_wait(guarded([this](error_code e) {
      error_code ignored;
      if (!e) socket_.cancel(ignored);
    }));
  }
  socket_.async_connect(peer, guarded([this](error_code e) {
                          error_code ignored;
                          attempt_.cancel(ignored);
                          if (e && !addresses_.empty()) return connect_next();
                          if (e) return fail(e);
                          connected();
                        }));
}

void exchange::connected() {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (context_ == nullptr) return send();
  handshake();
}

void exchange::handshake() {
  phase_ = "shaking hands for TLS";
  auto* const ssl = SSL_new(context_);
  if (ssl == nullptr) return finish(failure(core::errc::system_failure, "OpenSSL is out of memory"));
  tls_.emplace(socket_, ssl);  // owns it
  if (!tls::prepare(ssl, session_))
    return finish(failure(core::errc::usage, "OpenSSL takes no name like " + session_.host));
  tls_->async_handshake(
      asio::ssl::stream_base::client, guarded([this](error_code ec) {
        if (!ec) return send();
        if (from_tls(ec) || session_.plaintext_peer)
          return refuse(
              tls::explain(tls_->native_handle(), session_, static_cast<unsigned long>(ec.value()), ec.message()));
        if (is_end(ec))
          return refuse({core::errc::tls_failed, "the peer closed the connection during the TLS handshake",
                         "it may speak plaintext, or log why it refuses"});
        fail(ec);
      }));
}

void exchange::send() {
  phase_ = "sending the request";
  auto const handler = guarded([this](error_code ec, std::size_t) { sent(ec); });
  if (tls_)
    asio::async_write(*tls_, asio::buffer(message_), handler);
  else
    asio::async_write(socket_, asio::buffer(message_), handler);
}

void exchange::sent(error_code ec) {
  // A peer that refuses may answer and close before it has read all: its reason lies in the receive buffer.
  send_failure_ = ec;
  receive();
}

void exchange::receive() {
  phase_ = "waiting for the answer";
  auto const handler = guarded([this](error_code ec, std::size_t size) { received(ec, size); });
  if (tls_)
    tls_->async_read_some(asio::buffer(buffer_), handler);
  else
    socket_.async_read_some(asio::buffer(buffer_), handler);
}

void exchange::received(error_code ec, std::size_t size) {
  if (from_tls(ec))
    return refuse(tls::explain(tls_->native_handle(), session_, static_cast<unsigned long>(ec.value()), ec.message()));
  if (ec && !is_end(ec)) return fail(send_failure_ ? send_failure_ : ec);
  if (ec == asio::ssl::error::stream_truncated) return send_failure_ ? fail(send_failure_) : refuse(answer_.cut());
  auto const whole = ec ? answer_.end() : answer_.feed({buffer_.data(), size});
  if (!whole && send_failure_) return fail(send_failure_);
  if (!whole) {
    auto cause = whole.error();
    if (cause.code == core::errc::network_failure && context_ == nullptr) cause.hint = maybe_tls;
    return refuse(cause);
  }
  if (!*whole) return receive();
  auto response = answer_.take();
  // Go's answer to plain HTTP on a TLS port (net/http/server.go).
  if (context_ == nullptr && response.status == 400 &&
      response.body.find("HTTP request to an HTTPS server") != std::string::npos)
    return refuse({core::errc::bad_answer, "the peer speaks TLS, not plain HTTP",
                   "use https: give tls_ca, tls_cert and tls_key"});
  finish(std::move(response));
}

}  // namespace http
