#include "http/client.hpp"

#include "certificates.hpp"
#include "result_text.hpp"
#include "server.hpp"

#include <openssl/ssl.h>

using core::errc;
using core::milliseconds;
using test::answering;
using test::certificate;
using test::connection;
using test::http_answer;
using test::make_certificate;
using test::server;

namespace {

struct authority {
  test::temp_dir dir;
  certificate ca = make_certificate(dir, "ca", nullptr, {.ca = true});
  certificate other_ca = make_certificate(dir, "other-ca", nullptr, {.ca = true});
  certificate good = make_certificate(dir, "server", &ca);
  certificate client = make_certificate(dir, "client", &ca);
  http::tls_files files() const { return {.ca = ca.cert_file}; }
};

struct tls_options {
  bool demand_client_certificate = false;
  int max_version = 0;
  bool farewell = true;
  std::string answer = http_answer("secret");
};

// One TLS answer per connection.
std::function<void(connection const&)> tls_server(certificate const& identity, certificate const& client_ca,
                                                  tls_options options = {}) {
  return [&identity, &client_ca, options](connection const& c) {
    auto* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_security_level(context, 0);
    if (options.max_version != 0) SSL_CTX_set_max_proto_version(context, options.max_version);
    SSL_CTX_use_certificate(context, identity.x509.get());
    SSL_CTX_use_PrivateKey(context, identity.key.get());
    if (options.demand_client_certificate) {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), client_ca.x509.get());
    }
    auto* ssl = SSL_new(context);
    SSL_set_fd(ssl, c.fd());
    if (SSL_accept(ssl) == 1) {
      char buffer[4096];
      if (SSL_read(ssl, buffer, sizeof buffer) > 0) {
        SSL_write(ssl, options.answer.data(), static_cast<int>(options.answer.size()));
        if (options.farewell) SSL_shutdown(ssl);
      }
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
  };
}

core::result<http::response> get(http::tls_files const& files, std::string const& url) {
  http::client client(files);
  return client.send({.url = url, .timeout = milliseconds(2000)});
}

void check_failure(core::result<http::response> const& answer, errc code, std::string const& cause,
                   std::string const& hint = "") {
  REQUIRE_FALSE(answer);
  CHECK(core::name(answer.error().code) == core::name(code));
  CHECK_THAT(answer.error().what, Catch::Contains(cause));
  CHECK_THAT(answer.error().hint, Catch::Contains(hint));
}

}  // namespace

TEST_CASE("a peer whose certificate names its address is trusted", "[http][tls]") {
  authority const a;
  auto const version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  server const peer(tls_server(a.good, a.ca, {.max_version = version}));
  auto const answer = get(a.files(), peer.url("/", "https"));
  REQUIRE(answer);
  CHECK(answer->body == "secret");
}

TEST_CASE("a peer that proves nothing is refused, and it is said why", "[http][tls]") {
  authority const a;
  struct row {
    std::string what;
    certificate identity;
    std::string cause;
  };
  std::vector<row> const rows = {
      {"unknown CA", make_certificate(a.dir, "stranger", &a.other_ca), "unknown CA"},
      {"self-signed", make_certificate(a.dir, "self", nullptr), "unknown CA"},
      {"expired", make_certificate(a.dir, "expired", &a.ca, {.from = -7200, .until = -3600}), "expired"},
      {"not yet valid", make_certificate(a.dir, "early", &a.ca, {.from = 3600, .until = 7200}), "not valid yet"},
      {"other address", make_certificate(a.dir, "wrong-ip", &a.ca, {.names = "IP:10.0.1.12,DNS:pump-b"}),
       "not for 127.0.0.1 (it names 10.0.1.12, pump-b)"},
      {"no names", make_certificate(a.dir, "127.0.0.1", &a.ca, {.names = ""}), "not for 127.0.0.1 (it names nobody)"},
      {"a DNS name that looks like the address", make_certificate(a.dir, "dns", &a.ca, {.names = "DNS:127.0.0.1"}),
       "not for 127.0.0.1"},
  };
  for (auto const& r : rows) {
    INFO(r.what);
    server const peer(tls_server(r.identity, a.ca));
    check_failure(get(a.files(), peer.url("/", "https")), errc::tls_failed, r.cause);
  }
}

