#include "framework/chunkstore/store_cipher.hpp"

#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <openssl/crypto.h>

namespace stillframe::chunkstore {

namespace {

// Of the two parts of a frame, in the bit that new_nonce() leaves free.
CipherNonce nonce_of_part(CipherNonce nonce, StoreCipher::Part part) {
  nonce.back() |= static_cast<std::byte>(part);
  return nonce;
}

}  // namespace

StoreCipher::StoreCipher(const Key256& data_key, RandomBytes random)
    : xaes_(data_key.derived("stillframe chunk store 1: encryption")),
      nonce_key_(data_key.derived("stillframe chunk store 1: nonces")),
      fingerprint_key_(data_key.derived("stillframe chunk store 1: fingerprints")),
      random_(std::move(random)) {}

CipherNonce StoreCipher::new_nonce(std::initializer_list<Bytes> content) const {
  return mixed_nonce(nonce_key_, random_, content);
}

CipherTag StoreCipher::encrypt(const CipherNonce& nonce, Part part,
                               std::initializer_list<Bytes> associated, Bytes from,
                               MutableBytes into) const {
  return xaes_.encrypt(nonce_of_part(nonce, part), associated, from, into);
}

bool StoreCipher::decrypt(const CipherNonce& nonce, Part part,
                          std::initializer_list<Bytes> associated, const CipherTag& tag, Bytes from,
                          MutableBytes into) const {
  return xaes_.decrypt(nonce_of_part(nonce, part), associated, tag, from, into);
}

void StoreCipher::key_fingerprints(std::span<Fingerprint> sums) const {
  using Message = std::array<std::byte, Key256::kBytes + sizeof(Fingerprint)>;
  std::vector<Message> messages(sums.size());
  std::vector<Bytes> views;
  views.reserve(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::memcpy(messages[i].data(), fingerprint_key_.bytes().data(), Key256::kBytes);
    std::memcpy(messages[i].data() + Key256::kBytes, sums[i].data(), sizeof(Fingerprint));
    views.push_back(messages[i]);
  }
  fingerprints(views, sums);
  OPENSSL_cleanse(messages.data(), messages.size() * sizeof(Message));
}

void stored_fingerprints(std::span<const Bytes> chunks, std::span<Fingerprint> into,
                         const StoreCipher* cipher) {
  fingerprints(chunks, into);
  if (cipher != nullptr) cipher->key_fingerprints(into);
}

Error key_is_needed(const std::string& what) {
  return {Errc::access_denied, what +
                                   " is encrypted: its key file is needed, which --key-file or "
                                   "the volume's settings name"};
}

}  // namespace stillframe::chunkstore
