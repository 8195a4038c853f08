// TLS on one connected socket, a step at a time: nothing here waits.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/remote/tls_context.hpp"

struct ssl_st;
struct x509_st;

namespace stillframe {

// Who is at the other end, by the certificate that its key was proven for.
struct TlsPeer {
  std::string name;            // the subject's common name
  Sha256Digest certificate{};  // SHA-256 of the certificate
};

Sha256Digest digest_of(const x509_st* certificate);

// What a step needs before it can go on; `ended`: the peer closed.
enum class TlsStep { done, wants_read, wants_write, ended };

struct TlsMoved {
  TlsStep step = TlsStep::done;
  std::size_t bytes = 0;
};

// Not for several threads at once. Errors are final.
class TlsSession {
 public:
  // Takes a non-blocking socket. `host` is the name or address that the server's certificate must
  // be for; empty where a pinned certificate says more.
  static Result<TlsSession> serve(Descriptor socket, TlsContext context);
  static Result<TlsSession> connect(Descriptor socket, TlsContext context, const std::string& host);

  int socket() const noexcept { return socket_.get(); }

  // access_denied when a certificate is not accepted, by either side and as far as it says so.
  Result<TlsStep> handshake();
  Result<TlsMoved> read(std::span<char> buffer);
  Result<TlsMoved> write(std::string_view bytes);
  // Says that no more will come; as far as the socket takes it.
  void close_notify() noexcept;

  // After the handshake. access_denied when the certificate has not exactly one usable name.
  Result<TlsPeer> peer() const;

 private:
  struct Free {
    void operator()(ssl_st* ssl) const noexcept;
  };
  TlsSession(Descriptor socket, TlsContext context, std::unique_ptr<ssl_st, Free> ssl)
      : socket_(std::move(socket)), context_(std::move(context)), ssl_(std::move(ssl)) {}
  static Result<TlsSession> make(Descriptor socket, TlsContext context);
  Result<TlsStep> judge(int result) const;

  Descriptor socket_;
  TlsContext context_;
  std::unique_ptr<ssl_st, Free> ssl_;
};

}  // namespace stillframe
