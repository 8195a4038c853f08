// What is called, how often and in which order, and what comes back, while the backup is whole.
#include "tests/dedup/restore/restore_fixture.hpp"

namespace stillframe::dedup {
namespace {

using tests::Blob;
using tests::Call;
using Kind = tests::Call::Kind;

class RestoreContract : public tests::RestoreTest {};

TEST_F(RestoreContract, OneFileTakesBothOrdersAndAPreviewBeforeEveryContainerRead) {
  add("a", random(100'000));
  back_up();
  EXPECT_EQ(restore({"a"}), S_OK);
  ASSERT_EQ(callback_.count(Kind::order), 2u);
  std::vector<std::size_t> orders;
  std::size_t container_reads = 0;
  for (std::size_t i = 0; i < callback_.calls.size(); ++i) {
    if (callback_.calls[i].kind == Kind::order) orders.push_back(i);
    container_reads += callback_.calls[i].kind == Kind::read && callback_.calls[i].of_container();
  }
  EXPECT_EQ(callback_.count(Kind::preview), container_reads);
  // The first list has the containers of stream maps and the second those of data.
  std::set<BytePath> listed[2];
  for (int i = 0; i < 2; ++i) {
    const auto& paths = callback_.calls[orders[static_cast<std::size_t>(i)]].containers;
    listed[i].insert(paths.begin(), paths.end());
  }
  for (std::size_t i = 0; i < callback_.calls.size(); ++i) {
    const Call& call = callback_.calls[i];
    if (!call.of_container()) continue;
    EXPECT_GT(i, orders[0]);
    EXPECT_EQ(listed[i < orders[1] ? 0 : 1].count(call.path), 1u) << call.path;
  }
  EXPECT_EQ(listed[0].size(), 1u);
  EXPECT_GE(listed[1].size(), 3u);
}

TEST_F(RestoreContract, AFirstPreviewListsAllThatIsToComeAndALastOneARead) {
  add("a", random(30'000));
  add("gap", random(30'000));
  add("b", random(30'000));
  back_up();
  EXPECT_EQ(restore({"a", "b"}), S_OK);
  for (std::size_t i = 0; i + 2 < callback_.calls.size(); ++i) {
    const Call& now = callback_.calls[i];
    const Call& next = callback_.calls[i + 2];
    if (now.kind != Kind::preview || now.to_come.size() == 1) continue;
    ASSERT_EQ(next.kind, Kind::preview);
    EXPECT_EQ(next.to_come.size(), now.to_come.size() - 1);
    EXPECT_EQ(next.path, now.path);
  }
}

TEST_F(RestoreContract, WhatTwoFilesShareIsReadOnce) {
  const Blob bytes = random(100'000);
  add("a", bytes);
  add("b", bytes);
  back_up();
  EXPECT_EQ(restore({"a"}), S_OK);
  const std::uint64_t alone = callback_.container_bytes();
  put_stubs();
  EXPECT_EQ(restore({"a", "b"}), S_OK);
  EXPECT_EQ(results_, (std::vector<HRESULT>{S_OK, S_OK}));
  EXPECT_LE(callback_.container_bytes(), alone + 2000);  // the second stream map
}

TEST_F(RestoreContract, NoMoreIsReadThanIsNeeded) {
  make_volume(1 << 20);
  for (int i = 0; i < 12; ++i) add("f" + std::to_string(i), random(300'000));
  back_up();
  EXPECT_EQ(restore({"f5"}), S_OK);
  // Its frames, which others begin and end in, and the tables of two or three containers.
  EXPECT_LE(callback_.container_bytes(), 300'000u * 105 / 100 + 2 * (256u << 10) + 20'000);
  put_stubs();
  std::vector<std::string> all;
  for (int i = 0; i < 12; ++i) all.push_back("f" + std::to_string(i));
  EXPECT_EQ(restore(all), S_OK);
  std::uint64_t stored = 0;
  for (const BytePath& path : containers()) stored += callback_.files[path].size();
  EXPECT_LE(callback_.container_bytes(), stored);
}

TEST_F(RestoreContract, TenThousandFilesAreOneCall) {
  make_volume(1 << 20);
  std::vector<std::string> names;
  Optimizer optimizer(parts());
  for (int i = 0; i < DEDUP_BACKUP_SUPPORT_FILES_MAX; ++i) {
    names.push_back("f" + std::to_string(i));
    ASSERT_TRUE(optimizer.add(add_plain(names.back(), random(20 + i % 50))).ok());
  }
  ASSERT_TRUE(optimizer.commit().ok());
  back_up();
  EXPECT_EQ(restore(names), S_OK);
  EXPECT_EQ(std::count(results_.begin(), results_.end(), S_OK), DEDUP_BACKUP_SUPPORT_FILES_MAX);
  EXPECT_EQ(callback_.count(Kind::order), 2u);
  EXPECT_LT(callback_.calls.size(), 200u);
}

TEST_F(RestoreContract, AFileNamedTwiceIsRestoredOnceAndAnsweredTwice) {
  add("a", random(50'000));
  back_up();
  EXPECT_EQ(restore({"a", "a"}), S_OK);
  EXPECT_EQ(results_, (std::vector<HRESULT>{S_OK, S_OK}));
}

TEST_F(RestoreContract, WithoutADeduplicatedFileNothingIsCalled) {
  add_plain("a", random(5000));
  add_plain("b", random(5000));
  back_up();
  EXPECT_EQ(restore({"a"}), S_FALSE);
  EXPECT_EQ(restore({"a", "b"}), S_FALSE);
  EXPECT_EQ(results_, (std::vector<HRESULT>{S_FALSE, S_FALSE}));
  EXPECT_TRUE(callback_.calls.empty());
}

TEST_F(RestoreContract, PlainFilesAmongOthersAreNoFailure) {
  add("a", random(5000));
  add_plain("b", random(5000));
  back_up();
  EXPECT_EQ(restore({"b", "a"}), S_OK);
  EXPECT_EQ(results_, (std::vector<HRESULT>{S_FALSE, S_OK}));
}

TEST_F(RestoreContract, AMissingFileIsNotFoundAndTheOthersAreRestored) {
  add("a", random(5000));
  back_up();
  EXPECT_EQ(restore({"gone", "a", ""}), DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
  EXPECT_EQ(results_, (std::vector<HRESULT>{DDP_E_NOT_FOUND, S_OK, DDP_E_NOT_FOUND}));
  EXPECT_EQ(restore({"gone"}), DDP_E_NOT_FOUND);
  EXPECT_TRUE(callback_.calls.empty());
}

// Ranges that were written, punched and appended since the file was deduplicated.
TEST_F(RestoreContract, WhatWasChangedSinceComesFromTheFileItself) {
  DedupFile& file = add("a", random(200'000));
  Blob& bytes = content_["a"];
  const Blob change = random(3000);
  ASSERT_TRUE(file.write(50'000, change).ok());
  std::copy(change.begin(), change.end(), bytes.begin() + 50'000);
  ASSERT_TRUE(file.punch(90'000, 33'000).ok());
  std::fill_n(bytes.begin() + 90'000, 33'000, std::byte{0});
  ASSERT_TRUE(file.write(210'000, change).ok());
  bytes.resize(210'000);
  bytes.insert(bytes.end(), change.begin(), change.end());
  ASSERT_TRUE(file.sync().ok());
  back_up();
  EXPECT_EQ(restore({"a"}), S_OK);
}

TEST_F(RestoreContract, FilesOfNothingOfZerosAndOfOneByteComeBack) {
  add("empty", {});
  add("zeros", Blob(300'000));
  add("one", random(1));
  Blob mixed = random(250'000);
  std::fill_n(mixed.begin() + 60'000, 130'000, std::byte{0});
  add("mixed", mixed);
  back_up();
  EXPECT_EQ(restore({"empty", "zeros", "one", "mixed"}), S_OK);
}

// It was growing when it was copied: its entry is what counts.
TEST_F(RestoreContract, AFileLongerThanItsEntryIsCut) {
  add("a", random(50'000));
  back_up();
  target_.nodes["a"]->bytes.resize(60'000);
  EXPECT_EQ(restore({"a"}), S_OK);
}

TEST_F(RestoreContract, ContainersOfALaterGenerationAreFound) {
  for (int i = 0; i < 8; ++i) add("f" + std::to_string(i), random(60'000));
  for (int i = 0; i < 8; i += 2) {
    ASSERT_TRUE(open_[static_cast<std::size_t>(i)]->restore().ok());
  }
  auto collection = store_->begin_collection(true);
  ASSERT_TRUE(collection.ok());
  for (const auto& [id, record] : table_->files()) {
    ASSERT_TRUE(collection.value()->mark(record.stream).ok());
  }
  ASSERT_TRUE(collection.value()->plan(chunkstore::Collection::kFull).ok());
  ASSERT_GT(collection.value()->run().value().rewritten, 0u);
  back_up();
  EXPECT_EQ(restore({"f1", "f3", "f5", "f7"}), S_OK);
  EXPECT_TRUE(std::any_of(callback_.calls.begin(), callback_.calls.end(), [](const Call& call) {
    return call.of_container() && call.path.ends_with(".00000002");
  }));
}

TEST_F(RestoreContract, AnyPlanRestoresTheSame) {
  add("a", random(120'000));
  back_up();
  std::vector<std::vector<DEDUP_CONTAINER_EXTENT>> plans = {
      {{2, 0, INT64_MAX}, {1, 0, INT64_MAX}, {0, 0, INT64_MAX}},            // in reverse
      {{0, 5000, 20'000}, {1, 0, INT64_MAX}, {0, 0, 5000}},                 // in parts
      {{0, 0, 10'000}, {0, 9000, 10'000}, {0, 20'000, INT64_MAX}},          // overlapping
      {{99, 0, 5}, {0, -1, 5}, {0, 5, -1}, {0, 5, 0}, {0, INT64_MAX, 1}}};  // senseless
  std::vector<DEDUP_CONTAINER_EXTENT> bytes;
  for (int i = 0; i < 45'000; ++i) bytes.push_back({0, i, 1});
  plans.push_back(bytes);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    SCOPED_TRACE("plan " + std::to_string(i));
    callback_.plan = plans[i];
    put_stubs();
    EXPECT_EQ(restore({"a"}), S_OK);
  }
}

TEST_F(RestoreContract, APlanIsFollowed) {
  make_volume(40'000);
  add("a", random(200'000));
  back_up();
  callback_.plan = {{3, 0, INT64_MAX}, {1, 0, INT64_MAX}};
  EXPECT_EQ(restore({"a"}), S_OK);
  std::vector<BytePath> listed, seen;
  for (const Call& call : callback_.calls) {
    if (call.kind == Kind::order) {
      listed = call.containers;
      seen.clear();
    }
    if (call.kind == Kind::read && call.of_container() && call.bytes > 5000) {
      if (seen.empty() || seen.back() != call.path) seen.push_back(call.path);
    }
  }
  ASSERT_GE(listed.size(), 4u);
  ASSERT_GE(seen.size(), 4u);
  EXPECT_EQ(seen[0], listed[3]);
  EXPECT_EQ(seen[1], listed[1]);
  EXPECT_EQ(seen[2], listed[0]);
}

TEST_F(RestoreContract, ATargetThatFailsSaysHow) {
  add("a", random(100'000));
  back_up();
  const auto fails_with = [&](const Error& error, HRESULT code) {
    for (auto* at : {&target_.write_error, &target_.finish_error, &target_.look_error}) {
      put_stubs();
      *at = error;
      target_.writes_before_error = at == &target_.write_error ? 2 : 1000;
      EXPECT_EQ(restore({"a"}), code);
      EXPECT_EQ(results_.front(), code);
      EXPECT_TRUE(target_.nodes["a"]->mark);
      at->reset();
    }
  };
  fails_with(Error(Errc::no_space, "full"), DDP_E_INSUFFICIENT_DISK_SPACE);
  fails_with(Error(Errc::corrupt, "EUCLEAN"), DDP_E_FILE_SYSTEM_CORRUPT);
  fails_with(Error(Errc::io, "EIO"), DDP_E_FILE_SYSTEM_CORRUPT);
  fails_with(Error(Errc::not_supported, "no holes"), DDP_E_VOLUME_UNSUPPORTED);
  fails_with(Error(Errc::access_denied, "immutable"), DDP_E_UNEXPECTED);
  put_stubs();
  EXPECT_EQ(restore({"a"}), S_OK);
}

TEST_F(RestoreContract, AnUnusableVolumeFailsEveryFileWithoutACall) {
  add("a", random(1000));
  add_plain("b", random(1000));
  back_up();
  for (const HRESULT code :
       {DDP_E_VOLUME_UNSUPPORTED, DDP_E_VOLUME_DEDUP_DISABLED, E_ACCESSDENIED}) {
    target_.usable_answer = code;
    EXPECT_EQ(restore({"a", "b"}), code);
    EXPECT_EQ(results_, (std::vector<HRESULT>{code, code}));
    EXPECT_TRUE(callback_.calls.empty());
  }
}

TEST_F(RestoreContract, FilesWithMoreChunksThanMayBeRememberedFailAlone) {
  add("a", random(400'000));
  add("b", random(10'000));
  back_up();
  RestoreLimits limits;
  limits.chunks_max = 10;
  std::vector<HRESULT> results;
  EXPECT_EQ(restore_files_from(target_, {"b", "a"}, callback_, results, limits),
            DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
  EXPECT_EQ(results, (std::vector<HRESULT>{S_OK, DDP_E_UNEXPECTED}));
}

}  // namespace
}  // namespace stillframe::dedup
