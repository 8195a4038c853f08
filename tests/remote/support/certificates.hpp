// Certificates of a test's own authority, made in memory and written as PEM files.
#pragma once

#include <memory>
#include <string>

#include "framework/remote/tls_context.hpp"

struct evp_pkey_st;
struct x509_st;

namespace stillframe::tests {

struct CertificateWishes {
  std::string common_name;
  std::string alternative = "IP:127.0.0.1,DNS:localhost";
  bool expired = false;
};

class Authority {
 public:
  // Writes its certificate to `folder`/NAME.ca.pem.
  Authority(std::string folder, std::string name);
  ~Authority();

  // Writes `folder`/FILE.pem and FILE.key (0600), and names them with this authority as `ca`.
  TlsFiles issue(const std::string& file, const CertificateWishes& wishes) const;
  std::string ca_path() const { return folder_ + "/" + name_ + ".ca.pem"; }

 private:
  const std::string folder_, name_;
  evp_pkey_st* key_;
  x509_st* certificate_;
};

}  // namespace stillframe::tests
