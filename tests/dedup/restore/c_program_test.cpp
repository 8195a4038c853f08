// The interface as C has it: a structure whose first member points to its methods.
#include "tests/dedup/restore/backup_in_c.h"
#include "tests/dedup/restore/restore_fixture.hpp"

namespace stillframe::dedup {
namespace {

std::int64_t read_of_backup(void* context, const char16_t* path, std::uint32_t units,
                            std::int64_t offset, std::uint32_t bytes, std::uint8_t* into) {
  const auto& files = *static_cast<const std::map<BytePath, tests::Blob>*>(context);
  const std::u16string text(path, units);
  const auto found = files.find(BytePath(text.begin(), text.end()));  // plain names
  if (found == files.end()) return -1;
  const auto size = static_cast<std::int64_t>(found->second.size());
  const std::int64_t there = std::clamp<std::int64_t>(size - offset, 0, bytes);
  if (there > 0) std::memcpy(into, found->second.data() + offset, static_cast<std::size_t>(there));
  return there;
}

class CProgram : public tests::RestoreTest {};

TEST_F(CProgram, RestoresFilesThroughTheTableOfMethods) {
  add("a", random(200'000));
  add("b", random(100'000));
  add_plain("c", random(1'000));
  back_up();
  auto target = std::make_unique<tests::MemoryTarget>();
  *target = target_;
  BackupInC backup{read_of_backup, &callback_.files, 0, 0, 0, 0, 0};
  const char16_t* const paths[] = {u"/a", u"/b", u"/c", u"/absent"};
  HRESULT results[] = {77, 77, 77, 77};
  const HRESULT hr =
      restore_in_c(make_backup_support(std::move(target)), &backup, 4, paths, results);
  EXPECT_EQ(hr, DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
  EXPECT_EQ(results[0], S_OK);
  EXPECT_EQ(results[1], S_OK);
  EXPECT_EQ(results[2], S_FALSE);
  EXPECT_EQ(results[3], DDP_E_NOT_FOUND);
  expect_restored("a");  // what both targets have is the same
  expect_restored("b");
  EXPECT_EQ(backup.orders, 2u);
  EXPECT_GE(backup.containers, 3u);
  EXPECT_GE(backup.previews, backup.containers);
  EXPECT_GT(backup.reads, backup.previews);
  EXPECT_EQ(backup.references, 1u) << "what was counted up was counted down";
}

}  // namespace
}  // namespace stillframe::dedup
