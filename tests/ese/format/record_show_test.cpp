#include "writers/ese/format/record_show.hpp"

#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/record_tree.hpp"

namespace stillframe::ese {
namespace {

std::map<std::string, FieldValue> shown(Bytes record) {
  std::map<std::string, FieldValue> fields;
  show_record(record, [&](std::string_view name, const FieldValue& value) {
    EXPECT_TRUE(fields.emplace(name, value).second) << name << " is shown twice";
  });
  return fields;
}

// The layouts and the rows of record_types were written from the same document independently.
TEST(EseRecordShow, EveryTypesLayoutAgreesWithItsLengths) {
  for (const RecordKind& kind : record_kinds()) {
    std::vector<std::byte> bytes(kind.fixed_bytes + std::size_t{64}, std::byte{0});
    bytes[0] = static_cast<std::byte>(kind.type);
    std::size_t expected = 0;
    for (const LengthField& field : kind.lengths) {
      if (field.width == 0) continue;
      bytes[field.offset] = std::byte{4};
      expected += 4;
    }
    std::size_t parts = 0;
    const RecordSpan span = measure_record(bytes);
    show_record(Bytes(bytes).first(span.bytes), [&](std::string_view, const FieldValue& value) {
      if (const auto* part = std::get_if<Bytes>(&value)) parts += part->size();
    });
    const bool opaque =
        kind.type == RecordType::multi_sector || kind.type == RecordType::page_patch_request;
    EXPECT_EQ(parts, opaque ? kind.fixed_bytes - std::size_t{1} : expected) << kind.name;
  }
}

template <class R>
void expect_round_trip(std::mt19937_64& random) {
  for (const RecordType type : R::kTypes) {
    std::vector<std::byte> bytes(R::kBytes);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    bytes[0] = static_cast<std::byte>(type);
    const R fixed = decode<R>(bytes);
    std::vector<std::byte> again(R::kBytes);
    encode(fixed, again);
    EXPECT_EQ(again, bytes) << record_name(type);
    EXPECT_EQ(record_kind(type)->fixed_bytes, R::kBytes) << record_name(type);
  }
}

// No byte of these is without a field, so nothing of a real record is lost when it is written anew.
TEST(EseRecordLayouts, EveryByteComesBack) {
  std::mt19937_64 random(11);
  expect_round_trip<QuitRecord2>(random);
  expect_round_trip<LevelRecord>(random);
  expect_round_trip<LevelRecord0>(random);
  expect_round_trip<RefreshRecord>(random);
  expect_round_trip<MacroRecord>(random);
  expect_round_trip<NoteRecord>(random);
  expect_round_trip<ExtensibleRecord>(random);
  expect_round_trip<FragmentBeginRecord>(random);
  expect_round_trip<FragmentRecord>(random);
  expect_round_trip<CreateDbRecord>(random);
  expect_round_trip<AttachDbRecord>(random);
  expect_round_trip<DetachDbRecord>(random);
  expect_round_trip<CreateDbFinishRecord>(random);
  expect_round_trip<ShrinkDbRecord>(random);
  expect_round_trip<ShrinkDbRecord3>(random);
  expect_round_trip<TrimDbRecord>(random);
  expect_round_trip<SetDbVersionRecord>(random);
  expect_round_trip<SignalAttachDbRecord>(random);
  expect_round_trip<ScanCheckRecord2>(random);
  expect_round_trip<ExtentFreedRecord>(random);
  expect_round_trip<ExtentFreedRecord2>(random);
  expect_round_trip<BackupRecord2>(random);
  expect_round_trip<InsertRecord>(random);
  expect_round_trip<FlagInsertRecord>(random);
  expect_round_trip<FlagInsertAndReplaceRecord>(random);
  expect_round_trip<LineRecord>(random);
  expect_round_trip<ReplaceRecord>(random);
  expect_round_trip<ReplaceDiffRecord>(random);
  expect_round_trip<UndoInfoRecord>(random);
  expect_round_trip<DeltaRecord>(random);
  expect_round_trip<DeltaRecord64>(random);
  expect_round_trip<ExternalHeaderRecord>(random);
  expect_round_trip<UndoRecord>(random);
  expect_round_trip<EmptyTreeRecord>(random);
  expect_round_trip<ScrubRecord>(random);
  expect_round_trip<CreateMultipleExtentFdpRecord>(random);
  expect_round_trip<CreateSingleExtentFdpRecord>(random);
  expect_round_trip<ConvertFdpRecord>(random);
  expect_round_trip<ConvertFdpRecord2>(random);
  expect_round_trip<NewPageRecord>(random);
  expect_round_trip<RootPageMoveRecord>(random);
  expect_round_trip<SplitRecord>(random);
  expect_round_trip<SplitRecord2>(random);
  expect_round_trip<MergeRecord>(random);
  expect_round_trip<MergeRecord2>(random);
  expect_round_trip<PageMoveRecord>(random);
}

std::vector<std::byte> text(std::string_view s) {
  const auto* begin = reinterpret_cast<const std::byte*>(s.data());
  return {begin, begin + s.size()};
}

TEST(EseRecordLayouts, PartsAreTakenApartAsTheyWerePutTogether) {
  InsertRecord insert;
  insert.node.page.page = Pgno{7};
  const auto prefix = text("pre"), suffix = text("suffix"), data = text("data!");
  const auto bytes = encode_record(insert, {prefix, suffix, data});
  ASSERT_EQ(measure_record(bytes).read, RecordRead::whole);
  EXPECT_EQ(load_le<std::uint16_t>(bytes.data() + 44), 6);
  EXPECT_EQ(load_le<std::uint16_t>(bytes.data() + 46), 3);
  const auto fields = shown(bytes);
  EXPECT_EQ(std::get<std::uint64_t>(fields.at("page")), 7u);
  EXPECT_EQ(std::get<Bytes>(fields.at("suffix")).size(), 6u);
}

TEST(EseRecordLayouts, FlagsInLengthsSurvive) {
  ReplaceDiffRecord diff;
  diff.diff_bytes = ReplaceDiffRecord::kWide;
  const auto bytes = encode_record(diff, {text("0123456789")});
  EXPECT_EQ(load_le<std::uint16_t>(bytes.data() + 44), 0x800A);
  EXPECT_EQ(measure_record(bytes).bytes, bytes.size());
  CreateDbRecord create;
  create.flags = CreateDbRecord::kUtf16;
  const auto with = encode_record(create, {text("vvuu"), text("path")});
  EXPECT_EQ(with[42], std::byte{CreateDbRecord::kUtf16 | CreateDbRecord::kVersions});
  EXPECT_EQ(measure_record(with).bytes, with.size());
}

TEST(EseRecordShow, KnownBodiesAreTakenApart) {
  ExtensibleRecord record;
  record.type = RecordType::extend_db;
  std::vector<std::byte> body(ExtendDbBody::kBytes);
  encode(ExtendDbBody{Dbid{2}, Pgno{300}}, body);
  const auto fields = shown(encode_record(record, {body}));
  EXPECT_EQ(std::get<std::uint64_t>(fields.at("last")), 300u);
  EXPECT_EQ(std::get<Bytes>(shown(encode_record(record, {Bytes(body).first(3)})).at("body")).size(),
            3u);
}

TEST(EseRecordShow, TimesAndPositionsReadAsPeopleWriteThem) {
  LogTime time;
  time.years_since_1900 = 122;
  time.month = 2;
  time.day = 20;
  time.hours = 3;
  time.minutes = 38;
  time.seconds = 21;
  time.utc_and_low_milliseconds = 0x2F;
  time.high_milliseconds = 4;
  EXPECT_EQ(to_text(time), "2022-02-20 03:38:21.279Z");
  EXPECT_EQ(to_text(LogTime{}), "-");
  EXPECT_EQ(to_text(Lgpos{0x6F6, 0x9F, Generation{9}}), "9,9F,6F6");
}

}  // namespace
}  // namespace stillframe::ese
