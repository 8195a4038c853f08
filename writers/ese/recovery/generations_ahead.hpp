// Generations of a log one after the other, each read and judged in another thread while the one
// before is being worked on.
#pragma once

#include <functional>
#include <future>
#include <optional>

#include <stillframe/result.hpp>

#include "writers/ese/format/log_generation.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// One thread at a time. At most one generation more is in memory than its user has. When it goes it
// waits for what it reads.
class GenerationsAhead {
 public:
  // Called in any thread, never twice at a time. An error is for whoever takes that generation.
  using Read = std::function<Result<LogGeneration>(Generation generation, bool last)>;

  GenerationsAhead(Read read, Generation last) : read_(std::move(read)), last_(last) {}

  Result<LogGeneration> take(Generation generation);

 private:
  struct Pending {
    Generation generation;
    std::future<Result<LogGeneration>> log;
  };

  const Read read_;
  const Generation last_;
  std::optional<Pending> pending_;
};

}  // namespace stillframe::ese
