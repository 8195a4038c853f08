// Stores that are encrypted: who may open them, and that all that is done with a store is done with
// them.
#include <algorithm>

#include "framework/chunkstore/hotspots.hpp"
#include "framework/chunkstore/scrub.hpp"
#include "tests/chunkstore/encrypted_samples.hpp"
#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using tests::Blob;
using tests::collect;
using tests::create;
using tests::get;
using tests::Image;
using tests::image_of;
using tests::kFolder;
using tests::put;
using tests::random_bytes;
using tests::small_containers;
using tests::some_key;

StoreOptions with_key(std::uint8_t number, std::uint64_t container_bytes = 200'000,
                      Compression how = Compression::zstd) {
  StoreOptions options = small_containers(container_bytes, how);
  options.key = some_key(number);
  return options;
}

class EncryptedStore : public testing::Test {
 protected:
  void make(const StoreOptions& options = with_key(1)) {
    options_ = options;
    store_ = create(files_, options);
  }
  void reopen() {
    store_.reset();
    store_ = tests::open(files_, options_);
    ASSERT_NE(store_, nullptr);
  }
  void add(const Blob& bytes) {
    ids_.push_back(put(*store_, bytes).id);
    bytes_.push_back(bytes);
  }
  void add_some(int count, std::size_t bytes = 60'000) {
    for (int i = 0; i < count; ++i) add(random_bytes(random_, bytes));
    ASSERT_TRUE(store_->commit().ok());
  }
  std::unique_ptr<StoreReader> reader() {
    const auto cipher = unlock_store(files_, kFolder, *options_.key);
    return StoreReader::open(files_, kFolder, kReaderFooterBytes, cipher.value()).value();
  }
  void expect_all_readable() {
    for (std::size_t i = 0; i < ids_.size(); ++i) EXPECT_TRUE(get(*store_, ids_[i]) == bytes_[i]);
  }
  void damage(const BytePath& path, std::uint64_t at) {
    auto file = files_.open(path, FileAccess::write).value();
    ASSERT_TRUE(file->write(at, Blob(16, std::byte{0x55})).ok() && file->sync().ok());
  }

  CrashingFiles files_;
  std::mt19937_64 random_{1};
  StoreOptions options_;
  std::unique_ptr<Store> store_;
  std::vector<StreamId> ids_;
  std::vector<Blob> bytes_;
};

// ---- who may open it

