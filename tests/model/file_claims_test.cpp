#include "framework/model/file_claims.hpp"

#include <gtest/gtest.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

TEST(FileClaims, AreThoseOfEveryFileSetOfEveryWriter) {
  WriterMetadata library = tests::library_writer(), shop = tests::shop_writer();
  shop.components[0].files[0].alternate_path = "/srv/spit";
  const std::vector<const WriterMetadata*> writers{&library, &shop};
  auto claims = FileClaims::make(writers);
  ASSERT_TRUE(claims.ok()) << claims.error().what();
  struct Row {
    const char *directory, *name;
    bool claimed;
  };
  const Row rows[] = {
      {"/etc/library", "main.conf", true},
      {"/etc/library/sub", "main.conf", false},  // a flat set
      {"/etc/library", "main.txt", false},
      {"/var/spool/library", "x", true},
      {"/var/spool/library/deep/er", "x", true},  // a recursive one
      {"/var/spool", "x", false},
      {"/var/spool/library2", "x", false},
      {"/srv/library/catalogue", "index", true},  // a literal name
      {"/srv/library/catalogue", "index2", false},
      {"/srv/shop", "a.db", true},
      {"/srv/spit", "a.db", true},  // where copies are read
      {"/", "a.db", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(claims.value().claims(row.directory, row.name), row.claimed)
        << row.directory << "/" << row.name;
  }
}

TEST(FileClaims, APathThatStillHoldsAVariableIsRefused) {
  WriterMetadata shop = tests::shop_writer();
  shop.components[0].files[0].path = "$HOME/shop";
  const std::vector<const WriterMetadata*> writers{&shop};
  auto claims = FileClaims::make(writers);
  ASSERT_FALSE(claims.ok());
  EXPECT_NE(claims.error().what().find("component 'Orders' of writer 'Shop'"), std::string::npos);
}

TEST(FileClaims, AHundredThousandNamesInOneDirectoryAreFast) {
  WriterMetadata shop = tests::shop_writer();
  for (int i = 0; i < 100'000; ++i) {
    shop.components[0].files.push_back(tests::file_set("/srv/many", "f" + std::to_string(i)));
  }
  const std::vector<const WriterMetadata*> writers{&shop};
  auto claims = FileClaims::make(writers);
  ASSERT_TRUE(claims.ok());
  int claimed = 0;
  for (int i = 0; i < 200'000; ++i) {
    claimed += claims.value().claims("/srv/many", "f" + std::to_string(i)) ? 1 : 0;
  }
  EXPECT_EQ(claimed, 100'000);
}

}  // namespace
}  // namespace stillframe
