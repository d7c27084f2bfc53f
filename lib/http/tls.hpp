// What OpenSSL needs and what its failures mean, in words.
#pragma once

#include "http/client.hpp"

#include <openssl/ssl.h>
#include <memory>
#include <string>
#include <string_view>

namespace http::tls {

struct free_context {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using context = std::unique_ptr<SSL_CTX, free_context>;

// Verifies peers against files.ca only, TLS 1.2 or later. errc::usage without a CA, else as check_tls_files.
core::result<context> make_context(tls_files const& files);

// What is seen of one connection.
struct session {
  std::string host;  // what the certificate must name: address or DNS name
  bool has_client_cert = false;
  std::string certificate_names = {};  // whom the peer's certificate is for, noted when that is not host
  bool plaintext_peer = false;         // the first bytes received are no TLS record
};

// Sets SNI and the name to verify; `seen` must outlive `ssl`. False when OpenSSL refuses the name.
bool prepare(SSL* ssl, session& seen);

// Cause and hint of a failed handshake, read or write. `openssl_error` is OpenSSL's code or 0, `cause` what to say when
// TLS has nothing better.
core::error explain(SSL* ssl, session const& seen, unsigned long openssl_error, std::string const& cause);

}  // namespace http::tls
