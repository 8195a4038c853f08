// A machine that stops while a start recovers what was restored: the next start comes to the same
// end.
#include <iostream>
#include <random>

#include "tests/ese/interlock/registered_restore.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::ese {
namespace {

using tests::BackupWorld;
using tests::CrashingFiles;

class RegisteredStartCrashTest : public tests::RegisteredRestore {
 protected:
  void expect_restored(Files& found, const BackupWorld::State& state,
                       const std::vector<BytePath>& places) {
    RegisteredStart gate;
    const auto instance = Instance::start(found, options(&gate));
    ASSERT_TRUE(instance.ok()) << instance.error().what();
    EXPECT_EQ(this->state(found), "none");
    for (const BytePath& path : places) {
      const auto attached = instance.value()->attach_database(path);
      ASSERT_TRUE(attached.ok()) << attached.error().what();
    }
    for (const auto& model : state) {
      model->join(*instance.value());
      model->expect_committed(*instance.value());
    }
    ASSERT_TRUE(instance.value()->stop().ok());
    for (const BytePath& path : places) tests::expect_sound(found, path);
  }

  void stop_at(std::uint64_t operation, const BackupWorld::State& state,
               const std::vector<BytePath>& places) {
    SCOPED_TRACE("stopped at operation " + std::to_string(operation));
    const auto first = files().after_crash(random_, 512);
    first->stop_at(operation);
    (void)start(*first);
    const auto found = first->after_crash(random_, random_() % 2 == 0 ? 512 : 4096);
    ++seen_[this->state(*found)];
    // And once more, somewhere.
    found->stop_at(1 + random_() % 60);
    (void)start(*found);
    const auto again = found->after_crash(random_, 512);
    expect_restored(*again, state, places);
  }

  void stop_everywhere(const BackupWorld::State& state, const std::vector<BytePath>& places) {
    const auto whole = files().after_crash(random_, 512);
    const std::uint64_t before = whole->operations();
    ASSERT_TRUE(start(*whole).ok());
    const std::uint64_t operations = whole->operations() - before;
    // The first are those of the record, the last those of its end.
    const std::uint64_t near = 14;
    for (std::uint64_t operation = 1; operation <= operations && !HasFailure(); ++operation) {
      const bool edge = operation <= near || operation + near > operations;
      const auto one_in = std::max<std::uint64_t>(1, operations / stillframe::tests::scaled(40));
      if (edge || random_() % one_in == 0) stop_at(operation, state, places);
    }
    std::cout << operations << " operations; found";
    for (const auto& [name, count] : seen_) std::cout << " " << name << " " << count;
    std::cout << "\n";
    for (const char* name : {"copied", "recovering", "recovered"}) {
      EXPECT_GT(seen_[name], 0) << "no stop left it " << name;
    }
  }

  std::mt19937_64 random_{17};
  std::map<std::string, int> seen_;
};

TEST_F(RegisteredStartCrashTest, TheNextStartGoesOnWhereTheDatabasesWere) {
  stage(BackupWorld::paths());
  stop_everywhere(at_backup_, BackupWorld::paths());
}

TEST_F(RegisteredStartCrashTest, TheNextStartGoesOnInNewPlaces) {
  stage(kElsewhere);
  stop_everywhere(elsewhere_, kElsewhere);
}

}  // namespace
}  // namespace stillframe::ese
