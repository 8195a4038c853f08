// Copies of databases that a crash has left and recovery mended, for readers that share no code
// with the engine: STILLFRAME_KEEP_RESULTS names the folder they are put into. Without it none is
// kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "framework/io/files.hpp"

namespace stillframe::ese::tests {

class KeptResults {
 public:
  KeptResults();

  // Every hundredth one, and the first; `always` for what has to be looked at by hand. Of a
  // database that nobody has open.
  void keep(Files& files, const BytePath& database, bool always = false);

 private:
  std::optional<std::string> folder_;
  std::uint64_t seen_ = 0;
};

}  // namespace stillframe::ese::tests