TEST_CASE("a server name may be given instead of the address", "[http][tls]") {
  authority const a;
  auto const named = make_certificate(a.dir, "named", &a.ca, {.names = "DNS:pump-server"});
  server const peer(tls_server(named, a.ca));
  auto files = a.files();
  files.server_name = "pump-server";
  CHECK(get(files, peer.url("/", "https")));
  files.server_name = "drainer-server";
  check_failure(get(files, peer.url("/", "https")), errc::tls_failed, "not for drainer-server (it names pump-server)");
}

TEST_CASE("a host name is verified by its DNS name", "[http][tls]") {
  authority const a;
  auto const named = make_certificate(a.dir, "named", &a.ca, {.names = "DNS:pump-a.example"});
  server const peer(tls_server(named, a.ca));
  http::client client(a.files());
  client.use_lookup([](std::string const&) { return std::vector<std::string>{"127.0.0.1"}; });
  auto const port = std::to_string(peer.port());
  CHECK(client.send({.url = "https://pump-a.example:" + port + "/"}));
  check_failure(client.send({.url = "https://pump-b.example:" + port + "/"}), errc::tls_failed,
                "not for pump-b.example");
}

TEST_CASE("a client certificate is shown, and its refusal understood", "[http][tls]") {
  authority const a;
  auto const version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  server const peer(tls_server(a.good, a.ca, {.demand_client_certificate = true, .max_version = version}));
  auto files = a.files();
  check_failure(get(files, peer.url("/", "https")), errc::tls_failed, "demands a client certificate", "tls_cert");
  files.cert = a.client.cert_file;
  files.key = a.client.key_file;
  CHECK(get(files, peer.url("/", "https")));
  auto const stranger = make_certificate(a.dir, "stranger", &a.other_ca);
  files.cert = stranger.cert_file;
  files.key = stranger.key_file;
  check_failure(get(files, peer.url("/", "https")), errc::tls_failed, "refused the client certificate",
                "cert-allowed-cn");
}

TEST_CASE("a plaintext peer is told from a TLS failure", "[http][tls]") {
  authority const a;
  struct row {
    std::string what;
    std::function<void(connection const&)> serve;
    errc code;
    std::string cause;
  };
  auto const r = GENERATE(values<row>({
      {"Go's answer", answering("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400"),
       errc::tls_plaintext_peer, "plaintext"},
      {"SSH",
       [](connection const& c) {
         c.write("SSH-2.0-OpenSSH_9.2\r\n");
         c.wait(milliseconds(300));
       },
       errc::tls_plaintext_peer, "plaintext"},
      {"closes", [](connection const&) {}, errc::tls_failed, "closed the connection during the TLS handshake"},
      {"resets", [](connection const& c) { c.reset(); }, errc::network_failure, "cannot GET"},
  }));
  INFO(r.what);
  server const peer([&](connection const& c) {
    char buffer[4096];
    CHECK(::recv(c.fd(), buffer, sizeof buffer, 0) > 0);
    r.serve(c);
  });
  check_failure(get(a.files(), peer.url("/", "https")), r.code, r.cause);
}

TEST_CASE("a peer that never shakes hands runs into the deadline", "[http][tls]") {
  authority const a;
  server const peer([](connection const& c) { c.wait(milliseconds(3000)); });
  http::client client(a.files());
  auto const start = core::clock::now();
  auto const answer = client.send({.url = peer.url("/", "https"), .timeout = milliseconds(300)});
  check_failure(answer, errc::timed_out, "shaking hands");
  CHECK(core::since(start) < milliseconds(500));
}

TEST_CASE("TLS older than 1.2 is refused", "[http][tls]") {
  authority const a;
  server const peer(tls_server(a.good, a.ca, {.max_version = TLS1_1_VERSION}));
  check_failure(get(a.files(), peer.url("/", "https")), errc::tls_failed, "");
}

