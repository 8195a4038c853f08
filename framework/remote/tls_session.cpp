#include "framework/remote/tls_session.hpp"

#include <algorithm>
#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kNameBytesMax = 64;  // what X.509 allows a common name

bool is_printable(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// The alerts by which the other side says that it does not want our certificate.
bool is_refusal(int reason) {
  switch (reason - SSL_AD_REASON_OFFSET) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case TLS13_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

Error tls_error(const SSL* ssl) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  const std::string said = reason != nullptr ? reason : "unknown";
  ERR_clear_error();
  if (const long verified = SSL_get_verify_result(ssl); verified != X509_V_OK) {
    return Error(Errc::access_denied, std::string("the peer's certificate is not accepted: ") +
                                          X509_verify_cert_error_string(verified));
  }
  if (is_refusal(ERR_GET_REASON(code)) ||
      ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return Error(Errc::access_denied, "a certificate was refused: " + said);
  }
  return Error(Errc::disconnected, "TLS ended: " + said);
}

}  // namespace

Sha256Digest digest_of(const X509* certificate) {
  Sha256Digest digest{};
  if (certificate != nullptr) X509_digest(certificate, EVP_sha256(), digest.data(), nullptr);
  return digest;
}

void TlsSession::Free::operator()(SSL* ssl) const noexcept {
  SSL_free(ssl);
}

Result<TlsSession> TlsSession::make(Descriptor socket, TlsContext context) {
  std::unique_ptr<SSL, Free> ssl(SSL_new(context.get()));
  if (!ssl || SSL_set_fd(ssl.get(), socket.get()) != 1) {
    ERR_clear_error();
    return Error(Errc::out_of_resources, "TLS cannot be set up for a connection");
  }
  return TlsSession(std::move(socket), std::move(context), std::move(ssl));
}

Result<TlsSession> TlsSession::serve(Descriptor socket, TlsContext context) {
  auto session = make(std::move(socket), std::move(context));
  if (session.ok()) SSL_set_accept_state(session.value().ssl_.get());
  return session;
}

Result<TlsSession> TlsSession::connect(Descriptor socket, TlsContext context,
                                       const std::string& host) {
  auto session = make(std::move(socket), std::move(context));
  if (!session.ok()) return session;
  SSL* ssl = session.value().ssl_.get();
  SSL_set_connect_state(ssl);
  if (host.empty()) return session;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
  ERR_clear_error();
  const bool taken = is_address || (SSL_set1_host(ssl, host.c_str()) == 1 &&
                                    SSL_set_tlsext_host_name(ssl, host.c_str()) == 1);
  if (!taken) {
    ERR_clear_error();
    return Error(Errc::invalid_argument, "'" + host + "' is no name that a certificate can have");
  }
  return session;
}

// What became of an operation that did not simply succeed.
Result<TlsStep> TlsSession::judge(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return TlsStep::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return TlsStep::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return TlsStep::ended;
    case SSL_ERROR_SYSCALL:
      if (errno == 0) return TlsStep::ended;
      if (errno == ECONNRESET || errno == EPIPE) return TlsStep::ended;
      return posix_error(errno, "speak TLS to", "peer");
    default:
      break;
  }
  // A connection that just ends: frames tell whether that was inside a message.
  if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return TlsStep::ended;
  }
  return tls_error(ssl_.get());
}

Result<TlsStep> TlsSession::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return TlsStep::done;
  return judge(result);
}

Result<TlsMoved> TlsSession::read(std::span<char> buffer) {
  ERR_clear_error();
  errno = 0;
  TlsMoved moved;
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &moved.bytes);
  if (result == 1) return moved;
  auto step = judge(result);
  if (!step.ok()) return step.error();
  moved.step = step.value();
  return moved;
}

Result<TlsMoved> TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  errno = 0;
  TlsMoved moved;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &moved.bytes);
  if (result == 1) return moved;
  auto step = judge(result);
  if (!step.ok()) return step.error();
  moved.step = step.value();
  return moved;
}

void TlsSession::close_notify() noexcept {
  if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

Result<TlsPeer> TlsSession::peer() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return Error(Errc::access_denied, "the peer shows no certificate");
  TlsPeer peer;
  peer.certificate = digest_of(certificate);
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  const bool one = at >= 0 && X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0;
  unsigned char* text = nullptr;
  const int length =
      one ? ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))
          : -1;
  if (length > 0) peer.name.assign(reinterpret_cast<char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  ERR_clear_error();
  if (peer.name.empty() || peer.name.size() > kNameBytesMax || !is_printable(peer.name)) {
    return Error(Errc::access_denied,
                 "the certificate's subject must have exactly one common name (CN) of 1 to 64 "
                 "printable characters; it is the name that [[allow]] tables use");
  }
  return peer;
}

}  // namespace stillframe
