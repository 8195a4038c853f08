// AES-256-GCM with nonces that are long enough to be drawn: XAES-256-GCM, as C2SP specifies it.
// From the first half of a nonce of 24 bytes and the key comes a key of its own, with AES alone;
// the second half is the nonce under it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "framework/base/bytes.hpp"
#include "framework/base/sha256.hpp"

struct evp_cipher_st;

namespace stillframe::chunkstore {

// A secret. Nothing of it stays in memory once it is destroyed.
class Key256 {
 public:
  static constexpr std::size_t kBytes = 32;

  Key256() = default;
  explicit Key256(const std::array<std::uint8_t, kBytes>& bytes) : bytes_(bytes) {}
  Key256(const Key256&) = default;
  Key256& operator=(const Key256&) = default;
  ~Key256();

  // Of what the function writes into its argument: nowhere else is a copy of it.
  static Key256 filled(const std::function<void(MutableBytes)>& fill);
  static Key256 drawn(const std::function<void(MutableBytes)>& random) { return filled(random); }

  // Another secret, which tells nothing of this one: HMAC-SHA-256 of the purpose.
  Key256 derived(std::string_view purpose) const;
  Bytes bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

constexpr std::size_t kCipherNonceBytes = 24, kCipherTagBytes = 16;
using CipherNonce = std::array<std::byte, kCipherNonceBytes>;
using CipherTag = std::array<std::byte, kCipherTagBytes>;

// Fills its argument with bytes that nobody can foresee.
using RandomBytes = std::function<void(MutableBytes)>;
// From the kernel at every call: it knows of copies of a running machine, a generator of our own
// does not.
void random_from_kernel(MutableBytes into);

// Encrypts and decrypts under one key. Threads may share it.
class Xaes {
 public:
  explicit Xaes(const Key256& key);

  // `from` and `into` are as long as each other, and may be the same.
  CipherTag encrypt(const CipherNonce& nonce, std::initializer_list<Bytes> associated, Bytes from,
                    MutableBytes into) const;
  // False: something of it was changed. What `into` has then is worthless.
  [[nodiscard]] bool decrypt(const CipherNonce& nonce, std::initializer_list<Bytes> associated,
                             const CipherTag& tag, Bytes from, MutableBytes into) const;

 private:
  struct FreeCipher {
    void operator()(evp_cipher_st* cipher) const noexcept;
  };
  using Cipher = std::unique_ptr<evp_cipher_st, FreeCipher>;
  using Block = std::array<std::byte, 16>;

  Key256 key_for(const CipherNonce& nonce) const;
  void encrypt_blocks(MutableBytes blocks) const;

  const Key256 key_;
  const Cipher block_, gcm_;
  Block subkey_{};
};

// A nonce for one message, which repeats for no other: drawn, and mixed with the
// content, so that even a generator that repeats itself gives the same nonce to the same bytes
// only. The last bit is 0.
CipherNonce mixed_nonce(const Key256& key, const RandomBytes& random,
                        std::initializer_list<Bytes> content);

}  // namespace stillframe::chunkstore
