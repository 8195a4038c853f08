// The token of a backup: how old it may become, and of which server it is.
// docs/formats/expiry-token.md has the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/bytes.hpp"

namespace stillframe::ese::ntds {

struct ExpiryToken {
  std::int64_t created = 0;  // seconds since 1970
  std::uint32_t days = 0;    // that the backup may be used
  std::string server;        // an instance's name
};

inline constexpr std::size_t kTokenBytes = 88;

std::vector<std::byte> encode_token(const ExpiryToken& token);

enum class TokenVerdict {
  good,
  none,     // there is none
  unknown,  // not of this format
  invalid,  // of this format, and damaged or another server's
  expired,
};
TokenVerdict judge_token(Bytes token, std::string_view server, std::int64_t now);

}  // namespace stillframe::ese::ntds
