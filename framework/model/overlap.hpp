// File sets of one writer that could claim the same file.
#pragma once

#include <optional>
#include <utility>

#include <stillframe/writer_metadata.hpp>

namespace stillframe {

struct FileSetPosition {
  std::size_t component = 0;
  std::size_t files = 0;
  friend bool operator==(const FileSetPosition&, const FileSetPosition&) = default;
};

// The first pair found, by the text of their paths. Variables and links can make paths meet that
// look different: plan_files() sees those.
std::optional<std::pair<FileSetPosition, FileSetPosition>> find_overlap(
    const WriterMetadata& metadata);

}  // namespace stillframe
