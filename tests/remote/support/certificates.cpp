#include "tests/remote/support/certificates.hpp"

#include <cstdio>
#include <cstdlib>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace stillframe::tests {
namespace {

constexpr long kDay = 24 * 3600;

void must(bool good) {
  if (!good) std::abort();  // a test without its certificates means nothing
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* make(EVP_PKEY* key, const std::string& name, X509* issuer, EVP_PKEY* issuer_key,
           const CertificateWishes& wishes) {
  X509* certificate = X509_new();
  std::uint32_t serial = 0;
  must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wishes.expired ? -kDay : kDay);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  if (issuer == nullptr) {
    add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    add_extension(certificate, signer, NID_subject_alt_name, wishes.alternative);
  }
  must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
  return certificate;
}

template <class Write>
void write_file(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  must(file != nullptr);
  ::fchmod(::fileno(file), 0600);
  must(write(file) == 1);
  std::fclose(file);
}

}  // namespace

Authority::Authority(std::string folder, std::string name)
    : folder_(std::move(folder)), name_(std::move(name)), key_(EVP_EC_gen("P-256")) {
  certificate_ = make(key_, name_, nullptr, key_, {});
  write_file(ca_path(), [&](std::FILE* file) { return PEM_write_X509(file, certificate_); });
}

Authority::~Authority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

TlsFiles Authority::issue(const std::string& file, const CertificateWishes& wishes) const {
  TlsFiles files{folder_ + "/" + file + ".pem", folder_ + "/" + file + ".key", ca_path()};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = make(key, wishes.common_name, certificate_, key_, wishes);
  write_file(files.certificate, [&](std::FILE* out) { return PEM_write_X509(out, certificate); });
  write_file(files.key, [&](std::FILE* out) {
    return PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace stillframe::tests
