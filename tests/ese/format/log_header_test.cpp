#include "writers/ese/format/log_header.hpp"

#include <gtest/gtest.h>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {
namespace {

Attachment attachment(std::uint8_t dbid, std::string_view path) {
  Attachment a;
  a.entry.dbid = Dbid{dbid};
  a.entry.flags = AttachmentEntry::kUtf16;
  a.entry.dbtime = Dbtime{0x1234};
  a.entry.objid_last = Objid{17};
  a.entry.attach = {0x268, 1, Generation{3}};
  a.entry.database.random = 0xCAFE;
  a.name = to_logged_utf16(path);
  a.entry.name_bytes = static_cast<std::uint16_t>(a.name.size());
  return a;
}

LogFileHeader sample_header() {
  LogFileHeader header;
  LogHeader& h = header.fields;
  h.generation = Generation{0x1A};
  h.segment_bytes = 4096;
  h.header_segments = 1;
  h.file_segments = 16;
  h.page_bytes = 8192;
  h.created.day = 28;
  h.created_previous.day = 27;
  h.major = 8;
  h.minor = 4000;
  h.update_major = 5;
  h.update_minor = 16;
  h.log.random = 77;
  h.environment.sessions = 20;
  h.flags = LogHeader::kCircular;
  h.checkpoint = {8, 2, Generation{0x19}};
  h.previous_segments = 0x1122334455667788;
  h.engine_version = 9180;
  h.file_type = FileType::log;
  header.attachments = {attachment(1, "C:\\data\\größe.edb"), attachment(2, "D:\\😀.edb")};
  return header;
}

std::vector<std::byte> bytes_of(const LogFileHeader& header) {
  auto bytes = encode_log_header(header);
  EXPECT_TRUE(bytes.ok());
  return std::move(bytes).value();
}

TEST(EseLogHeader, ComesBackAsItWasWritten) {
  const auto bytes = bytes_of(sample_header());
  ASSERT_EQ(bytes.size(), LogHeader::kFileBytes);
  auto read = decode_log_header(bytes, "edb.log");
  ASSERT_TRUE(read.ok()) << read.error().what();
  EXPECT_EQ(read.value().fields.checksum, xor_checksum(bytes));
  read.value().fields.checksum = 0;
  EXPECT_EQ(read.value(), sample_header());
  EXPECT_EQ(read.value().attachments[0].path(), "C:\\data\\größe.edb");
  EXPECT_EQ(read.value().attachments[1].path(), "D:\\😀.edb");
}

TEST(EseLogHeader, FieldsLieWhereTheFormatHasThem) {
  const auto bytes = bytes_of(sample_header());
  EXPECT_EQ(load_le<std::int32_t>(bytes.data() + 4), 0x1A);
  EXPECT_EQ(load_le<std::uint32_t>(bytes.data() + 648), 16u);
  EXPECT_EQ(load_le<std::uint64_t>(bytes.data() + 653), 0x1122334455667788u);
  EXPECT_EQ(load_le<std::uint32_t>(bytes.data() + 667), 3u);
  EXPECT_EQ(bytes[671], std::byte{1});
}

TEST(EseLogHeader, EveryFlippedBitIsNoticed) {
  auto bytes = bytes_of(sample_header());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto flip = static_cast<std::byte>(1 << bit % 8);
    bytes[bit / 8] ^= flip;
    const auto read = decode_log_header(bytes, "edb.log");
    ASSERT_FALSE(read.ok()) << bit;
    ASSERT_TRUE(is(read.error(), EseErr::log_file_corrupt)) << read.error().what();
    bytes[bit / 8] ^= flip;
  }
}

TEST(EseLogHeader, ShortFilesAreRefused) {
  const auto bytes = bytes_of(sample_header());
  for (const std::size_t size : {0u, 1u, 671u, 4095u}) {
    EXPECT_FALSE(decode_log_header(Bytes(bytes).first(size), "edb.log").ok()) << size;
  }
}

struct BadField {
  const char* name;
  void (*spoil)(LogHeader&);
  EseErr err;
};

constexpr BadField kBadFields[] = {
    {"generation", [](LogHeader& h) { h.generation = Generation::none; }, EseErr::log_file_corrupt},
    {"segment size", [](LogHeader& h) { h.segment_bytes = 2048; }, EseErr::log_file_corrupt},
    {"header segments", [](LogHeader& h) { h.header_segments = 2; }, EseErr::log_file_corrupt},
    {"file segments", [](LogHeader& h) { h.file_segments = 2; }, EseErr::log_file_corrupt},
    {"page size", [](LogHeader& h) { h.page_bytes = 5000; }, EseErr::log_file_corrupt},
    {"file type", [](LogHeader& h) { h.file_type = FileType::database; }, EseErr::log_file_corrupt},
    {"major", [](LogHeader& h) { h.major = 9; }, EseErr::bad_log_version},
    {"minor", [](LogHeader& h) { h.minor = 3704; }, EseErr::bad_log_version},
};

TEST(EseLogHeader, ImpossibleFieldsAreRefusedReadingAndWriting) {
  for (const BadField& bad : kBadFields) {
    LogFileHeader header = sample_header();
    auto bytes = bytes_of(header);
    bad.spoil(header.fields);
    EXPECT_FALSE(encode_log_header(header).ok()) << bad.name;
    encode(header.fields, bytes);
    store_le(bytes.data(), xor_checksum(bytes));
    const auto read = decode_log_header(bytes, "edb.log");
    ASSERT_FALSE(read.ok()) << bad.name;
    EXPECT_TRUE(is(read.error(), bad.err)) << read.error().what();
  }
}

TEST(EseLogHeader, AnAttachmentThatRunsPastTheListIsRefused) {
  auto bytes = bytes_of(sample_header());
  store_le(bytes.data() + 671 + 2, std::uint16_t{2000});
  store_le(bytes.data(), xor_checksum(bytes));
  EXPECT_FALSE(decode_log_header(bytes, "edb.log").ok());
}

TEST(EseLogHeader, AttachmentsThatDoNotFitAreNotWritten) {
  LogFileHeader header = sample_header();
  header.attachments.push_back(attachment(3, std::string(1000, 'x')));
  const auto bytes = encode_log_header(header);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().code(), Errc::invalid_argument);
}

TEST(EseLogHeader, ChecksumsAreChainedFromTheirVersionOn) {
  LogHeader h = sample_header().fields;
  EXPECT_TRUE(h.chains_checksums());
  h.update_minor = 12;
  EXPECT_FALSE(h.chains_checksums());
  h.update_major = 60;
  EXPECT_TRUE(h.chains_checksums());
  h.major = 7;
  EXPECT_FALSE(h.chains_checksums());
}

TEST(EseLoggedPath, HalfASurrogatePairBecomesTheReplacementCharacter) {
  EXPECT_EQ(logged_path(std::string("a\0\x00\xD8"
                                    "b\0\0\0c\0",
                                    10),
                        true),
            "a\uFFFDb");
  EXPECT_EQ(logged_path(std::string("abc\0def", 7), false), "abc");
  EXPECT_EQ(to_logged_utf16("\xff"), std::string("\xFD\xFF\0\0", 4));
}

}  // namespace
}  // namespace stillframe::ese
