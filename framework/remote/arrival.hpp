// What the first bytes on a TCP connection say it is for, before anything is believed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <stillframe/result.hpp>

namespace stillframe {

// Names a mover to the listener of its machine. Not a secret: it crosses the network in the clear,
// and the mover believes only a ticket and a certificate.
using MoverName = std::array<std::uint8_t, 16>;

std::string to_text(const MoverName& name);  // 32 hexadecimal digits
Result<MoverName> parse_mover_name(std::string_view text);

// The bytes ahead of the TLS of a connection to a mover: "SFM1" and the mover's name.
inline constexpr std::size_t kMoverPreambleBytes = 20;
std::string mover_preamble(const MoverName& name);

struct Arrival {
  enum class Kind { control, mover } kind = Kind::control;
  MoverName mover{};
};

// `first` is what has come so far and may be cut anywhere. Nothing when more must come; corrupt
// when it is neither TLS nor a mover's preamble.
Result<std::optional<Arrival>> judge_arrival(std::string_view first);

}  // namespace stillframe
