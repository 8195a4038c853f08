#include "framework/chunkstore/xaes.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include "framework/base/check.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::size_t kDerivingBytes = 12;  // of a nonce; as many are left for GCM

struct FreeCipherContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

CipherContext new_cipher_context() {
  CipherContext context(EVP_CIPHER_CTX_new());
  STILLFRAME_CHECK(context != nullptr, "out of memory for a cipher's context");
  return context;
}

const unsigned char* octets(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* octets(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

Bytes gcm_nonce(const CipherNonce& nonce) {
  return Bytes(nonce).subspan(kDerivingBytes);
}

EVP_CIPHER* fetched(const char* name) {
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  STILLFRAME_CHECK(cipher != nullptr, "this OpenSSL has no AES-256");
  return cipher;
}

}  // namespace

Key256::~Key256() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

Key256 Key256::filled(const std::function<void(MutableBytes)>& fill) {
  Key256 key;
  fill(std::as_writable_bytes(std::span(key.bytes_)));
  return key;
}

Key256 Key256::derived(std::string_view purpose) const {
  Key256 key;
  unsigned length = 0;
  const unsigned char* done = HMAC(EVP_sha256(), bytes_.data(), static_cast<int>(bytes_.size()),
                                   reinterpret_cast<const unsigned char*>(purpose.data()),
                                   purpose.size(), key.bytes_.data(), &length);
  STILLFRAME_CHECK(done != nullptr && length == kBytes, "this OpenSSL has no HMAC");
  return key;
}

void random_from_kernel(MutableBytes into) {
  while (!into.empty()) {
    const ssize_t got = ::getrandom(into.data(), into.size(), 0);
    STILLFRAME_CHECK(got > 0 || errno == EINTR, "the kernel has random bytes");
    if (got > 0) into = into.subspan(static_cast<std::size_t>(got));
  }
}

void Xaes::FreeCipher::operator()(evp_cipher_st* cipher) const noexcept {
  EVP_CIPHER_free(cipher);
}

// The subkey of CMAC for whole messages, which all of ours are.
Xaes::Xaes(const Key256& key)
    : key_(key), block_(fetched("AES-256-ECB")), gcm_(fetched("AES-256-GCM")) {
  encrypt_blocks(subkey_);
  const bool carry = (subkey_[0] & std::byte{0x80}) != std::byte{0};
  for (std::size_t i = 0; i < subkey_.size(); ++i) {
    const std::byte next = i + 1 < subkey_.size() ? subkey_[i + 1] >> 7 : std::byte{0};
    subkey_[i] = subkey_[i] << 1 | next;
  }
  if (carry) subkey_.back() ^= std::byte{0x87};
}

void Xaes::encrypt_blocks(MutableBytes blocks) const {
  const CipherContext context = new_cipher_context();
  int length = 0;
  const bool done = EVP_EncryptInit_ex2(context.get(), block_.get(), octets(key_.bytes()), nullptr,
                                        nullptr) == 1 &&
                    EVP_EncryptUpdate(context.get(), octets(blocks), &length, octets(Bytes(blocks)),
                                      static_cast<int>(blocks.size())) == 1;
  STILLFRAME_CHECK(done && length == static_cast<int>(blocks.size()), "AES failed in memory");
}

// The counter mode of NIST SP 800-108r1 with CMAC, for two blocks, the label 'X' and the first half
// of the nonce.
Key256 Xaes::key_for(const CipherNonce& nonce) const {
  return Key256::filled([&](MutableBytes blocks) {
    for (std::size_t i = 0; i < 2; ++i) {
      std::byte* block = blocks.data() + i * subkey_.size();
      block[1] = static_cast<std::byte>(i + 1);
      block[2] = std::byte{'X'};
      std::memcpy(block + 4, nonce.data(), kDerivingBytes);
      for (std::size_t k = 0; k < subkey_.size(); ++k) block[k] ^= subkey_[k];
    }
    encrypt_blocks(blocks);
  });
}

CipherTag Xaes::encrypt(const CipherNonce& nonce, std::initializer_list<Bytes> associated,
                        Bytes from, MutableBytes into) const {
  STILLFRAME_CHECK(from.size() == into.size(), "encrypted bytes are as many as before");
  const Key256 key = key_for(nonce);
  const CipherContext context = new_cipher_context();
  int length = 0;
  bool done = EVP_EncryptInit_ex2(context.get(), gcm_.get(), octets(key.bytes()),
                                  octets(gcm_nonce(nonce)), nullptr) == 1;
  for (const Bytes part : associated) {
    done = done && EVP_EncryptUpdate(context.get(), nullptr, &length, octets(part),
                                     static_cast<int>(part.size())) == 1;
  }
  CipherTag tag;
  std::array<unsigned char, 16> rest;  // a stream has none
  done = done &&
         EVP_EncryptUpdate(context.get(), octets(into), &length, octets(from),
                           static_cast<int>(from.size())) == 1 &&
         EVP_EncryptFinal_ex(context.get(), rest.data(), &length) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()),
                             tag.data()) == 1;
  STILLFRAME_CHECK(done, "AES-GCM failed in memory");
  return tag;
}

bool Xaes::decrypt(const CipherNonce& nonce, std::initializer_list<Bytes> associated,
                   const CipherTag& tag, Bytes from, MutableBytes into) const {
  STILLFRAME_CHECK(from.size() == into.size(), "encrypted bytes are as many as before");
  const Key256 key = key_for(nonce);
  const CipherContext context = new_cipher_context();
  int length = 0;
  bool done = EVP_DecryptInit_ex2(context.get(), gcm_.get(), octets(key.bytes()),
                                  octets(gcm_nonce(nonce)), nullptr) == 1;
  for (const Bytes part : associated) {
    done = done && EVP_DecryptUpdate(context.get(), nullptr, &length, octets(part),
                                     static_cast<int>(part.size())) == 1;
  }
  CipherTag wanted = tag;
  done = done &&
         EVP_DecryptUpdate(context.get(), octets(into), &length, octets(from),
                           static_cast<int>(from.size())) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(wanted.size()),
                             wanted.data()) == 1;
  STILLFRAME_CHECK(done, "AES-GCM failed in memory");
  std::array<unsigned char, 16> rest;
  return EVP_DecryptFinal_ex(context.get(), rest.data(), &length) == 1;
}

CipherNonce mixed_nonce(const Key256& key, const RandomBytes& random,
                        std::initializer_list<Bytes> content) {
  std::array<std::byte, 32> drawn{};
  random(drawn);
  Sha256 sum;
  sum.update(key.bytes());
  sum.update(Bytes(drawn));
  for (const Bytes part : content) sum.update(part);
  const Sha256Digest digest = sum.finish();
  CipherNonce nonce;
  std::memcpy(nonce.data(), digest.data(), nonce.size());
  nonce.back() &= std::byte{0xfe};
  return nonce;
}

}  // namespace stillframe::chunkstore
