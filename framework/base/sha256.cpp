#include "framework/base/sha256.hpp"

#include <openssl/evp.h>

#include "framework/base/check.hpp"

namespace stillframe {

void Sha256::FreeContext::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  STILLFRAME_CHECK(context_ != nullptr, "out of memory for a digest context");
  reset();
}

void Sha256::reset() {
  STILLFRAME_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
                   "this OpenSSL has no SHA-256");
  finished_ = false;
}

void Sha256::update(std::span<const std::byte> bytes) {
  STILLFRAME_CHECK(!finished_, "SHA-256 update after finish()");
  STILLFRAME_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1,
                   "OpenSSL failed to digest bytes in memory");
}

void Sha256::update(std::string_view bytes) {
  update(std::as_bytes(std::span(bytes)));
}

Sha256Digest Sha256::finish() {
  STILLFRAME_CHECK(!finished_, "SHA-256 finished twice");
  finished_ = true;
  Sha256Digest digest;
  unsigned length = 0;
  STILLFRAME_CHECK(
      EVP_DigestFinal_ex(context_.get(), digest.data(), &length) == 1 && length == digest.size(),
      "SHA-256 finished twice");
  return digest;
}

Sha256Digest sha256(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish();
}

std::string sha256_hex(std::string_view bytes) {
  return to_hex(sha256(bytes));
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

}  // namespace stillframe
