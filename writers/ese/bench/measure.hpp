// Measures a store: how many rows, reads, commits, redone updates a second.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "writers/ese/bench/measured_store.hpp"

namespace stillframe::ese::bench {

enum class Measure {
  load,
  warm_reads,
  cold_reads,
  scans,
  commits_alone,
  commits_together,
  recovery
};
inline constexpr Measure kMeasures[] = {
    Measure::load,          Measure::warm_reads,       Measure::cold_reads, Measure::scans,
    Measure::commits_alone, Measure::commits_together, Measure::recovery};

// "load", and what is counted: "rows inserted in random order, 1,000 a commit".
std::string_view name_of(Measure measure) noexcept;
std::string_view unit_of(Measure measure) noexcept;

struct Figure {
  Measure measure;
  double per_second = 0;
};

struct MeasureOptions {
  BytePath folder;  // is there; the files are in a new one inside it
  std::uint64_t rows = 1'000'000;
  double commit_seconds = 3;
  std::vector<Measure> only;  // empty: all
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress;

  bool wants(Measure measure) const;
};

inline constexpr std::uint64_t kRowsACommit = 1000;
inline constexpr std::uint64_t kRowsAScan = 1000;
inline constexpr unsigned kThreadsTogether = 16;

// The rows and what an engine has beside them fit; a tenth of that does not hold a tenth more.
std::size_t whole_cache_bytes(std::uint64_t rows);
std::size_t tenth_cache_bytes(std::uint64_t rows);

// Leaves the folder as it was. `make` is called again and again. Starts processes, so no thread may
// run beside it.
using MakeStore = std::function<std::unique_ptr<MeasuredStore>()>;
Result<std::vector<Figure>> measure(const MakeStore& make, const MeasureOptions& options);

// In GB/s on one core: reading memory, and verifying pages of 8 KiB in it.
struct PageVerification {
  double sweep = 0, verify = 0;
};
PageVerification measure_verification();

}  // namespace stillframe::ese::bench
