// A deduplicated volume, a backup of it that is read through a callback which writes everything
// down, and a volume in memory that its files are restored to.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "framework/chunkstore/collection.hpp"
#include "tests/dedup/volume/crashing_lower_file.hpp"
#include "tests/dedup/volume/volume_fixture.hpp"
#include "writers/dedup/restore/com_text.hpp"
#include "writers/dedup/restore/restore_run.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup::tests {

struct Call {
  enum class Kind { read, order, preview } kind = Kind::read;
  BytePath path;
  std::uint64_t offset = 0, bytes = 0;
  std::vector<DDP_FILE_EXTENT> to_come;
  std::vector<BytePath> containers;

  bool of_container() const { return path.find("/containers/") != BytePath::npos; }
};

class RecordingCallback final : public IDedupReadFileCallback {
 public:
  std::map<BytePath, Blob> files;  // of the backup
  std::vector<Call> calls;
  std::optional<std::size_t> fails_at;  // the call with this number, from 0
  HRESULT failure = E_FAIL;
  std::vector<DEDUP_CONTAINER_EXTENT> plan;
  std::size_t short_by = 0;  // every read of a container

  HRESULT QueryInterface(REFIID, void**) override { return E_NOINTERFACE; }
  std::uint32_t AddRef() override { return 1; }
  std::uint32_t Release() override { return 1; }

  HRESULT ReadBackupFile(BSTR path, std::int64_t offset, std::uint32_t bytes, std::uint8_t* buffer,
                         std::uint32_t* returned, std::uint32_t flags) override {
    Call call{Call::Kind::read,
              path_of_text(path).value(),
              static_cast<std::uint64_t>(offset),
              bytes,
              {},
              {}};
    EXPECT_EQ(flags, 0u);
    EXPECT_EQ(call.path.front(), '/');
    calls.push_back(call);
    if (fails_at == calls.size() - 1) return failure;
    const auto found = files.find(call.path);
    if (found == files.end()) return HRESULT_FROM_WIN32(2);
    const std::size_t size = found->second.size();
    std::size_t there = call.offset >= size ? 0 : std::min<std::size_t>(bytes, size - call.offset);
    if (call.of_container()) there -= std::min(there, short_by);
    std::memcpy(buffer, found->second.data() + std::min<std::size_t>(call.offset, size), there);
    *returned = static_cast<std::uint32_t>(there);
    return S_OK;
  }

  HRESULT OrderContainersRestore(std::uint32_t count, BSTR* paths, std::uint32_t* entries,
                                 DEDUP_CONTAINER_EXTENT** answer) override {
    EXPECT_EQ(*entries, 0u);
    EXPECT_EQ(*answer, nullptr);
    Call call{Call::Kind::order, {}, 0, 0, {}, {}};
    for (std::uint32_t i = 0; i < count; ++i) {
      call.containers.push_back(path_of_text(paths[i]).value());
    }
    calls.push_back(call);
    if (fails_at == calls.size() - 1) return failure;
    if (plan.empty()) return S_OK;
    *answer = static_cast<DEDUP_CONTAINER_EXTENT*>(
        CoTaskMemAlloc(plan.size() * sizeof(DEDUP_CONTAINER_EXTENT)));
    std::copy(plan.begin(), plan.end(), *answer);
    *entries = static_cast<std::uint32_t>(plan.size());
    return S_OK;
  }

  HRESULT PreviewContainerRead(BSTR path, std::uint32_t count, DDP_FILE_EXTENT* reads) override {
    calls.push_back(
        {Call::Kind::preview, path_of_text(path).value(), 0, 0, {reads, reads + count}, {}});
    return fails_at == calls.size() - 1 ? failure : S_OK;
  }

  std::size_t count(Call::Kind kind) const {
    return static_cast<std::size_t>(std::count_if(
        calls.begin(), calls.end(), [&](const Call& call) { return call.kind == kind; }));
  }
  std::uint64_t container_bytes() const {
    std::uint64_t sum = 0;
    for (const Call& call : calls) sum += call.of_container() ? call.bytes : 0;
    return sum;
  }
};

