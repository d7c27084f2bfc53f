// A CA and certificates of its making, written as PEM files into a temporary directory.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace test {

class temp_dir {
 public:
  temp_dir() {
    std::string name = "/tmp/unit-http-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~temp_dir() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  temp_dir(temp_dir const&) = delete;
  temp_dir& operator=(temp_dir const&) = delete;
  std::string file(std::string const& name) const { return (path_ / name).string(); }
  std::string file(std::string const& name, std::string const& content) const {
    std::ofstream(path_ / name) << content;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

struct certificate {
  std::shared_ptr<X509> x509;
  std::shared_ptr<EVP_PKEY> key;
  std::string cert_file, key_file;
};

struct issue {
  std::string names = "IP:127.0.0.1";  // subjectAltName; empty: none
  long from = -3600, until = 3600;     // seconds from now
  bool ca = false;
};

inline certificate make_certificate(temp_dir const& dir, std::string const& name, certificate const* issuer,
                                    issue const& how = {}) {
  certificate made;
  made.key = {EVP_EC_gen("P-256"), EVP_PKEY_free};
  made.x509 = {X509_new(), X509_free};
  auto* const x509 = made.x509.get();
  X509_set_version(x509, 2);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), how.from);
  X509_gmtime_adj(X509_getm_notAfter(x509), how.until);
  X509_set_pubkey(x509, made.key.get());
  auto* subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(name.c_str()), -1, -1,
                             0);
  auto* signer = issuer != nullptr ? issuer->x509.get() : x509;
  X509_set_issuer_name(x509, X509_get_subject_name(signer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, x509, nullptr, nullptr, 0);
  auto const add = [&](int nid, std::string const& value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  };
  add(NID_basic_constraints, how.ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!how.ca && !how.names.empty()) add(NID_subject_alt_name, how.names);
  X509_sign(x509, (issuer != nullptr ? issuer->key : made.key).get(), EVP_sha256());

  made.cert_file = dir.file(name + ".pem");
  made.key_file = dir.file(name + "-key.pem");
  auto* cert_out = std::fopen(made.cert_file.c_str(), "w");
  PEM_write_X509(cert_out, x509);
  std::fclose(cert_out);
  auto* key_out = std::fopen(made.key_file.c_str(), "w");
  PEM_write_PrivateKey(key_out, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(key_out);
  return made;
}

}  // namespace test
