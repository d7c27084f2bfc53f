// The PEM files of TLS, read and judged before any connection.
#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <cstdio>
#include <vector>

namespace http {
namespace {

struct deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

core::error refuse(std::string const& what, std::string const& path, std::string const& cause, std::string hint = {}) {
  ERR_clear_error();
  return {core::errc::tls_failed, "cannot use " + what + " " + path + ": " + cause, std::move(hint)};
}

std::string reason() {
  auto const* text = ERR_reason_error_string(ERR_peek_last_error());
  return text != nullptr ? text : "unreadable";
}

// Instead of OpenSSL's own, which would ask at the terminal.
int no_password(char*, int, int, void*) { return -1; }

core::result<std::vector<owned<X509>>> read_certificates(std::string const& what, std::string const& path) {
  errno = 0;
  owned<BIO> const file(BIO_new_file(path.c_str(), "r"));
  if (!file) return refuse(what, path, core::system_error("open it", errno).what);
  std::vector<owned<X509>> certificates;
  while (auto* certificate = PEM_read_bio_X509(file.get(), nullptr, no_password, nullptr))
    certificates.emplace_back(certificate);
  if (certificates.empty()) return refuse(what, path, "it holds no PEM certificate (" + reason() + ")");
  ERR_clear_error();
  return certificates;
}

bool outdated(X509 const* certificate) { return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0; }
bool premature(X509 const* certificate) { return X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0; }

core::result<void> check_client_certificate(tls_files const& files) {
  TRY_ASSIGN(auto const chain, read_certificates("client certificate", files.cert));
  if (outdated(chain.front().get())) return refuse("client certificate", files.cert, "it has expired", "renew it");
  if (premature(chain.front().get()))
    return refuse("client certificate", files.cert, "it is not valid yet", "check this host's clock");
  errno = 0;
  owned<BIO> const file(BIO_new_file(files.key.c_str(), "r"));
  if (!file) return refuse("client key", files.key, core::system_error("open it", errno).what);
  owned<EVP_PKEY> const key(PEM_read_bio_PrivateKey(file.get(), nullptr, no_password, nullptr));
  if (!key) return refuse("client key", files.key, "it holds no PEM private key without password (" + reason() + ")");
  if (X509_check_private_key(chain.front().get(), key.get()) != 1)
    return refuse("client key", files.key, "it is not the key of certificate " + files.cert,
                  "give the key that belongs to the certificate");
  return {};
}

}  // namespace

core::result<void> check_tls_files(tls_files const& files) {
  // The host's openssl.cnf may load providers, which a static binary can't.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  if (files.ca.empty())
    return core::error{core::errc::usage, "cannot use TLS: no CA certificate is given", "give tls_ca"};
  if (files.cert.empty() != files.key.empty())
    return core::error{core::errc::usage, "cannot use TLS: client certificate and key go together",
                       "give both tls_cert and tls_key, or none of them"};
  TRY_ASSIGN(auto const authorities, read_certificates("CA certificate", files.ca));
  bool any_valid = false;
  for (auto const& authority : authorities)
    any_valid = any_valid || (!outdated(authority.get()) && !premature(authority.get()));
  if (!any_valid)
    return refuse("CA certificate", files.ca,
                  outdated(authorities.front().get()) ? "it has expired" : "it is not valid yet",
                  "renew it, or check this host's clock");
  if (files.cert.empty()) return {};
  return check_client_certificate(files);
}

core::result<std::optional<tls_files>> wanted_tls(tls_files const& given) {
  if (given.ca.empty() && (!given.cert.empty() || !given.key.empty() || !given.server_name.empty()))
    return core::error{core::errc::usage, "cannot use tls_cert, tls_key or tls_server_name: tls_ca is not given",
                       "give tls_ca"};
  if (given.cert.empty() != given.key.empty())
    return core::error{core::errc::usage, "cannot use tls_cert without tls_key, or the reverse", "give both or none"};
  if (given.ca.empty()) return std::optional<tls_files>();
  TRY(check_tls_files(given));
  return std::optional(given);
}

core::result<tls::context> tls::make_context(tls_files const& files) {
  TRY(check_tls_files(files));
  context made(SSL_CTX_new(TLS_client_method()));
  if (!made) return core::error{core::errc::tls_failed, "cannot set up TLS: " + reason()};
  SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS);  // 30 KiB less per waiting connection
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_passwd_cb(made.get(), no_password);
  ERR_clear_error();
  if (SSL_CTX_load_verify_locations(made.get(), files.ca.c_str(), nullptr) != 1)
    return refuse("CA certificate", files.ca, reason());
  if (!files.cert.empty() && SSL_CTX_use_certificate_chain_file(made.get(), files.cert.c_str()) != 1)
    return refuse("client certificate", files.cert, reason());
  if (!files.key.empty() && SSL_CTX_use_PrivateKey_file(made.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return refuse("client key", files.key, reason());
  return made;
}

}  // namespace http
