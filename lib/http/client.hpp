// Small HTTP(S) requests with hard bounds. The only user of Beast, Asio and OpenSSL's TLS.
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace http {

struct tls_files {
  std::string ca;    // PEM; demanding TLS means giving it
  std::string cert;  // client certificate and key, both or none
  std::string key;
  std::string server_name;  // expected name instead of the host of the URL
};

struct request {
  std::string method = "GET";
  std::string url;  // http://host:port/path or https://...; IPv6 in brackets
  std::string body = {};
  std::string content_type = {};
  core::milliseconds timeout{10000};  // connect, handshake, send and the whole answer
  std::size_t max_body = 8U << 20U;   // more is errc::bad_answer
};

struct response {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

// Addresses of a host name, numeric. May block: it runs on a thread of its own.
using lookup_function = std::function<core::result<std::vector<std::string>>(std::string const& host)>;

// One thread, many requests at a time. Each request opens its own connection, follows no redirect, uses no proxy.
// Errors: errc::network_failure, timed_out, bad_answer (not HTTP, body too large, cut short), tls_failed (says which:
// unknown CA, expired, wrong name, client certificate refused), tls_plaintext_peer (https asked, plaintext answered).
class client {
 public:
  client();                                 // plain http; https URLs are errc::usage
  explicit client(tls_files const& files);  // https; http URLs are errc::usage
  ~client();
  client(client&&) noexcept;
  client& operator=(client&&) noexcept;

  core::result<response> send(request const& request);
  // All at once; answers in the order of the requests. Every timeout counts from this call on. As many connections at
  // a time as the process may have descriptors.
  std::vector<core::result<response>> send_all(std::vector<request> const& requests);

  // Without waiting: `done` is called by run_until, once. At most `at_once` connections at a time; later requests wait
  // for their turn, and their timeout counts from it. send and send_all don't go with requests under way.
  void start(request const& request, std::function<void(core::result<response>)> done);
  void limit(std::size_t at_once);
  // Works on what was started until a request has ended, or until `when`; false when nothing is left to work on.
  bool run_until(core::clock::time_point when);

  // From any thread: ends what is under way, and every later request, at once with errc::timed_out.
  void cancel();
  // Instead of the system's files and DNS, for tests.
  void use_lookup(lookup_function lookup);

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

// Reads the files and tells what is wrong with them before any connection: missing, not PEM, key of another
// certificate, expired. errc::tls_failed.
core::result<void> check_tls_files(tls_files const& files);
// What a tool's options tls_ca, tls_cert, tls_key and tls_server_name come to: nothing where none is given, errc::usage
// where one is missing, else as check_tls_files.
core::result<std::optional<tls_files>> wanted_tls(tls_files const& given);

}  // namespace http