// What holds for the calls of every restore, however it ends.
inline void expect_contract(const RecordingCallback& callback) {
  std::map<BytePath, std::map<std::uint64_t, std::uint64_t>> asked;
  const auto& calls = callback.calls;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    if (call.kind == Call::Kind::preview) {
      ASSERT_FALSE(call.to_come.empty());
      for (std::size_t k = 0; k < call.to_come.size(); ++k) {
        ASSERT_GT(call.to_come[k].Length, 0);
        if (k > 0) {
          ASSERT_GE(call.to_come[k].Offset,
                    call.to_come[k - 1].Offset + call.to_come[k - 1].Length);
        }
      }
      if (callback.fails_at == i) continue;
      ASSERT_LT(i + 1, calls.size()) << "a preview without its read";
      ASSERT_EQ(calls[i + 1].kind, Call::Kind::read);
      ASSERT_TRUE(calls[i + 1].of_container());
    }
    if (call.kind != Call::Kind::read || !call.of_container()) continue;
    ASSERT_GT(i, 0u);
    ASSERT_EQ(calls[i - 1].kind, Call::Kind::preview);
    ASSERT_EQ(calls[i - 1].path, call.path);
    ASSERT_EQ(static_cast<std::uint64_t>(calls[i - 1].to_come.front().Offset), call.offset);
    ASSERT_EQ(static_cast<std::uint64_t>(calls[i - 1].to_come.front().Length), call.bytes);
    auto& parts = asked[call.path];
    const auto after = parts.lower_bound(call.offset + call.bytes);
    ASSERT_TRUE(after == parts.begin() || std::prev(after)->second <= call.offset)
        << "a byte of " << call.path << " was asked for twice, at " << call.offset;
    parts[call.offset] = call.offset + call.bytes;
  }
}

class MemoryTarget final : public TargetVolume {
 public:
  struct Node {
    Blob bytes;
    std::optional<Stub> mark;
    int finished = 0;
  };
  std::map<std::string, std::shared_ptr<Node>> nodes;
  HRESULT usable_answer = S_OK;
  std::optional<Error> look_error, write_error, finish_error;
  std::size_t writes_before_error = 0;

  HRESULT usable() override { return usable_answer; }
  Result<Look> look(std::string_view path) override {
    if (look_error) return *look_error;
    const auto found = nodes.find(std::string(path));
    if (found == nodes.end()) return Error(Errc::not_found, "no such file");
    return Look{{1, reinterpret_cast<std::uintptr_t>(found->second.get())},
                found->second->bytes.size(),
                {},
                found->second->mark};
  }
  Result<std::unique_ptr<TargetFile>> open(std::string_view path, const Look&) override {
    return std::unique_ptr<TargetFile>(new Open(*this, nodes.at(std::string(path))));
  }

 private:
  class Open final : public TargetFile {
   public:
    Open(MemoryTarget& target, std::shared_ptr<Node> node)
        : target_(target), node_(std::move(node)) {}
    Status write(std::uint64_t offset, Bytes from) override {
      if (target_.write_error && target_.writes_before_error-- == 0) return *target_.write_error;
      EXPECT_LE(offset + from.size(), node_->bytes.size());
      std::copy(from.begin(), from.end(),
                node_->bytes.begin() + static_cast<std::ptrdiff_t>(offset));
      return Ok{};
    }
    Status zero(std::uint64_t offset, std::uint64_t bytes) override {
      return write(offset, Blob(bytes));
    }
    Status finish(std::uint64_t file_bytes) override {
      if (target_.finish_error) return *target_.finish_error;
      node_->bytes.resize(file_bytes);
      node_->mark.reset();
      ++node_->finished;
      return Ok{};
    }

   private:
    MemoryTarget& target_;
    const std::shared_ptr<Node> node_;
  };
};

