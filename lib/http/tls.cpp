#include "http/tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace http::tls {
namespace {

bool is_address(std::string const& host) {
  unsigned char binary[16];
  return ::inet_pton(AF_INET, host.c_str(), binary) == 1 || ::inet_pton(AF_INET6, host.c_str(), binary) == 1;
}

// Not OpenSSL's app data: Asio keeps its own there.
int session_index() {
  static int const index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Called with each record's five header bytes before OpenSSL judges them.
void look_at_record(int sent, int, int type, void const* bytes, std::size_t size, SSL*, void* arg) {
  if (sent != 0 || type != SSL3_RT_HEADER || size < 2) return;
  auto const* header = static_cast<unsigned char const*>(bytes);
  bool const record = header[0] >= SSL3_RT_CHANGE_CIPHER_SPEC && header[0] <= 24 && header[1] == 3;
  if (!record) static_cast<session*>(arg)->plaintext_peer = true;
}

std::string text_of(GENERAL_NAME const* name) {
  int kind = 0;
  auto const* value = static_cast<ASN1_STRING const*>(GENERAL_NAME_get0_value(name, &kind));
  auto const* data = ASN1_STRING_get0_data(value);
  auto const size = ASN1_STRING_length(value);
  if (kind == GEN_DNS) {
    std::string shown;
    for (int i = 0; i < size && i < 256; ++i)
      shown += data[i] > ' ' && data[i] < 0x7f ? static_cast<char>(data[i]) : '?';
    return shown;
  }
  char address[INET6_ADDRSTRLEN];
  if (kind == GEN_IPADD && (size == 4 || size == 16) &&
      ::inet_ntop(size == 4 ? AF_INET : AF_INET6, data, address, sizeof address) != nullptr)
    return address;
  return {};
}

std::string names_in(X509* certificate) {
  std::string all;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names) && i < 20; ++i)
    if (auto const text = text_of(sk_GENERAL_NAME_value(names, i)); !text.empty())
      all += (all.empty() ? "" : ", ") + text;
  GENERAL_NAMES_free(names);
  return all;
}

// Accepts nothing by itself: only notes whom a certificate with a wrong name is for.
int note_names(int accepted, X509_STORE_CTX* store) {
  auto const e = X509_STORE_CTX_get_error(store);
  if (accepted == 0 && (e == X509_V_ERR_HOSTNAME_MISMATCH || e == X509_V_ERR_IP_ADDRESS_MISMATCH)) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* seen = static_cast<session*>(SSL_get_ex_data(ssl, session_index()));
    if (seen != nullptr) seen->certificate_names = names_in(X509_STORE_CTX_get_current_cert(store));
  }
  return accepted;
}

core::error verify_failure(long result, session const& seen) {
  using core::errc;
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {errc::tls_failed, "its certificate has expired", "renew it, or check this host's clock"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {errc::tls_failed, "its certificate is not valid yet", "check the clocks of both hosts"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {errc::tls_failed,
              "its certificate is not for " + seen.host + " (it names " +
                  (seen.certificate_names.empty() ? "nobody" : seen.certificate_names) + ")",
              "issue a certificate with this name or address, or say in tls_server_name whom to expect"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {errc::tls_failed, "its certificate was signed by an unknown CA",
              "give in tls_ca the CA that signed the certificates of this cluster"};
    default:
      return {errc::tls_failed, std::string("its certificate was refused: ") + X509_verify_cert_error_string(result)};
  }
}

bool about_client_certificate(int alert) {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_NO_CERTIFICATE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool prepare(SSL* ssl, session& seen) {
  SSL_set_msg_callback(ssl, look_at_record);
  SSL_set_msg_callback_arg(ssl, &seen);
  SSL_set_ex_data(ssl, session_index(), &seen);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, note_names);
  auto* parameters = SSL_get0_param(ssl);
  if (is_address(seen.host)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, seen.host.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(parameters, seen.host.data(), seen.host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, seen.host.c_str()) == 1;
}

core::error explain(SSL* ssl, session const& seen, unsigned long openssl_error, std::string const& cause) {
  using core::errc;
  if (seen.plaintext_peer)
    return {
        errc::tls_plaintext_peer, "the peer answers in plaintext, TLS was demanded",
        "before 3.0.13, 3.1.0 and 4.0.0 Pump and Drainer serve HTTP without TLS whatever [security] says: enable TLS "
        "there, or do without tls_ca"};
  auto const reason = ERR_GET_REASON(openssl_error);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return verify_failure(SSL_get_verify_result(ssl), seen);
  if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    auto const alert = reason - SSL_AD_REASON_OFFSET;
    auto const name = std::string(SSL_alert_desc_string_long(alert));
    if (!about_client_certificate(alert)) return {errc::tls_failed, "the peer ended TLS: " + name};
    if (!seen.has_client_cert)
      return {errc::tls_failed, "the peer demands a client certificate (" + name + ")", "give tls_cert and tls_key"};
    return {errc::tls_failed, "the peer refused the client certificate (" + name + ")",
            "give a certificate signed by the peer's CA, whose CN is in its cert-allowed-cn if that is set"};
  }
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL) return {errc::tls_failed, "the peer speaks no TLS of version 1.2 or later"};
  return {errc::tls_failed, "TLS failed: " + cause};
}

}  // namespace http::tls
