// Which certificates a process shows and whom it believes. TLS 1.3 and nothing older, and always
// both sides with a certificate.
#pragma once

#include <memory>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/sha256.hpp"

struct ssl_ctx_st;

namespace stillframe {

// Shared by every connection that was made with it: a reload puts another in its place, and those
// that are there go on.
using TlsContext = std::shared_ptr<ssl_ctx_st>;

// PEM files. They and the folders above belong to root or to this process's user and nobody else
// may write them; the key may not be read by anybody else either.
struct TlsFiles {
  BytePath certificate;  // the own one, then what leads up to the authority
  BytePath key;          // of the first one, without a passphrase
  BytePath ca;           // the authorities whose certificates are believed
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// access_denied for a file that others could change or read, invalid_argument for one that is not
// what it should be, both with its name.
Result<TlsContext> serving_context(const TlsFiles& files);
Result<TlsContext> connecting_context(const TlsFiles& files);

// The same, but the peer must show exactly one certificate, which both sides know of from
// elsewhere: nobody's authority is asked.
Result<TlsContext> pinned_connecting_context(const TlsFiles& files, const Sha256Digest& peer);

// For a process that lives as long as one session: a key of its own, made here and never stored.
struct EphemeralTls {
  TlsContext context;
  Sha256Digest certificate{};  // what pinned_connecting_context() of the other side wants
};
Result<EphemeralTls> pinned_serving_context(const Sha256Digest& peer);

}  // namespace stillframe
