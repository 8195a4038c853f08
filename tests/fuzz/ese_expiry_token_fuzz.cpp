// link: stillframe_ese_ntds
// Any bytes as the token of a backup: judged the same twice, and good for one server only.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "writers/ese/ntds/expiry_token.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::ese::ntds;
  const stillframe::Bytes token(reinterpret_cast<const std::byte*>(data), size);
  const auto now = std::int64_t{1'700'000'000};
  const TokenVerdict verdict = judge_token(token, "directory", now);
  if (judge_token(token, "directory", now) != verdict) std::abort();
  const bool ours = verdict == TokenVerdict::good || verdict == TokenVerdict::expired;
  if (ours && judge_token(token, "another", now) != TokenVerdict::invalid) std::abort();
  return 0;
}
