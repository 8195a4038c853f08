#include "writers/ese/format/log_requirement.hpp"

#include <map>

#include <gtest/gtest.h>

#include "tests/ese/support/sample_logs.hpp"

namespace stillframe::ese {
namespace {

using tests::sample_day;
using tests::sample_sequence;

// Generations 3 to 6 of one sequence, each full, and a database that requires 4 and 5 and has
// committed in 6.
class EseLogRequirement : public testing::Test {
 protected:
  EseLogRequirement() {
    for (tests::SampleLog& sample : tests::sample_logs(3, 6)) {
      files_.emplace(sample.log.generation(), std::move(sample.file));
      logs_.push_back(std::move(sample.log));
    }
    set_state(database_, DbState::dirty_shutdown, Generation{4}, Generation{5});
    database_.gen_max_committed = Generation{6};
    database_.sign_log = sample_sequence(99);
    database_.time_gen_max_required = sample_day(5);
    database_.time_gen_max_create = sample_day(6);
  }

  LogRequirement examine() {
    const LogChain chain = examine_chain(logs_);
    return examine_requirement(database_, chain, [&](Generation g, bool last) {
      opened_.push_back(g);
      return LogGeneration::read(files_[g], "edb", {.complete = !last});
    });
  }
  void drop(std::int32_t generation) {
    std::erase_if(logs_,
                  [&](const ChainLog& l) { return l.generation() == Generation{generation}; });
  }
  LogHeader& header(std::size_t index) { return logs_[index].header.fields; }

  std::map<Generation, std::vector<std::byte>> files_;
  std::vector<ChainLog> logs_;
  DatabaseHeader database_;
  std::vector<Generation> opened_;
};

TEST_F(EseLogRequirement, WhatIsThereAndWholeMeetsIt) {
  const LogRequirement found = examine();
  EXPECT_TRUE(found.met());
  EXPECT_EQ(found.low, Generation{4});
  EXPECT_EQ(found.high, Generation{5});
  EXPECT_EQ(found.committed, Generation{6});
  EXPECT_TRUE(found.committed_missing.empty());
  EXPECT_EQ(opened_,
            (std::vector{Generation{4}, Generation{5}}));  // nothing is read that is not required
}

TEST_F(EseLogRequirement, ACleanDatabaseRequiresNothing) {
  set_state(database_, DbState::clean_shutdown, Generation::none, Generation::none);
  logs_.clear();
  EXPECT_FALSE(examine().anything());
  EXPECT_TRUE(examine().met());
}

TEST_F(EseLogRequirement, MissingGenerationsAreNamedAndCommittedOnesApart) {
  drop(4);
  drop(6);
  const LogRequirement found = examine();
  EXPECT_FALSE(found.met());
  EXPECT_EQ(found.missing, std::vector{Generation{4}});
  EXPECT_EQ(found.committed_missing, std::vector{Generation{6}});
}

TEST_F(EseLogRequirement, WithoutACommittedGenerationItIsStillMet) {
  drop(6);
  EXPECT_TRUE(examine().met());
  EXPECT_EQ(examine().committed_missing.size(), 1u);
}

TEST_F(EseLogRequirement, LogsOfAnotherSequenceAreMismatched) {
  database_.sign_log = sample_sequence(7);
  const LogRequirement found = examine();
  ASSERT_EQ(found.mismatched.size(), 3u);
  EXPECT_EQ(found.mismatched[0].err, EseErr::bad_log_signature);
  EXPECT_EQ(found.mismatched[0].generation, Generation{4});
}

TEST_F(EseLogRequirement, AGenerationCreatedAtAnotherTimeThanTheDatabaseSaysIsMismatched) {
  database_.time_gen_max_required = sample_day(20);
  LogRequirement found = examine();
  ASSERT_EQ(found.mismatched.size(), 1u);
  EXPECT_EQ(found.mismatched[0].err, EseErr::invalid_log_sequence);
  EXPECT_EQ(found.mismatched[0].generation, Generation{5});
  database_.time_gen_max_required = {};  // an old database does not say
  EXPECT_TRUE(examine().met());
}

TEST_F(EseLogRequirement, ABrokenChainOfCreationTimesIsMismatched) {
  header(2).created_previous = sample_day(20);
  const LogRequirement found = examine();
  ASSERT_EQ(found.mismatched.size(), 1u);
  EXPECT_EQ(found.mismatched[0].err, EseErr::invalid_log_sequence);
  EXPECT_EQ(found.mismatched[0].generation, Generation{5});
}

TEST_F(EseLogRequirement, ContentsThatTheNextLogDoesNotKnowAreMismatched) {
  header(2).previous_segments ^= 1;
  const LogRequirement found = examine();
  ASSERT_EQ(found.mismatched.size(), 1u);
  EXPECT_EQ(found.mismatched[0].err, EseErr::log_sequence_checksum_mismatch);
}

TEST_F(EseLogRequirement, ARequiredLogThatIsDamagedIsTorn) {
  files_[Generation{4}][3 * kLogSegmentBytes + 50] ^= std::byte{1};
  const LogRequirement found = examine();
  EXPECT_FALSE(found.met());
  ASSERT_EQ(found.torn.size(), 1u);
  EXPECT_EQ(found.torn[0].generation, Generation{4});
}

TEST_F(EseLogRequirement, TheNewestLogMayEndInATornWrite) {
  drop(6);
  files_[Generation{5}][6 * kLogSegmentBytes + 50] ^= std::byte{1};
  EXPECT_TRUE(examine().torn.empty());
}

}  // namespace
}  // namespace stillframe::ese
