#include "framework/model/chain_rules.hpp"

#include <gtest/gtest.h>

namespace stillframe {
namespace {

using Type = BackupType;

TEST(ChainRules, OnlyWhatUpdatesTheHistoryCanBeBuiltOn) {
  struct Row {
    Type type;
    bool by_incremental, by_differential, by_log;
  };
  const Row rows[] = {
      {Type::full, true, true, true},
      {Type::incremental, true, false, true},
      {Type::differential, false, false, false},
      {Type::log, true, false, true},
      {Type::copy, false, false, false},
      {Type::other, false, false, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(can_be_built_on(row.type, Type::incremental), row.by_incremental);
    EXPECT_EQ(can_be_built_on(row.type, Type::differential), row.by_differential);
    EXPECT_EQ(can_be_built_on(row.type, Type::log), row.by_log);
  }
}

TEST(ChainRules, AnExclusiveWriterNeverMixesIncrementalAndDifferential) {
  BackupSchema schema;
  schema.bits = BackupSchema::kIncremental | BackupSchema::kDifferential;
  const std::vector<Type> incrementals{Type::copy, Type::incremental, Type::log};
  const std::vector<Type> differentials{Type::differential};
  EXPECT_TRUE(check_chain_mix(schema, Type::differential, incrementals).ok());

  schema.bits |= BackupSchema::kExclusiveIncrementalDifferential;
  EXPECT_TRUE(check_chain_mix(schema, Type::incremental, incrementals).ok());
  EXPECT_TRUE(check_chain_mix(schema, Type::differential, differentials).ok());
  EXPECT_TRUE(check_chain_mix(schema, Type::differential, {}).ok());
  EXPECT_TRUE(check_chain_mix(schema, Type::log, differentials).ok());
  EXPECT_TRUE(check_chain_mix(schema, Type::full, incrementals).ok());
  for (const auto& [wanted, since] :
       {std::pair{Type::differential, incrementals}, {Type::incremental, differentials}}) {
    const Status refused = check_chain_mix(schema, wanted, since);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::chain_broken);
    EXPECT_NE(refused.error().what().find("take a full backup"), std::string::npos);
  }
}

}  // namespace
}  // namespace stillframe
