// Backups whose store is encrypted: restored with the key file, and with clear codes without.
#include <cstdlib>
#include <fstream>

#include <sys/stat.h>

#include "framework/chunkstore/store_key.hpp"
#include "tests/chunkstore/encrypted_samples.hpp"
#include "tests/dedup/restore/restore_fixture.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/restore/codes.hpp"

namespace stillframe::dedup {
namespace {

using chunkstore::tests::some_key;
using tests::Blob;
using tests::Call;

class EncryptedBackup : public tests::RestoreTest {
 protected:
  void SetUp() override {
    key_ = given_key_ = some_key(1);
    make_volume(200'000);
    add("a", random(150'000));
    add("b", random(300'000));
    add("c", Blob(100'000, std::byte{'c'}));
    back_up();
  }
  const std::vector<std::string> names_of_all_{"a", "b", "c"};
  const BytePath kKey_ = kFolder + "/store/" + chunkstore::kStoreKeyFileName;
};

TEST_F(EncryptedBackup, IsRestoredWithItsKeyUnderTheSameContract) {
  EXPECT_EQ(restore(names_of_all_), S_OK);
  EXPECT_EQ(callback_.count(Call::Kind::order), 2u);
  std::uint64_t all = 0;
  for (const BytePath& path : containers()) all += callback_.files.at(path).size();
  put_stubs();
  EXPECT_EQ(restore({"a"}), S_OK);
  EXPECT_LT(callback_.container_bytes(), all / 2);  // no more than it needs
}

TEST_F(EncryptedBackup, AnotherGenerationIsRestoredToo) {
  const FileId gone = target_.nodes.at("a")->mark->file;
  auto collection = store_->begin_collection(true);
  ASSERT_TRUE(collection.ok());
  for (const auto& [file, record] : table_->files()) {
    if (file == gone) continue;
    ASSERT_TRUE(collection.value()->mark(record.stream).ok());
  }
  ASSERT_TRUE(collection.value()->plan(chunkstore::Collection::kFull).ok());
  const auto done = collection.value()->run();
  ASSERT_TRUE(done.ok() && done.value().rewritten > 0);
  back_up();
  EXPECT_EQ(restore({"b", "c"}), S_OK);
}

TEST_F(EncryptedBackup, WithoutTheKeyOrWithAnotherEveryFileSaysSoBeforeAContainerIsRead) {
  given_key_.reset();
  EXPECT_EQ(restore(names_of_all_), NTE_NO_KEY);
  EXPECT_EQ(results_, std::vector<HRESULT>(3, NTE_NO_KEY));
  EXPECT_EQ(callback_.container_bytes(), 0u);
  EXPECT_EQ(callback_.count(Call::Kind::order), 0u);
  given_key_ = some_key(2);
  EXPECT_EQ(restore(names_of_all_), NTE_BAD_KEY);
  EXPECT_EQ(results_, std::vector<HRESULT>(3, NTE_BAD_KEY));
  EXPECT_EQ(callback_.container_bytes(), 0u);
  // They are still marked, and may be restored with the right one.
  given_key_ = key_;
  EXPECT_EQ(restore(names_of_all_), S_OK);
}

TEST_F(EncryptedBackup, ABackupThatIsNotEncryptedTakesNoKey) {
  key_.reset();
  names_.clear();
  open_.clear();
  make_volume(200'000);
  add("a", random(150'000));
  back_up();
  EXPECT_EQ(restore({"a"}), NTE_BAD_KEY);
  given_key_.reset();
  EXPECT_EQ(restore({"a"}), S_OK);
}

TEST_F(EncryptedBackup, WhatTheStoreSaysOfItsKeyMayRotOnce) {
  Blob& key = callback_.files.at(kKey_);
  key[60] ^= std::byte{1};
  EXPECT_EQ(restore({"a"}), S_OK);
  key[chunkstore::kKeyCopyBytes + 60] ^= std::byte{1};
  EXPECT_EQ(restore({"b"}), DDP_E_FILE_CORRUPT);
  callback_.files.erase(kKey_);
  EXPECT_EQ(restore({"b"}), DDP_E_PATH_NOT_FOUND);
}

TEST_F(EncryptedBackup, AFlippedBitNeverGivesOtherBytes) {
  const auto good = callback_.files;
  for (int i = 0; i < 150; ++i) {
    callback_.files = good;
    const std::vector<BytePath> paths = containers();
    Blob& bytes = callback_.files.at(paths[random_() % paths.size()]);
    bytes[random_() % bytes.size()] ^= static_cast<std::byte>(1u << random_() % 8);
    put_stubs();
    (void)restore(names_of_all_);  // compares what it says was restored
    if (HasFailure()) return;
  }
}

// ---- through the interface

class KeyFileOfTheInterface : public ::testing::Test {
 protected:
  BytePath write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const BytePath path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  HRESULT create(const char* key_file) {
    IDedupBackupSupport* support = nullptr;
    const HRESULT hr = CreateDedupBackupSupportWithKey(folder_.path().c_str(), key_file, &support);
    EXPECT_EQ(support != nullptr, hr == S_OK);
    if (support != nullptr) support->Release();
    return hr;
  }
  const stillframe::tests::TemporaryDirectory folder_;
};

TEST_F(KeyFileOfTheInterface, IsReadAtOnceAndSaysWhatIsWrongWithIt) {
  EXPECT_EQ(create(write("good", std::string(32, 'k')).c_str()), S_OK);
  EXPECT_EQ(create(write("short", "k").c_str()), NTE_BAD_KEY);
  EXPECT_EQ(create(write("long", std::string(1000, 'k')).c_str()), NTE_BAD_KEY);
  EXPECT_EQ(create(write("open", std::string(32, 'k'), 0644).c_str()), E_ACCESSDENIED);
  EXPECT_EQ(create((folder_.path() + "/none").c_str()), HRESULT_FROM_WIN32(2));
  EXPECT_EQ(create(nullptr), E_INVALIDARG);
  EXPECT_EQ(create(""), E_INVALIDARG);
  EXPECT_EQ(CreateDedupBackupSupportWithKey("/", "/", nullptr), E_POINTER);
  EXPECT_EQ(code_of_key_file(Error(Errc::io, "")), DDP_E_UNEXPECTED);
}

}  // namespace
}  // namespace stillframe::dedup