TEST_CASE("an end without TLS's farewell is no end of an answer", "[http][tls]") {
  authority const a;
  server const open_end(tls_server(a.good, a.ca, {.farewell = false, .answer = "HTTP/1.1 200 OK\r\n\r\nhalf"}));
  check_failure(get(a.files(), open_end.url("/", "https")), errc::bad_answer, "cut short");
  server const farewell(tls_server(a.good, a.ca, {.answer = "HTTP/1.1 200 OK\r\n\r\nwhole"}));
  CHECK(get(a.files(), farewell.url("/", "https")));
  // An announced length proves itself.
  server const announced(tls_server(a.good, a.ca, {.farewell = false}));
  CHECK(get(a.files(), announced.url("/", "https")));
}

TEST_CASE("plain HTTP to a TLS port says so", "[http][tls]") {
  authority const a;
  http::client client;
  server const openssl(tls_server(a.good, a.ca));
  check_failure(client.send({.url = openssl.url()}), errc::network_failure, "reset", "tls_ca");
  server const closes([](connection const& c) { c.read_request(); });
  check_failure(client.send({.url = closes.url()}), errc::network_failure, "without an answer", "tls_ca");
  server const alert(answering(std::string("\x15\x03\x01\x00\x02\x02\x0a", 7)));
  check_failure(client.send({.url = alert.url()}), errc::bad_answer, "speaks TLS", "https");
  server const go(answering("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"));
  check_failure(client.send({.url = go.url()}), errc::bad_answer, "speaks TLS", "https");
}

TEST_CASE("with TLS files only https is spoken", "[http][tls]") {
  authority const a;
  server const peer(answering(http_answer("plain")));
  check_failure(get(a.files(), peer.url()), errc::usage, "only https");
  CHECK(peer.connections() == 0);
}

TEST_CASE("TLS files are judged before any connection", "[http][tls]") {
  authority const a;
  auto const expired_ca = make_certificate(a.dir, "old-ca", nullptr, {.from = -7200, .until = -3600, .ca = true});
  auto const expired = make_certificate(a.dir, "expired", &a.ca, {.from = -7200, .until = -3600});
  auto const text = a.dir.file("text.pem", "no certificate");
  auto const broken = a.dir.file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  auto const locked = a.dir.file("locked.pem");
  auto* out = std::fopen(locked.c_str(), "w");
  char password[] = "secret";
  PEM_write_PKCS8PrivateKey(out, a.client.key.get(), EVP_aes_128_cbc(), password, 6, nullptr, nullptr);
  std::fclose(out);
  auto const& ca = a.ca.cert_file;
  auto const& cert = a.client.cert_file;
  auto const& key = a.client.key_file;
  struct row {
    http::tls_files files;
    errc code;
    std::string cause;
  };
  std::vector<row> const rows = {
      {{}, errc::usage, "no CA"},
      {{.ca = ca, .cert = cert}, errc::usage, "go together"},
      {{.ca = ca, .key = key}, errc::usage, "go together"},
      {{.ca = "/nowhere/ca.pem"}, errc::tls_failed, "No such file"},
      {{.ca = "/"}, errc::tls_failed, "CA certificate /"},
      {{.ca = text}, errc::tls_failed, "no PEM certificate"},
      {{.ca = broken}, errc::tls_failed, "no PEM certificate"},
      {{.ca = expired_ca.cert_file}, errc::tls_failed, "expired"},
      {{.ca = ca, .cert = expired.cert_file, .key = expired.key_file}, errc::tls_failed, "expired"},
      {{.ca = ca, .cert = cert, .key = "/nowhere/key.pem"}, errc::tls_failed, "No such file"},
      {{.ca = ca, .cert = cert, .key = text}, errc::tls_failed, "no PEM private key"},
      {{.ca = ca, .cert = cert, .key = locked}, errc::tls_failed, "no PEM private key without password"},
      {{.ca = ca, .cert = cert, .key = a.good.key_file}, errc::tls_failed, "not the key of certificate"},
  };
  for (auto const& r : rows) {
    INFO(r.cause);
    auto const checked = http::check_tls_files(r.files);
    REQUIRE_FALSE(checked);
    CHECK(core::name(checked.error().code) == core::name(r.code));
    CHECK_THAT(checked.error().what, Catch::Contains(r.cause));
    // The client says the same.
    check_failure(get(r.files, "https://127.0.0.1:1/"), r.code, r.cause);
    CHECK(http::check_tls_files({.ca = ca, .cert = cert, .key = key}));
  }
}
