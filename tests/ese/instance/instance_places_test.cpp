// Databases that are elsewhere than the log says when an instance starts.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ese/support/instance_model.hpp"

namespace stillframe::ese {
namespace {

using tests::CrashingFiles;
using tests::InstanceModel;

constexpr std::size_t kSector = 512;
const BytePath kWas = "/db/one.edb", kNow = "/moved/renamed.edb";
constexpr const char* kEndings[] = {"", ".shelter", ".recovery"};

// What a machine leaves that stopped while an instance was at work. With circular logging the logs
// do not go back to where the database was made.
std::unique_ptr<CrashingFiles> after_work(const InstanceOptions& options, std::uint64_t seed) {
  CrashingFiles files;
  InstanceModel model({kWas}, "rows", seed);
  std::mt19937_64 random(seed);
  {
    auto instance = Instance::start(files, options);
    EXPECT_TRUE(instance.ok() && model.open(*instance.value()).ok());
    EXPECT_TRUE(model.work(*instance.value(), 400).ok());
    EXPECT_TRUE(model.finish().ok());
    EXPECT_TRUE(instance.value()->log().roll().ok());
    EXPECT_TRUE(instance.value()->flush().ok());
    EXPECT_TRUE(model.work(*instance.value(), 200).ok());
    files.stop_at(1);
    model.crash();
  }
  return files.after_crash(random, kSector);
}

void move_database(CrashingFiles& files) {
  ASSERT_TRUE(files.make_directory("/moved").ok());
  for (const char* ending : kEndings) {
    if (!files.exists(kWas + ending)) continue;
    ASSERT_TRUE(files.rename(kWas + ending, kNow + ending).ok());
  }
  ASSERT_TRUE(files.sync_directory("/moved").ok());
  ASSERT_TRUE(files.sync_directory("/db").ok());
}

// Its pages behind the headers.
std::vector<std::byte> pages_of(Files& files, const BytePath& path, std::uint32_t page_bytes) {
  const auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return {};
  std::vector<std::byte> bytes(file.value()->size().value());
  EXPECT_TRUE(file.value()->read(0, bytes).ok());
  return {bytes.begin() + 2 * page_bytes, bytes.end()};
}

// A start that is stopped at any moment is begun again with the same places, and comes to what a
// start comes to that finds the database where it was.
TEST(InstancePlaces, AStartThatWasStoppedFindsAMovedDatabaseAgain) {
  constexpr std::uint32_t kSmallPage = 4096;
  const InstanceOptions options = tests::small_instance(kSmallPage);
  InstanceOptions moved_options = options;
  moved_options.databases = DatabasePlaces();
  moved_options.databases.named_only = true;
  moved_options.databases.by_signature = {kNow};
  moved_options.missing = MissingDatabases::refused;
  std::mt19937_64 random(7);

  const auto crashed = after_work(options, 7);
  const auto in_place = crashed->after_crash(random, kSector);
  ASSERT_NE(tests::started(*in_place, options), nullptr);
  const std::vector<std::byte> expected = pages_of(*in_place, kWas, kSmallPage);
  ASSERT_FALSE(expected.empty());
  move_database(*crashed);
  bool done = false;
  for (std::uint64_t at = 1; !done && !HasFailure(); at += 3) {
    SCOPED_TRACE("stopped at operation " + std::to_string(at));
    const auto files = crashed->after_crash(random, kSector);
    files->stop_at(at);
    done = Instance::start(*files, moved_options).ok();
    const auto after = files->after_crash(random, kSector);
    ASSERT_NE(tests::started(*after, moved_options), nullptr);
    EXPECT_FALSE(after->exists(kWas));
    EXPECT_TRUE(pages_of(*after, kNow, kSmallPage) == expected) << "the recovered pages differ";
    const auto instance = tests::started(*after, options);
    ASSERT_NE(instance, nullptr);
    EXPECT_TRUE(instance->attach_database(kNow).ok());
  }
  EXPECT_TRUE(done);
}

TEST(InstancePlaces, ADatabaseThatIsMissingIsRefusedOrIgnoredAsAsked) {
  InstanceOptions options = tests::small_instance(4096);
  options.circular = true;
  const auto crashed = after_work(options, 11);
  move_database(*crashed);
  for (const auto missing : {MissingDatabases::left, MissingDatabases::refused}) {
    options.missing = missing;
    const auto refused = Instance::start(*crashed, options);
    ASSERT_FALSE(refused.ok());
    EXPECT_TRUE(is(refused.error(), EseErr::attached_database_mismatch)) << refused.error().what();
  }
  options.missing = MissingDatabases::ignored;
  const auto instance = tests::started(*crashed, options);
  ASSERT_NE(instance, nullptr);
  const auto dirty = instance->attach_database(kNow);
  EXPECT_TRUE(!dirty.ok() && is(dirty.error(), EseErr::database_dirty_shutdown));
}

}  // namespace
}  // namespace stillframe::ese
