#include "framework/remote/tls_context.hpp"

#include <ctime>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/base/trusted_file.hpp"
#include "framework/remote/tls_session.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kPemBytesMax = std::size_t{1} << 20;
constexpr long kPeerChainBytesMax = 32 << 10;  // of what a stranger may send before it is known
constexpr long kEphemeralSeconds = 7L * 24 * 3600;

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

Error unusable(const BytePath& file, const std::string& why) {
  ERR_clear_error();
  return Error(Errc::invalid_argument, "'" + escape_path(file) + "' " + why);
}

// Root's files are trusted by everybody.
Result<std::string> read_pem(const BytePath& file) {
  if (file.empty()) return Error(Errc::invalid_argument, "a certificate, key or ca is not named");
  auto text = read_trusted_file(file, 0, kPemBytesMax);
  if (text.ok() || ::geteuid() == 0 || text.error().code() != Errc::access_denied) return text;
  return read_trusted_file(file, ::geteuid(), kPemBytesMax);
}

Bio as_bio(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<Key> read_key(const BytePath& file) {
  auto text = read_pem(file);
  if (!text.ok()) return text.error();
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return posix_error(errno, "look at", file);
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error(Errc::access_denied, "others may read the private key '" + escape_path(file) +
                                          "', so it may be known by now; chmod 600 it, and better "
                                          "make a new one");
  }
  const Bio bio = as_bio(text.value());
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  OPENSSL_cleanse(text.value().data(), text.value().size());
  if (!key) return unusable(file, "holds no private key without a passphrase, in PEM");
  return key;
}

Status use_certificates(SSL_CTX* context, const BytePath& file) {
  auto text = read_pem(file);
  if (!text.ok()) return text.error();
  const Bio bio = as_bio(text.value());
  const Certificate own(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1)
    return unusable(file, "holds no certificate that TLS can use, in PEM");
  while (X509* more = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, more) == 1) continue;
    X509_free(more);
    return unusable(file, "holds a certificate that cannot be part of a chain");
  }
  ERR_clear_error();
  return Ok{};
}

Status believe(SSL_CTX* context, const BytePath& file, bool tell_the_peer) {
  auto text = read_pem(file);
  if (!text.ok()) return text.error();
  const Bio bio = as_bio(text.value());
  int found = 0;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    const Certificate authority(one);
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one) != 1)
      return unusable(file, "holds an authority that cannot be used");
    if (tell_the_peer) SSL_CTX_add_client_CA(context, one);
    ++found;
  }
  if (found == 0) return unusable(file, "holds no certificate of an authority, in PEM");
  ERR_clear_error();
  return Ok{};
}

// What holds for every context. No resumption: each connection proves anew who it is.
Result<TlsContext> bare_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), [](SSL_CTX* old) { SSL_CTX_free(old); });
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
    return Error(Errc::out_of_resources, "TLS 1.3 cannot be set up");
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context.get(), kPeerChainBytesMax);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

Status show(SSL_CTX* context, const TlsFiles& files) {
  if (Status s = use_certificates(context, files.certificate); !s.ok()) return s;
  auto key = read_key(files.key);
  if (!key.ok()) return key.error();
  if (SSL_CTX_use_PrivateKey(context, key.value().get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return unusable(
        files.key, "is not the key of the certificate in '" + escape_path(files.certificate) + "'");
  return Ok{};
}

// In place of OpenSSL's judgement of chains: the one certificate, or nobody.
int is_pinned(X509_STORE_CTX* store, void* wanted) {
  const auto digest = digest_of(X509_STORE_CTX_get0_cert(store));
  const auto& pinned = *static_cast<const Sha256Digest*>(wanted);
  const bool same = CRYPTO_memcmp(digest.data(), pinned.data(), pinned.size()) == 0;
  X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return same ? 1 : 0;
}

// The context outlives the digest that its callback looks at.
TlsContext pin(const TlsContext& context, const Sha256Digest& peer) {
  auto digest = std::make_shared<Sha256Digest>(peer);
  SSL_CTX_set_cert_verify_callback(context.get(), is_pinned, digest.get());
  // shared: the aliasing pointer keeps both.
  struct Both {
    TlsContext context;
    std::shared_ptr<Sha256Digest> digest;
  };
  auto both = std::make_shared<Both>(Both{context, std::move(digest)});
  return TlsContext(both, context.get());
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate made(X509_new());
  std::int64_t serial = 0;
  if (!made || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return nullptr;
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(made.get()), serial & INT64_MAX);
  // Nobody looks at the times of a pinned certificate, but the format wants some.
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kEphemeralSeconds);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kEphemeralSeconds);
  X509_set_pubkey(made.get(), key);
  X509_NAME* name = X509_get_subject_name(made.get());
  const auto* text = reinterpret_cast<const unsigned char*>("stillframe-mover");
  X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  return X509_sign(made.get(), key, EVP_sha256()) > 0 ? std::move(made) : nullptr;
}

}  // namespace

Result<TlsContext> serving_context(const TlsFiles& files) {
  auto context = bare_context(TLS_server_method());
  if (!context.ok()) return context.error();
  if (Status s = show(context.value().get(), files); !s.ok()) return s.error();
  if (Status s = believe(context.value().get(), files.ca, true); !s.ok()) return s.error();
  return context;
}

Result<TlsContext> connecting_context(const TlsFiles& files) {
  auto context = bare_context(TLS_client_method());
  if (!context.ok()) return context.error();
  if (Status s = show(context.value().get(), files); !s.ok()) return s.error();
  if (Status s = believe(context.value().get(), files.ca, false); !s.ok()) return s.error();
  return context;
}

Result<TlsContext> pinned_connecting_context(const TlsFiles& files, const Sha256Digest& peer) {
  auto context = bare_context(TLS_client_method());
  if (!context.ok()) return context.error();
  if (Status s = show(context.value().get(), files); !s.ok()) return s.error();
  return pin(context.value(), peer);
}

Result<EphemeralTls> pinned_serving_context(const Sha256Digest& peer) {
  auto context = bare_context(TLS_server_method());
  if (!context.ok()) return context.error();
  const Key key(EVP_EC_gen("P-256"));
  const Certificate own = key ? self_signed(key.get()) : nullptr;
  if (!own || SSL_CTX_use_certificate(context.value().get(), own.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.value().get(), key.get()) != 1)
    return Error(Errc::out_of_resources, "a key for this session cannot be made");
  EphemeralTls made;
  made.context = pin(context.value(), peer);
  made.certificate = digest_of(own.get());
  return made;
}

}  // namespace stillframe
