// What a backup says of its store and key, also when somebody changed that.
#include "writers/dedup/writer/backup_key.hpp"

#include <gtest/gtest.h>

#include "framework/base/sha256.hpp"
#include "framework/chunkstore/store_key.hpp"
#include "framework/io/file.hpp"
#include "tests/chunkstore/encrypted_samples.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::dedup {
namespace {

TEST(BackedUpStoreText, ComesBackAsItWasWrittenAndSaysNothingOfAKeyWithoutOne) {
  const BackedUpStore encrypted{"0c34", "/etc/key \xff\"s", "0011"};
  const std::string text = format_backed_up_store(encrypted);
  const BackedUpStore again = parse_backed_up_store(text);
  EXPECT_EQ(again.store, encrypted.store);
  EXPECT_EQ(again.key_file, encrypted.key_file);
  EXPECT_EQ(again.key, encrypted.key);
  EXPECT_TRUE(again.encrypted());
  EXPECT_EQ(format_backed_up_store({"0c34", "", ""}), "{\"store\":\"0c34\"}");
  EXPECT_FALSE(parse_backed_up_store("{\"store\":\"0c34\"}").encrypted());
}

TEST(BackedUpStoreText, WhatCannotBeReadSaysNothing) {
  for (const char* text :
       {"", "[]", "7", "{", "{\"store\":7,\"key_file\":[],\"key\":{}}", "{\"key_file\":\"%\"}"}) {
    const BackedUpStore about = parse_backed_up_store(text);
    EXPECT_EQ(about.store, "") << text;
    EXPECT_EQ(about.key, "") << text;
  }
}

TEST(KeyFileOfABackup, IsToldFromAnotherAndEveryErrorSaysWhatToDo) {
  const stillframe::tests::TemporaryDirectory folder;
  const BytePath good = folder.path() + "/good", other = folder.path() + "/other";
  ASSERT_TRUE(write_file_durably(good, std::string(32, 1)).ok());
  ASSERT_TRUE(write_file_durably(other, std::string(32, 2)).ok());
  ASSERT_TRUE(write_file_durably(folder.path() + "/open", std::string(32, 1), 0640).ok());
  ASSERT_TRUE(write_file_durably(folder.path() + "/short", "x").ok());
  const auto key = chunkstore::tests::some_key(1);
  const BackedUpStore store{"0c34", good, to_hex(chunkstore::identity_of(key))};
  EXPECT_TRUE(expect_key_file(store, good).ok());
  const struct {
    BytePath path;
    Errc code;
  } kWrong[] = {{other, Errc::access_denied},
                {folder.path() + "/open", Errc::access_denied},
                {folder.path() + "/short", Errc::invalid_argument},
                {folder.path() + "/none", Errc::not_found}};
  for (const auto& wrong : kWrong) {
    const Status refused = expect_key_file(store, wrong.path);
    ASSERT_FALSE(refused.ok()) << wrong.path;
    EXPECT_EQ(refused.error().code(), wrong.code) << refused.error().what();
    EXPECT_NE(refused.error().what().find("\"Key File\"=\"PATH\""), std::string::npos);
    EXPECT_NE(refused.error().what().find(wrong.path), std::string::npos) << refused.error().what();
  }
}

}  // namespace
}  // namespace stillframe::dedup