TEST_F(EncryptedStore, OpensWithItsKeyAloneAndIsLeftAsItIsOtherwise) {
  make();
  add_some(5);
  put(*store_, random_bytes(random_, 70'000));  // not committed: whoever opens it removes that
  store_.reset();
  const Image before = image_of(files_, kFolder);
  const std::uint64_t operations = files_.operations();

  EXPECT_EQ(Store::open(files_, kFolder, small_containers(200'000)).error().code(),
            Errc::access_denied);
  EXPECT_EQ(Store::open(files_, kFolder, with_key(2)).error().code(), Errc::access_denied);
  EXPECT_EQ(StoreReader::open(files_, kFolder).error().code(), Errc::access_denied);
  EXPECT_EQ(unlock_store(files_, kFolder, some_key(2)).error().code(), Errc::access_denied);
  EXPECT_EQ(files_.operations(), operations);
  EXPECT_EQ(image_of(files_, kFolder), before);

  reopen();
  EXPECT_TRUE(store_->is_encrypted());
  expect_all_readable();
  tests::expect_clean(*store_);
}

TEST_F(EncryptedStore, AKeyIsRefusedByAStoreThatHasNone) {
  store_ = create(files_, small_containers(200'000));
  store_.reset();
  EXPECT_EQ(Store::open(files_, kFolder, with_key(1)).error().code(), Errc::wrong_state);
  EXPECT_EQ(unlock_store(files_, kFolder, some_key(1)).error().code(), Errc::wrong_state);
  EXPECT_FALSE(tests::open(files_)->is_encrypted());
}

// A reader of before takes version 1 alone, and answers future_version to any other.
TEST_F(EncryptedStore, IsOfAVersionThatOlderReadersRefuse) {
  make();
  add_some(4);
  const Image image = image_of(files_, kFolder);
  EXPECT_EQ(load_le<std::uint32_t>(image.at("/store/commits").data() + kCommitSlotBytes + 8), 2u);
}

TEST_F(EncryptedStore, MakingOneAgainLeavesTheKeyOfTheOneThatIsThere) {
  make();
  add_some(2);
  const Image before = image_of(files_, kFolder);
  EXPECT_EQ(Store::create(files_, kFolder, ChunkProfile::kib16, some_key(2)).error().code(),
            Errc::already_exists);
  EXPECT_EQ(image_of(files_, kFolder), before);
}

TEST_F(EncryptedStore, OneCopyOfItsKeyMayRot) {
  make();
  add_some(2);
  store_.reset();
  damage("/store/key", 50);
  reopen();
  expect_all_readable();
  store_.reset();
  damage("/store/key", kKeyCopyBytes + 50);
  EXPECT_EQ(Store::open(files_, kFolder, options_).error().code(), Errc::corrupt);
}

TEST_F(EncryptedStore, TheKeyOfAnotherStoreIsNoKey) {
  make();
  store_.reset();
  CrashingFiles others;
  create(others, with_key(1)).reset();
  const Blob theirs = image_of(others, kFolder).at("/store/key");
  auto file = files_.open("/store/key", FileAccess::write).value();
  ASSERT_TRUE(file->write(0, theirs).ok());
  EXPECT_EQ(Store::open(files_, kFolder, options_).error().code(), Errc::corrupt);
}

// ---- the key file is changed

TEST_F(EncryptedStore, AnotherKeyFileTakesTheFirstOnesPlace) {
  make();
  add_some(3);
  store_.reset();
  EXPECT_EQ(change_key_file(files_, kFolder, some_key(3), some_key(2)).error().code(),
            Errc::access_denied);
  ASSERT_TRUE(change_key_file(files_, kFolder, some_key(1), some_key(2)).ok());
  EXPECT_EQ(Store::open(files_, kFolder, with_key(1)).error().code(), Errc::access_denied);
  options_ = with_key(2);
  reopen();
  expect_all_readable();
}

TEST_F(EncryptedStore, ChangingTheKeyFileMayStopAtEveryOperation) {
  make();
  add_some(2);
  store_.reset();
  bool old_key = false, new_key = false;
  for (std::uint64_t stop = 1; stop <= 12; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    std::mt19937_64 random(stop);
    const auto copy = files_.after_crash(random, 512);
    copy->stop_at(stop);
    const bool done = change_key_file(*copy, kFolder, some_key(1), some_key(2)).ok();
    const auto after = copy->after_crash(random, 512);
    const bool with_old = Store::open(*after, kFolder, with_key(1)).ok();
    const bool with_new = Store::open(*after, kFolder, with_key(2)).ok();
    EXPECT_NE(with_old, with_new);
    EXPECT_TRUE(with_new || !done);
    old_key |= with_old;
    new_key |= with_new;
  }
  EXPECT_TRUE(old_key && new_key);
}

// ---- all that is done with a store

TEST_F(EncryptedStore, FindsDuplicatesAlsoOnceItWasOpenedAgain) {
  make();
  add_some(4);
  const WrittenStream again = put(*store_, bytes_[1]);
  EXPECT_GT(again.chunks, 1u);
  EXPECT_EQ(again.new_chunks, 0u);
  ASSERT_TRUE(store_->commit().ok());
  reopen();
  EXPECT_EQ(put(*store_, bytes_[2]).new_chunks, 0u);
  expect_all_readable();
}

TEST_F(EncryptedStore, IsCollectedAndReadMeanwhile) {
  make();
  add_some(8);
  const auto beside = reader();
  const std::vector<StreamId> live = {ids_[0], ids_[3], ids_[6]};
  const CollectionResult result = collect(*store_, live, Collection::kFull, true);
  EXPECT_GT(result.rewritten, 0u);
  EXPECT_GT(result.dropped_chunks, 0u);
  for (const std::size_t i : {0, 3, 6}) {
    EXPECT_TRUE(get(*store_, ids_[i]) == bytes_[i]);
    auto stream = beside->read_stream(ids_[i]);
    ASSERT_TRUE(stream.ok()) << stream.error().what();
    Blob found(bytes_[i].size());
    ASSERT_TRUE(stream.value().read(0, found).ok());
    EXPECT_TRUE(found == bytes_[i]);
  }
  reopen();
  tests::expect_clean(*store_);
}

TEST_F(EncryptedStore, ACollectionDropsNothingOfAFrameThatSomebodyChanged) {
  make(with_key(1, 200'000, Compression::none));
  add_some(4);
  collect(*store_, ids_, Collection::kFull, true);  // ends the containers
  store_.reset();
  const std::string path = "/store/containers/" + container_file_name(1, 1);
  Blob bytes = image_of(files_, kFolder).at(path);
  const std::size_t stored = stated_frame_bytes(Bytes(bytes).subspan(kContainerHeaderBytes));
  const MutableBytes frame = MutableBytes(bytes).subspan(kContainerHeaderBytes, stored);
  frame.back() ^= std::byte{1};
  seal_frame(frame, {1, kContainerHeaderBytes});  // with its checksums right
  ASSERT_TRUE(files_.open(path, FileAccess::write).value()->write(0, bytes).ok());
  reopen();
  const auto scrubbed = scrub(*reader(), ids_, ScrubDepth::deep, {}, 5);
  ASSERT_TRUE(scrubbed.ok()) << scrubbed.error().what();
  EXPECT_FALSE(scrubbed.value().damage.empty());
  const CollectionResult result = collect(*store_, {ids_[0], ids_[2]}, Collection::kFull);
  ASSERT_FALSE(result.damaged.empty());
  EXPECT_EQ(result.damaged.front().container, 1u);
  EXPECT_EQ(tests::try_get(*store_, ids_[0]).error().code(), Errc::corrupt);
}

TEST_F(EncryptedStore, IsScrubbedAndRepairedFromSecondCopies) {
  make();
  const Blob common = random_bytes(random_, 100'000);
  for (int i = 0; i < 6; ++i) add(common);
  ASSERT_TRUE(store_->commit().ok());
  add_some(6);
  const auto look = [&] { return scrub(*reader(), ids_, ScrubDepth::deep, {}, 5).value(); };
  std::vector<ChunkName> hot;
  for (const HotChunk& each : look().hot) hot.push_back(each.name);
  ASSERT_FALSE(hot.empty());
  EXPECT_TRUE(look().damage.empty());
  ASSERT_EQ(store_->keep_copies(hot).value().chunks, hot.size());
  ASSERT_TRUE(store_->begin_collection(true).ok());
  damage("/store/containers/" + container_file_name(hot.front().container, 1), 5'000);
  ASSERT_FALSE(look().damage.empty());
  reopen();
  const auto repaired = store_->repair(hot.front().container);
  ASSERT_TRUE(repaired.ok()) << repaired.error().what();
  EXPECT_GT(repaired.value(), 0u);
  EXPECT_TRUE(look().damage.empty());
  expect_all_readable();
}

}  // namespace
}  // namespace stillframe::chunkstore
