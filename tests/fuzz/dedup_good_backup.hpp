// A good backup of a small deduplicated volume, in memory, for programs that change it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "framework/base/check.hpp"
#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/stream_writer.hpp"
#include "framework/io/files.hpp"
#include "writers/dedup/volume/file_table.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::tests {

using Blob = std::vector<std::byte>;

constexpr std::size_t kFileCount = 5;

// A file system in memory, as far as a store and a table use one.
class MemoryFiles final : public Files {
 public:
  std::map<BytePath, std::shared_ptr<Blob>> files;

  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess) override {
    const auto found = files.find(path);
    if (found == files.end()) return Error(Errc::not_found, path);
    return std::unique_ptr<File>(new Handle(path, found->second));
  }
  Result<std::unique_ptr<File>> create(const BytePath& path) override {
    files[path] = std::make_shared<Blob>();
    return open(path, FileAccess::write);
  }
  Status rename(const BytePath& from, const BytePath& to) override {
    files[to] = files.at(from);
    files.erase(from);
    return Ok{};
  }
  Status remove(const BytePath& path) override {
    files.erase(path);
    return Ok{};
  }
  bool exists(const BytePath& path) override { return files.count(path) > 0; }
  Result<std::vector<BytePath>> list(const BytePath& directory) override {
    std::vector<BytePath> names;
    for (const auto& [path, bytes] : files) {
      if (path.compare(0, directory.size() + 1, directory + "/") != 0) continue;
      if (path.find('/', directory.size() + 1) == BytePath::npos) {
        names.push_back(path.substr(directory.size() + 1));
      }
    }
    return names;
  }
  Status make_directory(const BytePath&) override { return Ok{}; }
  Status sync_directory(const BytePath&) override { return Ok{}; }

 private:
  class Handle final : public File {
   public:
    Handle(BytePath path, std::shared_ptr<Blob> bytes)
        : path_(std::move(path)), bytes_(std::move(bytes)) {}
    Status read(std::uint64_t offset, MutableBytes into) const override {
      if (offset + into.size() > bytes_->size()) return Error(Errc::truncated, path_);
      if (!into.empty()) std::memcpy(into.data(), bytes_->data() + offset, into.size());
      return Ok{};
    }
    Status write(std::uint64_t offset, Bytes from) override {
      if (bytes_->size() < offset + from.size()) bytes_->resize(offset + from.size());
      if (!from.empty()) std::memcpy(bytes_->data() + offset, from.data(), from.size());
      return Ok{};
    }
    Status sync() override { return Ok{}; }
    Result<std::uint64_t> size() const override { return std::uint64_t{bytes_->size()}; }
    Status resize(std::uint64_t bytes) override {
      bytes_->resize(bytes);
      return Ok{};
    }
    const BytePath& path() const override { return path_; }

   private:
    const BytePath path_;
    const std::shared_ptr<Blob> bytes_;
  };
};

struct GoodBackup {
  std::map<BytePath, Blob> files;
  std::vector<dedup::Stub> marks;
  std::vector<std::uint64_t> sizes;
};

inline UuidBytes fixed_id(std::uint8_t number) {
  UuidBytes id{};
  id.fill(number);
  return id;
}

// Some kinds of files: with zeros, in one chunk, in many, changed since. With a key the store is
// encrypted, under the same nonces every time: an input does what it did.
inline GoodBackup make_backup(const std::optional<chunkstore::Key256>& key) {
  GoodBackup backup;
  MemoryFiles disk;
  const BytePath folder = BytePath("/") + dedup::kVolumeFolder, store_folder = folder + "/store";
  chunkstore::StoreOptions options;
  options.key = key;
  options.random = [](MutableBytes into) { std::fill(into.begin(), into.end(), std::byte{7}); };
  const Status made = chunkstore::Store::create(disk, store_folder, chunkstore::ChunkProfile::kib16,
                                                key, options.random);
  STILLFRAME_CHECK(made.ok(), "made");
  options.container_bytes = 60'000;
  auto store = chunkstore::Store::open(disk, store_folder, options);
  const UuidBytes id = fixed_id(9);
  STILLFRAME_CHECK(store.ok() && dedup::FileTable::create(disk, folder, id).ok(), "a volume");
  auto table = dedup::FileTable::open(disk, folder, id);
  STILLFRAME_CHECK(table.ok(), "a table");
  std::uint64_t random = 1;
  for (std::size_t i = 0; i < kFileCount; ++i) {
    Blob content(i == 0 ? 100 : 30'000 * i);
    for (std::size_t k = 0; k < content.size(); ++k) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      if (i != 2 || k < 20'000) content[k] = static_cast<std::byte>(random >> 56);
    }
    auto writer = store.value()->write_stream();
    const auto written = writer.finish(content);
    STILLFRAME_CHECK(written.ok() && store.value()->commit().ok(), "a stream");
    const dedup::FileId file(fixed_id(static_cast<std::uint8_t>(i + 1)));
    dedup::ExtentMap map(content.size(), dedup::Source::store);
    if (i == 3) map.set(4'096, 8'192, dedup::Source::local);
    STILLFRAME_CHECK(table.value()->put(file, written.value().id, std::move(map), 1).ok(), "put");
    backup.marks.push_back({id, file});
    backup.sizes.push_back(content.size());
  }
  const dedup::FileId changed = backup.marks[4].file;
  const std::vector<dedup::Extent> set{{0, 1'000, dedup::Source::zero}};
  STILLFRAME_CHECK(table.value()->change(changed, backup.sizes[4], set, 2).ok(), "a change");
  STILLFRAME_CHECK(table.value()->sync().ok(), "synced");
  for (const auto& [path, bytes] : disk.files) backup.files[path] = *bytes;
  return backup;
}

}  // namespace stillframe::tests
