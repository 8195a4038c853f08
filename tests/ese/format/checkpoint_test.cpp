#include "writers/ese/format/checkpoint.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

Checkpoint sample(std::uint16_t isec) {
  Checkpoint c;
  c.fields.checkpoint = {0x268, isec, Generation{9}};
  c.fields.log.random = 5;
  c.fields.database_consistency = c.fields.checkpoint;
  c.fields.flags = CheckpointFields::kAttachmentsValid;
  c.fields.file_type = FileType::checkpoint;
  Attachment a;
  a.entry.dbid = Dbid{1};
  a.name = to_logged_utf16("C:\\a.edb");
  a.entry.flags = AttachmentEntry::kUtf16;
  a.entry.name_bytes = static_cast<std::uint16_t>(a.name.size());
  c.attachments = {a};
  return c;
}

std::vector<std::byte> two_copies(const Checkpoint& first, const Checkpoint& second) {
  auto bytes = encode_checkpoint(first).value();
  const auto behind = encode_checkpoint(second).value();
  bytes.insert(bytes.end(), behind.begin(), behind.end());
  return bytes;
}

CheckpointFile read(Bytes bytes) {
  auto file = decode_checkpoint_file(bytes, "edb.chk");
  EXPECT_TRUE(file.ok());
  file.value().checkpoint.fields.checksum = 0;
  return std::move(file).value();
}

TEST(EseCheckpoint, ComesBackAsItWasWritten) {
  const CheckpointFile file = read(two_copies(sample(3), sample(3)));
  EXPECT_EQ(file.checkpoint, sample(3));
  EXPECT_EQ(file.copies, CheckpointCopies::both_equal);
  EXPECT_TRUE(file.checkpoint.attachments_valid());
}

// The state after each write of an update from 3 to 4, torn in every place.
TEST(EseCheckpoint, OneGoodCopySurvivesEveryTornUpdate) {
  const auto before = two_copies(sample(3), sample(3)), after = two_copies(sample(4), sample(4));
  for (std::size_t done = 0; done <= after.size(); done += 512) {
    auto bytes = before;
    std::copy_n(after.begin(), done, bytes.begin());
    const CheckpointFile file = read(bytes);
    EXPECT_TRUE(file.checkpoint == sample(3) || file.checkpoint == sample(4)) << done;
    EXPECT_TRUE(done < 4096 || file.checkpoint == sample(4)) << done;
    EXPECT_TRUE(done != 4096 || file.copies == CheckpointCopies::first_newer);
    EXPECT_TRUE(done != 512 || file.copies == CheckpointCopies::only_second);
  }
}

TEST(EseCheckpoint, WithoutAGoodCopyItIsAnError) {
  auto bytes = two_copies(sample(3), sample(3));
  bytes[20] ^= std::byte{1};
  bytes[4096 + 20] ^= std::byte{1};
  const auto file = decode_checkpoint_file(bytes, "edb.chk");
  ASSERT_FALSE(file.ok());
  EXPECT_TRUE(is(file.error(), EseErr::checkpoint_corrupt));
  EXPECT_FALSE(decode_checkpoint_file({}, "edb.chk").ok());
}

TEST(EseCheckpoint, ASingleCopyIsEnough) {
  const auto bytes = two_copies(sample(3), sample(3));
  EXPECT_EQ(read(Bytes(bytes).first(4096)).copies, CheckpointCopies::only_first);
}

}  // namespace
}  // namespace stillframe::ese
