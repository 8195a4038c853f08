#include "writers/ese/tool/fields.hpp"

namespace stillframe::ese::tool {

std::string hex_text(Bytes bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

std::string time_text(const LogTime& time) {
  if (!time.set()) return "";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}{}", 1900 + time.years_since_1900,
                     time.month, time.day, time.hours, time.minutes, time.seconds,
                     time.milliseconds(), time.utc() ? " UTC" : "");
}

std::string lgpos_text(const Lgpos& place) {
  if (place.none()) return "";
  return fmt::format("{:X},{:X},{:X}", static_cast<std::uint32_t>(place.generation), place.isec,
                     place.ib);
}

}  // namespace stillframe::ese::tool
