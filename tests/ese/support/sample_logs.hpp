// A small log sequence in memory: generations that follow each other, each full. Tests break it in
// one place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "writers/ese/format/log_chain.hpp"
#include "writers/ese/format/log_segments.hpp"

namespace stillframe::ese::tests {

struct SampleLog {
  ChainLog log;  // archived, unless a test says otherwise
  std::vector<std::byte> file;
};

// Generations `first` to `last`, created on sample_day(generation). Each begins with an Insert on
// page 100 + generation by session 5, and holds traces behind it.
std::vector<SampleLog> sample_logs(std::int32_t first, std::int32_t last);

inline constexpr std::uint16_t kSampleLogSegments = 8;

Signature sample_sequence(std::uint32_t random = 99);  // of the logs: 99
LogTime sample_day(std::int32_t day);

}  // namespace stillframe::ese::tests
