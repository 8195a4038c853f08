// Two applications on two real file systems, the built-in providers, nothing faked but the writers.
#include <fstream>

#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;

class RealVolumesTest : public CoordinatorFixture {};

TEST_F(RealVolumesTest, ASetOverBtrfsAndXfsIsApplicationConsistentAndHoldsTheFrozenBytes) {
  std::string reason;
  auto btrfs = LoopFs::make(FsKind::btrfs, reason);
  if (!btrfs) GTEST_SKIP() << reason;
  auto xfs = LoopFs::make(FsKind::xfs, reason);
  if (!xfs) GTEST_SKIP() << reason;
  // What the file says depends on whether its writer is held: only the held word may be cut.
  const auto write_word = [](const std::string& directory, const std::string& word) {
    std::ofstream(directory + "/word") << word;
  };
  for (const auto* fs : {btrfs.get(), xfs.get()}) {
    const std::string home = fs->mount_point() + "/app";
    std::filesystem::create_directories(home);
    write_word(home, "running");
    ScriptedWriterOptions options;
    options.name = std::string("on-") + to_string(fs->kind());
    options.directory = home;
    add_writer(options, [home, write_word](const std::string& verb, const CallContext&) -> Status {
      if (verb == "freeze") write_word(home, "held");
      if (verb == "thaw") write_word(home, "running");
      return Ok{};
    });
  }
  seams_.builtin_providers = true;
  auto started = coordinator::start_embedded(options_, seams_);
  ASSERT_TRUE(started.ok()) << error_of(started);
  coordinator_ = std::move(started).value();
  for (auto& writer : writers_) ASSERT_TRUE(coordinator_->add_writer(*writer).ok());

  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent)
      << set.value().evidence.reason;
  ASSERT_EQ(set.value().snapshots.size(), 2u);
  for (const auto& snapshot : set.value().snapshots) {
    std::string word;
    std::ifstream(snapshot.root + "/app/word") >> word;
    EXPECT_EQ(word, "held") << snapshot.provider_name << " " << snapshot.root;
  }
  auto evidence = session.value().end();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  auto left = requestor.snapshots();
  ASSERT_TRUE(left.ok()) << error_of(left);
  for (const auto& snapshot : left.value())  // providers list those of other runs, too
    if (snapshot.set == set.value().set)
      ADD_FAILURE() << snapshot.provider_name << " still lists " << snapshot.root << " "
                    << snapshot.reason_unusable;
  stop();
}

}  // namespace
}  // namespace stillframe
