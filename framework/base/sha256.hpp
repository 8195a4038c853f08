// SHA-256 of bytes that come in pieces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace stillframe {

using Sha256Digest = std::array<std::uint8_t, 32>;

// One digest. finish() once; after it only reset() and destruction are allowed.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view bytes);
  Sha256Digest finish();
  void reset();  // starts over, for the next digest

 private:
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;
  bool finished_ = false;  // OpenSSL would go on from undefined state without a word
};

Sha256Digest sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

// Lower-case hexadecimal digits, as documents and manifests spell a digest.
std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace stillframe
