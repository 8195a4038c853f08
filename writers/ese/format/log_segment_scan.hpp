// Finds the valid segments of a log file of the framing since Windows 8.
#pragma once

#include <cstdint>

#include <stillframe/result.hpp>

#include "writers/ese/format/log_generation.hpp"

namespace stillframe::ese {

class SegmentScan {
 public:
  SegmentScan(LogGeneration& log, const LogReadRules& rules) : log_(log), rules_(rules) {}

  // Fills in what the generation knows of its segments; restores the last from its shadow.
  Status run();

 private:
  bool present(std::uint32_t isec) const;
  Bytes at(std::uint32_t isec) const;
  bool shadow_follows(std::uint32_t isec) const;
  void accept(std::uint32_t isec);
  void restore(std::uint32_t isec);
  Status end_before(std::uint32_t isec, LogEnd end);
  Error lies(std::uint32_t isec, const char* why) const;

  LogGeneration& log_;
  LogReadRules rules_;
};

}  // namespace stillframe::ese
