// link: stillframe_dedup_restore
// A backup that lies: files of a good one are changed as the input says, with checksums made right
// again, and restored through a callback that answers as the input says. No read leaves what a file
// may have, none of a container is repeated, no write leaves its file, and it ends.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"
#include "framework/chunkstore/container_directory.hpp"
#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/frame.hpp"
#include "tests/fuzz/dedup_good_backup.hpp"
#include "writers/dedup/restore/com_text.hpp"
#include "writers/dedup/restore/restore_run.hpp"

using namespace stillframe;
using namespace stillframe::tests;

namespace {

constexpr std::size_t kCallsMax = 200'000;

// ---- what the input makes of it

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool ends() const { return at_ >= size_; }
  std::uint8_t byte() { return ends() ? std::uint8_t{0} : data_[at_++]; }
  std::uint32_t number() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }

 private:
  const std::uint8_t* const data_;
  const std::size_t size_;
  std::size_t at_ = 0;
};

void store_sum(Blob& file, std::size_t from, std::size_t bytes, std::size_t at) {
  const XXH64_hash_t sum = XXH3_64bits(file.data() + from, bytes);
  std::memcpy(file.data() + at, &sum, sizeof sum);
}

std::uint32_t load_number(const Blob& file, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

// The checksums of frames from a container's header on, as far as there are any.
void mend_frames(Blob& file, std::uint32_t container) {
  std::size_t at = chunkstore::kContainerHeaderBytes;
  while (at + chunkstore::kFrameHeaderBytes <= file.size() &&
         std::memcmp(file.data() + at, "SFFR", 4) == 0) {
    const MutableBytes rest = MutableBytes(file).subspan(at);
    const std::size_t bytes = chunkstore::stated_frame_bytes(rest);
    if (bytes > rest.size()) return;
    chunkstore::seal_frame(rest.first(bytes), {container, at});
    at += bytes;
  }
}

void mend_container(Blob& file) {
  if (file.size() < chunkstore::kContainerHeaderBytes) return;
  store_sum(file, 0, 56, 56);
  mend_frames(file, load_number(file, 32));
  if (file.size() < chunkstore::kContainerHeaderBytes + chunkstore::kTrailerBytes) return;
  std::uint64_t footer = 0;
  std::memcpy(&footer, file.data() + file.size() - chunkstore::kTrailerBytes + 16, sizeof footer);
  if (footer >= file.size() - chunkstore::kTrailerBytes) return;
  chunkstore::seal_footer(MutableBytes(file).subspan(footer));
}

void mend_table(Blob& file) {
  if (file.size() < dedup::kTableHeaderBytes) return;
  store_sum(file, 0, 56, 56);
  std::size_t at = dedup::kTableHeaderBytes;
  while (at + dedup::kEntryHeadBytes <= file.size()) {
    const std::size_t bytes = load_number(file, at + 8);
    if (bytes < dedup::kEntryHeadBytes + 8 || bytes > file.size() - at) return;
    store_sum(file, at, bytes - 8, at + bytes - 8);
    at += bytes;
  }
}

void mend(const BytePath& path, Blob& file) {
  if (path.ends_with("/commits")) {
    for (std::size_t at = 0; at + 96 <= file.size(); at += 4096) store_sum(file, at, 88, at + 88);
  } else if (path.ends_with("/key")) {
    for (std::size_t at = 0; at + 128 <= file.size(); at += 4096)
      store_sum(file, at, 120, at + 120);
  } else if (path.ends_with("/directory")) {
    for (std::size_t at = 0; at + 32 <= file.size(); at += 32) store_sum(file, at, 24, at + 24);
  } else if (path.find("/containers/") != BytePath::npos) {
    mend_container(file);
  } else {
    mend_table(file);
  }
}

void change_backup(GoodBackup& backup, Input& input) {
  for (int changes = input.byte() % 16; changes > 0 && !input.ends(); --changes) {
    auto it = backup.files.begin();
    std::advance(it, input.byte() % backup.files.size());
    Blob& file = it->second;
    const std::uint8_t how = input.byte();
    const std::uint32_t where = input.number();
    if (file.empty()) continue;
    switch (how % 8) {
      case 0:
        file.resize(where % (file.size() + 1));
        break;
      case 1:
        backup.files.erase(it);
        if (backup.files.empty()) return;
        continue;
      case 2: {  // a copy of another part of it
        const std::size_t bytes = std::min<std::size_t>(input.byte(), file.size());
        const std::size_t from = where % (file.size() - bytes + 1);
        const std::size_t to = input.number() % (file.size() - bytes + 1);
        std::memmove(file.data() + to, file.data() + from, bytes);
        break;
      }
      default: {
        // Near one of its ends, where tables are, or anywhere.
        std::size_t at = where % file.size();
        if (how & 8) at = where % std::min<std::size_t>(file.size(), 256);
        if (how & 16) at = file.size() - 1 - where % std::min<std::size_t>(file.size(), 512);
        for (int bytes = 1 + how % 4; bytes > 0 && at < file.size(); --bytes, ++at) {
          file[at] = static_cast<std::byte>(input.byte());
        }
      }
    }
    if ((how & 128) == 0) mend(it->first, file);
  }
}

// ---- the program that restores

class HostileCallback final : public IDedupReadFileCallback {
 public:
  HostileCallback(const std::map<BytePath, Blob>& files, Input& input)
      : files_(files), input_(input), temper_(input.byte()) {}

  HRESULT QueryInterface(REFIID, void**) override { return E_NOINTERFACE; }
  std::uint32_t AddRef() override { return 1; }
  std::uint32_t Release() override { return 1; }

  HRESULT ReadBackupFile(BSTR name, std::int64_t offset, std::uint32_t bytes, std::uint8_t* buffer,
                         std::uint32_t* returned, std::uint32_t) override {
    STILLFRAME_CHECK(++calls_ < kCallsMax, "it ends");
    STILLFRAME_CHECK(offset >= 0, "a place in the file");
    const BytePath path = dedup::path_of_text(name).value();
    const auto at = static_cast<std::uint64_t>(offset);
    if (path.find("/containers/") != BytePath::npos) read_of_container(path, at, bytes);
    const auto found = files_.find(path);
    if (found == files_.end()) return HRESULT_FROM_WIN32(2);
    const std::size_t size = found->second.size();
    std::size_t there = at >= size ? 0 : std::min<std::size_t>(bytes, size - at);
    if ((temper_ & 1) != 0 && input_.byte() == 1) there /= 2;
    if (there > 0) std::memcpy(buffer, found->second.data() + at, there);
    *returned = static_cast<std::uint32_t>(there);
    if ((temper_ & 2) != 0 && input_.byte() == 1) return E_FAIL;
    return S_OK;
  }

  HRESULT OrderContainersRestore(std::uint32_t, BSTR*, std::uint32_t* entries,
                                 DEDUP_CONTAINER_EXTENT** plan) override {
    const std::uint32_t count = (temper_ & 4) != 0 ? input_.byte() % 8 : 0;
    if (count == 0) return S_OK;
    *plan = static_cast<DEDUP_CONTAINER_EXTENT*>(CoTaskMemAlloc(count * sizeof **plan));
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint8_t high = input_.byte();
      (*plan)[i].ContainerIndex = high % 4;
      (*plan)[i].StartOffset = static_cast<std::int64_t>(input_.number());
      (*plan)[i].Length = (high & 128) != 0 ? -1 : static_cast<std::int64_t>(input_.number());
    }
    *entries = count;
    return S_OK;
  }

  HRESULT PreviewContainerRead(BSTR, std::uint32_t count, DDP_FILE_EXTENT* reads) override {
    STILLFRAME_CHECK(count > 0 && reads[0].Length > 0, "a read that is to come");
    previewed_ = reads[0];
    return S_OK;
  }

 private:
  void read_of_container(const BytePath& path, std::uint64_t offset, std::uint32_t bytes) {
    STILLFRAME_CHECK(static_cast<std::uint64_t>(previewed_.Offset) == offset &&
                         previewed_.Length == static_cast<std::int64_t>(bytes),
                     "the read that was previewed");
    STILLFRAME_CHECK(offset + bytes <= chunkstore::kContainerFileBytesMax,
                     "a place that a container may have");
    auto& parts = read_[path];
    const auto after = parts.lower_bound(offset + bytes);
    STILLFRAME_CHECK(after == parts.begin() || std::prev(after)->second <= offset,
                     "no byte of a container twice");
    parts[offset] = offset + bytes;
  }

  const std::map<BytePath, Blob>& files_;
  Input& input_;
  const std::uint8_t temper_;
  std::size_t calls_ = 0;
  DDP_FILE_EXTENT previewed_{};
  std::map<BytePath, std::map<std::uint64_t, std::uint64_t>> read_;
};

