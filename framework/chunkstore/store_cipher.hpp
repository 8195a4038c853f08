// What an encrypted store does with its key. docs/formats/chunk-store.md says why no nonce repeats.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <span>

#include <stillframe/result.hpp>

#include "framework/chunkstore/fingerprint.hpp"
#include "framework/chunkstore/xaes.hpp"

namespace stillframe::chunkstore {

// Threads may share it, and do: the store, a collection of it and the readers beside it each have
// it, and any of them may be the last.
class StoreCipher {
 public:
  // From the store's data key.
  explicit StoreCipher(const Key256& data_key, RandomBytes random = random_from_kernel);

  // One for every call, whatever it is for; `content` says all of what will be encrypted under it
  // but how that was compressed.
  CipherNonce new_nonce(std::initializer_list<Bytes> content) const;

  // What is encrypted under a nonce: a frame has two parts, everything else the first.
  enum class Part : std::uint8_t { content = 0, table = 1 };
  CipherTag encrypt(const CipherNonce& nonce, Part part, std::initializer_list<Bytes> associated,
                    Bytes from, MutableBytes into) const;
  [[nodiscard]] bool decrypt(const CipherNonce& nonce, Part part,
                             std::initializer_list<Bytes> associated, const CipherTag& tag,
                             Bytes from, MutableBytes into) const;

  // Makes keyed fingerprints of SHA-256 sums: SHA-256 of a key and the sum, each 32 bytes, of which
  // nobody without the key can tell what they are of.
  void key_fingerprints(std::span<Fingerprint> sums) const;

 private:
  const Xaes xaes_;
  const Key256 nonce_key_, fingerprint_key_;
  const RandomBytes random_;
};

// Those under which a store keeps these chunks, with the cipher of one that is encrypted.
void stored_fingerprints(std::span<const Bytes> chunks, std::span<Fingerprint> into,
                         const StoreCipher* cipher);

// Without its key an encrypted store has nothing to say: access_denied.
Error key_is_needed(const std::string& what);

}  // namespace stillframe::chunkstore
