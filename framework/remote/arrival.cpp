#include "framework/remote/arrival.hpp"

#include <algorithm>

#include "framework/base/sha256.hpp"

namespace stillframe {
namespace {

constexpr std::string_view kMagic = "SFM1";
constexpr char kTlsHandshakeRecord = 0x16;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string to_text(const MoverName& name) {
  return to_hex(name);
}

Result<MoverName> parse_mover_name(std::string_view text) {
  MoverName name{};
  bool good = text.size() == 2 * name.size();
  for (std::size_t i = 0; good && i < name.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    name[i] = static_cast<std::uint8_t>(good ? high * 16 + low : 0);
  }
  if (!good) return Error(Errc::corrupt, "a mover's name must be 32 hexadecimal digits");
  return name;
}

std::string mover_preamble(const MoverName& name) {
  std::string preamble(kMagic);
  preamble.append(reinterpret_cast<const char*>(name.data()), name.size());
  return preamble;
}

Result<std::optional<Arrival>> judge_arrival(std::string_view first) {
  if (first.empty()) return std::optional<Arrival>();
  if (first.front() == kTlsHandshakeRecord) return std::optional(Arrival{});
  if (!kMagic.starts_with(first.substr(0, kMagic.size())))
    return Error(Errc::corrupt, "what came is no TLS");
  if (first.size() < kMoverPreambleBytes) return std::optional<Arrival>();
  Arrival arrival{Arrival::Kind::mover, {}};
  std::copy_n(first.begin() + kMagic.size(), arrival.mover.size(), arrival.mover.begin());
  return std::optional(arrival);
}

}  // namespace stillframe