class RestoreTest : public ::testing::Test {
 protected:
  void SetUp() override { make_volume(40'000); }

  void make_volume(std::uint64_t container_bytes) {
    files_ = std::make_unique<stillframe::tests::CrashingFiles>();
    const Status made = OpenVolume::create(*files_, kFolder, id_, key_);
    ASSERT_TRUE(made.ok()) << made.error().what();
    chunkstore::StoreOptions options;
    options.container_bytes = container_bytes;
    options.key = key_;
    store_ = std::move(chunkstore::Store::open(*files_, kFolder + "/store", options)).value();
    table_ = std::move(FileTable::open(*files_, kFolder, id_)).value();
  }

  VolumeParts parts() { return {*store_, *table_, id_}; }

  // A deduplicated file of the volume.
  DedupFile& add(const std::string& name, const Blob& bytes) {
    DedupFile& file = add_plain(name, bytes);
    Optimizer optimizer(parts());
    EXPECT_TRUE(optimizer.add(file).ok());
    const auto done = optimizer.commit();
    EXPECT_TRUE(done.ok() && done.value().at(0).status.ok());
    return file;
  }
  DedupFile& add_plain(const std::string& name, const Blob& bytes) {
    for (const char* suffix : {"", ".mark"}) {
      EXPECT_TRUE(files_->create("/v/" + name + suffix).ok());
    }
    auto file = DedupFile::open(parts(), CrashingLowerFile::open(*files_, "/v/" + name));
    EXPECT_TRUE(file.ok());
    EXPECT_TRUE(file.value()->write(0, bytes).ok());
    names_.push_back(name);
    open_.push_back(std::move(file).value());
    content_[name] = bytes;
    return *open_.back();
  }

  Blob random(std::size_t bytes) { return random_bytes(random_, bytes); }

  // As of now: the backup, and the marked files in their places.
  void back_up() {
    callback_.files.clear();
    for (const BytePath& folder : {kFolder, kFolder + "/store", kFolder + "/store/containers"}) {
      const auto names = files_->list(folder);
      for (const BytePath& name : names.value()) {
        const auto file = files_->open(folder + "/" + name, FileAccess::read);
        if (!file.ok()) continue;
        Blob bytes(file.value()->size().value());
        if (file.value()->read(0, bytes).ok()) callback_.files[folder + "/" + name] = bytes;
      }
    }
    put_stubs();
  }
  void put_stubs() {
    target_.nodes.clear();
    for (const std::string& name : names_) {
      const auto lower = CrashingLowerFile::open(*files_, "/v/" + name);
      auto node = std::make_shared<MemoryTarget::Node>();
      node->bytes.resize(lower->size().value());
      EXPECT_TRUE(lower->read(0, node->bytes).ok());
      node->mark = lower->mark().value();
      target_.nodes[name] = node;
    }
  }

  HRESULT restore(const std::vector<std::string>& names) {
    callback_.calls.clear();
    const HRESULT hr = restore_files_from(target_, names, callback_, results_, {}, given_key_);
    EXPECT_EQ(results_.size(), names.size());
    expect_contract(callback_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (results_[i] == S_OK) expect_restored(names[i]);
    }
    return hr;
  }
  void expect_restored(const std::string& name) {
    EXPECT_TRUE(target_.nodes.at(name)->bytes == content_.at(name)) << name;
    EXPECT_FALSE(target_.nodes.at(name)->mark) << name;
    EXPECT_EQ(target_.nodes.at(name)->finished, 1) << name;
  }
  std::vector<BytePath> containers() const {
    std::vector<BytePath> paths;
    for (const auto& [path, bytes] : callback_.files) {
      if (path.find("/containers/") != BytePath::npos) paths.push_back(path);
    }
    return paths;
  }

  const BytePath kFolder = BytePath("/") + kVolumeFolder;
  const UuidBytes id_ = generate_uuid();
  std::mt19937_64 random_{7};
  std::optional<chunkstore::Key256> key_, given_key_;  // of the store, and to the restore
  std::unique_ptr<stillframe::tests::CrashingFiles> files_;
  std::unique_ptr<chunkstore::Store> store_;
  std::unique_ptr<FileTable> table_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<DedupFile>> open_;
  std::map<std::string, Blob> content_;
  RecordingCallback callback_;
  MemoryTarget target_;
  std::vector<HRESULT> results_;
};

}  // namespace stillframe::dedup::tests
