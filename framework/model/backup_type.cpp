#include "framework/model/backup_type.hpp"

namespace stillframe {
namespace {

// Copy and other take what a full backup takes.
std::uint32_t required_bit(BackupType type) noexcept {
  switch (type) {
    case BackupType::full:
    case BackupType::copy:
    case BackupType::other:
      return TypeMask::kFullRequired;
    case BackupType::incremental:
      return TypeMask::kIncrementalRequired;
    case BackupType::differential:
      return TypeMask::kDifferentialRequired;
    case BackupType::log:
      return TypeMask::kLogRequired;
  }
  return TypeMask::kFullRequired;
}

// The snapshot bits stand eight places above the required bits.
std::uint32_t snapshot_bit(BackupType type) noexcept {
  return required_bit(type) << 8;
}

static_assert(TypeMask::kFullRequired << 8 == TypeMask::kFullSnapshot &&
              TypeMask::kDifferentialRequired << 8 == TypeMask::kDifferentialSnapshot &&
              TypeMask::kIncrementalRequired << 8 == TypeMask::kIncrementalSnapshot &&
              TypeMask::kLogRequired << 8 == TypeMask::kLogSnapshot);

}  // namespace

BackupType effective_type(const BackupSchema& schema, BackupType requested) noexcept {
  const auto if_promised = [&](std::uint32_t bit) {
    return schema.has(bit) ? requested : BackupType::full;
  };
  switch (requested) {
    case BackupType::full:
    case BackupType::other:  // a private agreement between requestor and writer
      return requested;
    case BackupType::incremental:
      return if_promised(BackupSchema::kIncremental);
    case BackupType::differential:
      return if_promised(BackupSchema::kDifferential);
    case BackupType::log:
      return if_promised(BackupSchema::kLog);
    case BackupType::copy:
      return if_promised(BackupSchema::kCopy);
  }
  return BackupType::full;
}

bool takes_part(const Component& component, const FileSet& files, BackupType type) noexcept {
  if (type == BackupType::log && component.type == ComponentType::database && !files.is_log) {
    return false;
  }
  return (files.mask.bits & required_bit(type)) != 0;
}

bool needs_snapshot(const FileSet& files, BackupType type) noexcept {
  return (files.mask.bits & snapshot_bit(type)) != 0;
}

std::vector<ReadPlace> read_places(const WriterMetadata& metadata,
                                   std::span<const std::size_t> components, BackupType type) {
  std::vector<ReadPlace> places;
  for (const std::size_t index : components) {
    const Component& component = metadata.components.at(index);
    for (const FileSet& files : component.files) {
      if (!takes_part(component, files, type)) continue;
      const bool from_snapshot = needs_snapshot(files, type);
      places.push_back({files.path, files.recursive, from_snapshot});
      if (files.alternate_path) {
        places.push_back({*files.alternate_path, files.recursive, from_snapshot});
      }
    }
  }
  return places;
}

}  // namespace stillframe
