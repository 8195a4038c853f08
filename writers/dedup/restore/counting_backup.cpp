#include "writers/dedup/restore/counting_backup.hpp"

namespace stillframe::dedup {

namespace {

class CountingBackup final : public BackupOfVolume {
 public:
  CountingBackup(BackupOfVolume& backup, BackupReads& reads) : backup_(backup), reads_(reads) {}

  Result<std::size_t> read(const BytePath& path, std::uint64_t offset,
                           std::span<std::byte> into) override {
    auto got = backup_.read(path, offset, into);
    const bool of_container = path.find("/containers/") != BytePath::npos;
    if (got.ok()) (of_container ? reads_.container_bytes : reads_.other_bytes) += got.value();
    return got;
  }
  Result<std::vector<BackupExtent>> order(const std::vector<BytePath>& containers) override {
    return backup_.order(containers);
  }
  Status preview(const BytePath& container, const std::vector<BackupRead>& reads) override {
    return backup_.preview(container, reads);
  }

 private:
  BackupOfVolume& backup_;
  BackupReads& reads_;
};

}  // namespace

std::unique_ptr<BackupOfVolume> counting_backup(BackupOfVolume& backup, BackupReads& reads) {
  return std::make_unique<CountingBackup>(backup, reads);
}

}  // namespace stillframe::dedup
