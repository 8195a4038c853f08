#include "writers/ese/engine/time_and_chance.hpp"

#include <chrono>
#include <ctime>
#include <random>

namespace stillframe::ese {

LogTime log_time_now() {
  using std::chrono::duration_cast, std::chrono::milliseconds;
  const auto clock = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(clock);
  const auto within = duration_cast<milliseconds>(clock.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  LogTime time;
  time.seconds = static_cast<std::uint8_t>(parts.tm_sec);
  time.minutes = static_cast<std::uint8_t>(parts.tm_min);
  time.hours = static_cast<std::uint8_t>(parts.tm_hour);
  time.day = static_cast<std::uint8_t>(parts.tm_mday);
  time.month = static_cast<std::uint8_t>(parts.tm_mon + 1);
  time.years_since_1900 = static_cast<std::uint8_t>(parts.tm_year);
  time.utc_and_low_milliseconds = static_cast<std::uint8_t>(1 | (within & 0x7F) << 1);
  time.high_milliseconds = static_cast<std::uint8_t>((within >> 7 & 7) << 1);
  return time;
}

std::uint32_t random_number() {
  return std::random_device()();
}

}  // namespace stillframe::ese
