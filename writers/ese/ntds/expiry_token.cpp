#include "writers/ese/ntds/expiry_token.hpp"

#include <cstring>

#include "framework/base/sha256.hpp"

namespace stillframe::ese::ntds {

namespace {

constexpr std::string_view kTokenMagic = "SFDSTOK";  // with its zero
constexpr std::uint32_t kTokenVersion = 1;
constexpr std::size_t kVersionAt = 8, kDaysAt = 12, kCreatedAt = 16, kServerAt = 24, kSumAt = 56;
constexpr std::int64_t kSecondsOfDay = 86400;

Sha256Digest sum_of(Bytes token) {
  Sha256 sum;
  sum.update(token.first(kSumAt));
  return sum.finish();
}

}  // namespace

std::vector<std::byte> encode_token(const ExpiryToken& token) {
  std::vector<std::byte> bytes(kTokenBytes);
  std::memcpy(bytes.data(), kTokenMagic.data(), kTokenMagic.size());
  store_le(bytes.data() + kVersionAt, kTokenVersion);
  store_le(bytes.data() + kDaysAt, token.days);
  store_le(bytes.data() + kCreatedAt, token.created);
  const Sha256Digest server = sha256(token.server);
  std::memcpy(bytes.data() + kServerAt, server.data(), server.size());
  const Sha256Digest sum = sum_of(bytes);
  std::memcpy(bytes.data() + kSumAt, sum.data(), sum.size());
  return bytes;
}

TokenVerdict judge_token(Bytes token, std::string_view server, std::int64_t now) {
  if (token.empty()) return TokenVerdict::none;
  const bool ours = token.size() == kTokenBytes &&
                    std::memcmp(token.data(), kTokenMagic.data(), kTokenMagic.size() + 1) == 0 &&
                    load_le<std::uint32_t>(token.data() + kVersionAt) == kTokenVersion;
  if (!ours) return TokenVerdict::unknown;
  const auto equals = [&](std::size_t at, const Sha256Digest& digest) {
    return std::memcmp(token.data() + at, digest.data(), digest.size()) == 0;
  };
  if (!equals(kSumAt, sum_of(token))) return TokenVerdict::invalid;
  if (!equals(kServerAt, sha256(server))) return TokenVerdict::invalid;
  const auto created = load_le<std::int64_t>(token.data() + kCreatedAt);
  const std::int64_t life = kSecondsOfDay * load_le<std::uint32_t>(token.data() + kDaysAt);
  // Subtracting cannot overflow where both are after 1970; a clock that was put back forgives.
  if (created < 0 || now < 0) return TokenVerdict::invalid;
  return now - created > life ? TokenVerdict::expired : TokenVerdict::good;
}

}  // namespace stillframe::ese::ntds
