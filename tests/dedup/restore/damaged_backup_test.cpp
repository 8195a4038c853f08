// Backups that lack something or lie, and programs that fail: every file is restored whole or its
// result says why not, and the mark stays.
#include "framework/chunkstore/stream_writer.hpp"
#include "tests/dedup/restore/restore_fixture.hpp"

namespace stillframe::dedup {
namespace {

using tests::Blob;
using tests::Call;
using Kind = tests::Call::Kind;

class DamagedBackup : public tests::RestoreTest {
 protected:
  // Several containers of data, of which each file needs some.
  void make_files() {
    for (const char* name : {"a", "b", "c"}) add(name, random(60'000));
    back_up();
  }
  const std::vector<std::string> all_ = {"a", "b", "c"};
  const BytePath table_path_ = kFolder + "/" + kTableFileName;

  // What must hold whatever is wrong with the backup.
  void expect_sound(HRESULT returned) {
    const bool any_ok = std::count(results_.begin(), results_.end(), S_OK) > 0;
    const auto bad =
        std::find_if(results_.begin(), results_.end(), [](HRESULT r) { return r < 0; });
    if (bad == results_.end()) {
      EXPECT_EQ(returned, S_OK);
    } else if (!callback_.fails_at) {
      EXPECT_EQ(returned, any_ok ? DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS : *bad);
    }
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (results_[i] < 0) {
        EXPECT_TRUE(target_.nodes[all_[i]]->mark) << all_[i];
      }
    }
  }
};

TEST_F(DamagedBackup, EveryContainerInTurnIsMissing) {
  make_files();
  const auto files = callback_.files;
  for (const BytePath& path : containers()) {
    SCOPED_TRACE(path);
    callback_.files = files;
    callback_.files.erase(path);
    put_stubs();
    const HRESULT returned = restore(all_);
    expect_sound(returned);
    EXPECT_GT(std::count(results_.begin(), results_.end(), DDP_E_PATH_NOT_FOUND), 0);
    for (const HRESULT result : results_) {
      EXPECT_TRUE(result == S_OK || result == DDP_E_PATH_NOT_FOUND) << std::hex << result;
    }
  }
}

TEST_F(DamagedBackup, EveryContainerInTurnIsTruncated) {
  make_files();
  const auto files = callback_.files;
  for (const BytePath& path : containers()) {
    for (const double left : {0.0, 0.3, 0.9}) {
      SCOPED_TRACE(path);
      callback_.files = files;
      Blob& bytes = callback_.files[path];
      bytes.resize(static_cast<std::size_t>(left * static_cast<double>(bytes.size())));
      put_stubs();
      expect_sound(restore(all_));
      EXPECT_GT(std::count(results_.begin(), results_.end(), DDP_E_FILE_CORRUPT), 0);
      for (const HRESULT result : results_) {
        EXPECT_TRUE(result == S_OK || result == DDP_E_FILE_CORRUPT) << std::hex << result;
      }
    }
  }
}

// Wherever it is: header, table, payload, stream map, footer.
TEST_F(DamagedBackup, AFlippedBitNeverGivesOtherBytes) {
  make_files();
  const auto files = callback_.files;
  int corrupt = 0;
  for (const auto& [path, whole] : files) {
    for (int i = 0; i < 60 && !whole.empty(); ++i) {
      const std::size_t at =
          i < 8 ? static_cast<std::size_t>(i) * 8 % whole.size() : random_() % whole.size();
      SCOPED_TRACE(path + " at " + std::to_string(at));
      callback_.files = files;
      callback_.files[path][at] ^= std::byte{1} << static_cast<int>(random_() % 8);
      put_stubs();
      expect_sound(restore(all_));  // a file whose result is S_OK is compared
      corrupt += std::count(results_.begin(), results_.end(), DDP_E_FILE_CORRUPT) > 0;
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(corrupt, 100);
}

TEST_F(DamagedBackup, ShortReadsOfContainersAreCorruption) {
  make_files();
  callback_.short_by = 1;
  EXPECT_EQ(restore(all_), DDP_E_FILE_CORRUPT);
}

TEST_F(DamagedBackup, AProgramMayFailAtAnyCall) {
  make_files();
  ASSERT_EQ(restore(all_), S_OK);
  const std::vector<Call> calls = callback_.calls;
  ASSERT_GT(calls.size(), 20u);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    put_stubs();
    callback_.fails_at = i;
    const HRESULT returned = restore(all_);
    expect_sound(returned);
    if (calls[i].kind == Kind::read) {
      // Only the files that need these bytes.
      EXPECT_TRUE(returned == DDP_E_UNEXPECTED || returned == DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
      EXPECT_GT(std::count(results_.begin(), results_.end(), DDP_E_UNEXPECTED), 0);
    } else {
      // The program wants no more of it.
      EXPECT_EQ(returned, E_FAIL);
      EXPECT_EQ(callback_.calls.size(), i + 1);
      EXPECT_EQ(std::count(results_.begin(), results_.end(), S_OK) +
                    std::count(results_.begin(), results_.end(), E_FAIL),
                3);
    }
  }
  callback_.fails_at.reset();
  put_stubs();
  EXPECT_EQ(restore(all_), S_OK);
}

TEST_F(DamagedBackup, OrdersAndPreviewsNeedNotBeImplemented) {
  make_files();
  ASSERT_EQ(restore(all_), S_OK);
  const std::vector<Call> calls = callback_.calls;
  callback_.failure = E_NOTIMPL;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].kind == Kind::read) continue;
    put_stubs();
    callback_.fails_at = i;
    EXPECT_EQ(restore(all_), S_OK) << i;
    EXPECT_EQ(callback_.calls.size(), calls.size());
  }
}

TEST_F(DamagedBackup, EveryOtherFileOfTheStoreInTurnIsMissing) {
  make_files();
  const auto files = callback_.files;
  for (const BytePath& path :
       {table_path_, kFolder + "/store/commits", kFolder + "/store/directory"}) {
    SCOPED_TRACE(path);
    callback_.files = files;
    ASSERT_EQ(callback_.files.erase(path), 1u);
    put_stubs();
    EXPECT_EQ(restore(all_), DDP_E_PATH_NOT_FOUND);
  }
}

TEST_F(DamagedBackup, AnEntryThatIsDamagedAmongOthersIsNotTakenForTheEnd) {
  make_files();
  callback_.files[table_path_][kTableHeaderBytes + 30] ^= std::byte{1};
  EXPECT_EQ(restore(all_), DDP_E_FILE_CORRUPT);
}

TEST_F(DamagedBackup, AnEntryThatIsTornAtTheEndIsOfNoFile) {
  make_files();
  Blob& table = callback_.files[table_path_];
  table.resize(table.size() - 5);  // what says which ctime the last file was left with
  EXPECT_EQ(restore(all_), S_OK);
  put_stubs();
  table.resize(table.size() - kEntryBytesMin);
  EXPECT_EQ(restore(all_), DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
  EXPECT_EQ(results_, (std::vector<HRESULT>{S_OK, S_OK, DDP_E_NOT_FOUND}));
}

TEST_F(DamagedBackup, MarksOfAnotherStoreAndOfAnUnknownFileAreNotFound) {
  make_files();
  target_.nodes["a"]->mark->store = generate_uuid();
  target_.nodes["b"]->mark->file = FileId::generate();
  EXPECT_EQ(restore(all_), DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
  EXPECT_EQ(results_, (std::vector<HRESULT>{DDP_E_NOT_FOUND, DDP_E_NOT_FOUND, S_OK}));
}

TEST_F(DamagedBackup, AMarkThatIsDamagedAndAFileThatWasCutAreInvalid) {
  make_files();
  target_.nodes["a"]->bytes.resize(100);
  EXPECT_EQ(restore(all_), DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
  EXPECT_EQ(results_.front(), DDP_E_INVALID_DATA);
  put_stubs();
  target_.look_error = Error(Errc::future_version, "a mark of another version");
  EXPECT_EQ(restore({"a"}), DDP_E_INVALID_DATA);
}

// An entry that names a chunk which its container does not have, or one that is no stream map.
TEST_F(DamagedBackup, EntriesThatNameOtherChunksAreFoundOut) {
  make_files();
  const FileId a = target_.nodes["a"]->mark->file;
  const chunkstore::StreamId whole = table_->find(a)->stream;
  const auto with_stream = [&](chunkstore::ChunkName name) {
    ASSERT_TRUE(table_->put(a, {name}, ExtentMap(60'000, Source::store), 0).ok());
    ASSERT_TRUE(table_->sync().ok());
    back_up();
    EXPECT_EQ(restore(all_), DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
    EXPECT_EQ(results_[1], S_OK);
  };
  with_stream({whole.map.container, 60'000});
  EXPECT_EQ(results_[0], DDP_E_NOT_FOUND);
  with_stream({1'000'000, 0});
  EXPECT_EQ(results_[0], DDP_E_NOT_FOUND);
  with_stream({0, 0});
  EXPECT_EQ(results_[0], DDP_E_NOT_FOUND);
  with_stream({whole.map.container == 1 ? 2u : 1u, 0});  // a container of data
  EXPECT_EQ(results_[0], DDP_E_INVALID_DATA);
}

// A stream that is shorter than what the file takes of it.
TEST_F(DamagedBackup, AStreamThatDoesNotFitItsFileIsInvalid) {
  make_files();
  const FileId a = target_.nodes["a"]->mark->file;
  const chunkstore::StreamId stream = table_->find(a)->stream;
  ASSERT_TRUE(table_->put(a, stream, ExtentMap(70'000, Source::store), 0).ok());
  ASSERT_TRUE(table_->sync().ok());
  back_up();
  target_.nodes["a"]->bytes.resize(70'000);
  EXPECT_EQ(restore({"a"}), DDP_E_INVALID_DATA);
}

// The map of a stream with more chunks than one map names leads to maps of its parts.
TEST_F(DamagedBackup, MapsOfMapsAreFollowedWhereTheyAreNeeded) {
  const Blob chunk = random(16384);
  chunkstore::StreamWriter writer = store_->write_stream(chunkstore::StreamKind::disk_image);
  constexpr std::uint64_t kChunks = chunkstore::kMapExtentsMax + 100;
  for (std::uint64_t i = 0; i < kChunks; ++i) ASSERT_TRUE(writer.write(chunk).ok());
  const auto written = writer.finish();
  ASSERT_TRUE(written.ok() && store_->commit().ok());
  ExtentMap map(kChunks * chunk.size(), Source::local);
  map.set(0, 20'000, Source::store);
  map.set(map.file_bytes() - 20'000, 20'000, Source::store);
  const FileId file = FileId::generate();
  ASSERT_TRUE(table_->put(file, written.value().id, map, 0).ok() && table_->sync().ok());
  back_up();
  auto node = std::make_shared<tests::MemoryTarget::Node>();
  node->bytes.resize(map.file_bytes());
  node->mark = Stub{id_, file};
  target_.nodes["big"] = node;
  std::vector<HRESULT> results;
  ASSERT_EQ(restore_files_from(target_, {"big"}, callback_, results), S_OK);
  tests::expect_contract(callback_);
  EXPECT_TRUE(std::equal(chunk.begin(), chunk.end(), node->bytes.begin()));
  EXPECT_TRUE(std::equal(chunk.begin(), chunk.end(), node->bytes.end() - 16384));
  EXPECT_EQ(node->bytes[30'000], std::byte{0});
}

}  // namespace
}  // namespace stillframe::dedup
