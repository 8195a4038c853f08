// What every job says when it ends.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::dedup {

struct FileFailure {
  BytePath path;
  Error why;
};

// Files that a job could not deal with, and went on.
class FileFailures {
 public:
  static constexpr std::size_t kNamedMax = 1000;

  void add(BytePath path, Error why) {
    ++count_;
    if (named_.size() < kNamedMax) named_.push_back({std::move(path), std::move(why)});
  }
  std::uint64_t count() const { return count_; }
  const std::vector<FileFailure>& named() const { return named_; }  // the first kNamedMax

 private:
  std::uint64_t count_ = 0;
  std::vector<FileFailure> named_;
};

}  // namespace stillframe::dedup