class BoundedTarget final : public dedup::TargetVolume {
 public:
  explicit BoundedTarget(const GoodBackup& backup) : backup_(backup) {}

  HRESULT usable() override { return S_OK; }
  Result<Look> look(std::string_view path) override {
    const std::size_t i = number(path);
    return Look{{1, i}, backup_.sizes[i], {}, backup_.marks[i]};
  }
  Result<std::unique_ptr<dedup::TargetFile>> open(std::string_view path, const Look&) override {
    return std::unique_ptr<dedup::TargetFile>(new Open(backup_.sizes[number(path)]));
  }

 private:
  class Open final : public dedup::TargetFile {
   public:
    explicit Open(std::uint64_t bytes) : bytes_(bytes) {}
    Status write(std::uint64_t offset, Bytes from) override { return zero(offset, from.size()); }
    Status zero(std::uint64_t offset, std::uint64_t bytes) override {
      STILLFRAME_CHECK(bytes <= bytes_ && offset <= bytes_ - bytes, "within the file");
      return Ok{};
    }
    Status finish(std::uint64_t file_bytes) override {
      STILLFRAME_CHECK(file_bytes <= bytes_, "no longer than the file");
      return Ok{};
    }

   private:
    const std::uint64_t bytes_;
  };
  static std::size_t number(std::string_view path) {
    return static_cast<std::size_t>(path.front() - '0');
  }

  const GoodBackup& backup_;
};

void restore_what_is_left(GoodBackup backup, const std::optional<chunkstore::Key256>& key,
                          const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  change_backup(backup, input);
  HostileCallback callback(backup.files, input);
  BoundedTarget target(backup);
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < kFileCount; ++i) paths.push_back(std::to_string(i));
  std::vector<HRESULT> results;
  const HRESULT hr =
      dedup::restore_files_from(target, paths, callback, results, {std::size_t{4096}, 2}, key);
  STILLFRAME_CHECK(results.size() == paths.size(), "a result for each");
  if (size == 0) STILLFRAME_CHECK(hr == S_OK, "a good backup restores");
}

}  // namespace

// One whose store is encrypted, too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const GoodBackup plain = make_backup(std::nullopt);
  static const GoodBackup encrypted = make_backup(chunkstore::Key256());
  restore_what_is_left(plain, std::nullopt, data, size);
  restore_what_is_left(encrypted, chunkstore::Key256(), data, size);
  return 0;
}
