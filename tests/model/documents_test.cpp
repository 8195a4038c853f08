#include <chrono>
#include <ctime>
#include <iostream>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <stillframe/documents.hpp>

#include "tests/model/sample_documents.hpp"
#include "tests/support/scale.hpp"

namespace stillframe {
namespace {

using namespace std::string_literals;

using nlohmann::json;

template <class T>
Result<T> parse(std::string_view text);
template <>
Result<WriterMetadata> parse(std::string_view text) {
  return parse_writer_metadata(text);
}
template <>
Result<BackupDocument> parse(std::string_view text) {
  return parse_backup_document(text);
}
template <>
Result<Evidence> parse(std::string_view text) {
  return parse_evidence(text);
}
template <>
Result<Receipt> parse(std::string_view text) {
  return parse_receipt(text);
}
template <>
Result<RestoreReport> parse(std::string_view text) {
  return parse_restore_report(text);
}

template <class T>
void expect_same_document(const T& document) {
  const std::string text = to_json(document);
  auto back = parse<T>(text);
  // No values in the messages: a document is thousands of bytes, its seed says more.
  ASSERT_TRUE(back.ok()) << back.error().what();
  ASSERT_TRUE(back.value() == document) << text.substr(0, 500);
  ASSERT_TRUE(to_json(back.value()) == text) << text.substr(0, 500);
}

TEST(Documents, EveryFieldOfEveryDocumentComesBack) {
  expect_same_document(tests::full_writer_metadata());
  expect_same_document(tests::full_backup_document());
  expect_same_document(tests::full_evidence());
  expect_same_document(tests::full_receipt());
  expect_same_document(tests::full_restore_report());
}

TEST(Documents, EmptyDocumentsComeBack) {
  expect_same_document(WriterMetadata());
  expect_same_document(BackupDocument());
  expect_same_document(Evidence());
  expect_same_document(RestoreReport());
}

TEST(Documents, RandomDocumentsComeBack) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (std::uint64_t i = 0; i < tests::scaled(400); ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_same_document(tests::random_writer_metadata(random)));
    ASSERT_NO_FATAL_FAILURE(expect_same_document(tests::random_backup_document(random)));
    ASSERT_NO_FATAL_FAILURE(expect_same_document(tests::random_evidence(random)));
    ASSERT_NO_FATAL_FAILURE(expect_same_document(tests::random_receipt(random)));
    ASSERT_NO_FATAL_FAILURE(expect_same_document(tests::random_restore_report(random)));
  }
}

TEST(Documents, TheEnvelopeComesFirst) {
  EXPECT_EQ(to_json(tests::full_receipt())
                .rfind(R"({"format":"stillframe-receipt","version":{"major":1,"minor":0},)", 0),
            0u);
}

TEST(Documents, TextThatIsNoUtf8DoesNotMakeADocumentUnreadable) {
  Evidence evidence = tests::full_evidence();
  evidence.reason = "bad \xff byte";
  auto back = parse_evidence(to_json(evidence));
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value().reason, "bad \xef\xbf\xbd byte");
}

// The same document with one member replaced (or removed, by a discarded value).
template <class T>
std::string changed(const T& document, const std::string& pointer, json value) {
  json tree = json::parse(to_json(document));
  const json::json_pointer at(pointer);
  if (value.is_discarded()) {
    tree.at(at.parent_pointer()).erase(at.back());
  } else {
    tree[at] = std::move(value);
  }
  return tree.dump();
}

const json kRemoved = json(json::value_t::discarded);

struct Damage {
  std::string pointer;
  json value;
  std::string says;  // in the message
};

template <class T>
void expect_refused(const T& document, const std::vector<Damage>& damages) {
  for (const Damage& damage : damages) {
    const std::string text = changed(document, damage.pointer, damage.value);
    auto back = parse<T>(text);
    ASSERT_FALSE(back.ok()) << damage.pointer;
    EXPECT_EQ(back.error().code(), Errc::corrupt) << back.error().what();
    EXPECT_NE(back.error().what().find(damage.says), std::string::npos)
        << damage.pointer << " said: " << back.error().what();
  }
}

TEST(Documents, ADamagedFieldIsNamedByItsPath) {
  expect_refused(
      tests::full_writer_metadata(),
      {
          {"/components/0/files/1/path", 7, "components[0].files[1].path: must be a string"},
          {"/components/0/files/1/path", "\\xZZ", "components[0].files[1].path: "},
          {"/components/0/files/1/path", std::string(5000, 'x'), "components[0].files[1].path: "},
          {"/components/0/files/1/path", kRemoved, "components[0].files[1].path: is missing"},
          {"/components/0/files/0/mask", -1, "components[0].files[0].mask: must be from 0"},
          {"/components/0/files/0/mask", 1.5, "components[0].files[0].mask: must be a whole"},
          {"/components/0/files/0/mask", 4294967296, "to 4294967295"},
          {"/components/0/files/0/recursive", "yes", "components[0].files[0].recursive: must be"},
          {"/components/0/files", json::object(), "components[0].files: must be an array"},
          {"/components/1", "x", "components[1]: must be an object"},
          {"/components/1/type", "table", "components[1].type: 'table' is none of database"},
          {"/components/1/name", kRemoved, "components[1].name: is missing"},
          {"/components/1/name", "a\0b"s, "components[1].name: holds a NUL"},
          {"/components/0/icon", "!!!", "components[0].icon: "},
          {"/components/0/dependencies/0/writer_class", "xyz",
           "components[0].dependencies[0].writer_class: 'xyz' is no id"},
          {"/components", 3, "components: must be an array"},
          {"/identity/usage", 1, "identity.usage: must be a string"},
          {"/identity/class_id", kRemoved, "identity.class_id: is missing"},
          {"/identity/hold_limit_ms", INT64_MAX, "identity.hold_limit_ms: is beyond"},
          {"/restore/method", "undefined", "restore.method: 'undefined' is none of"},
          {"/schema", nullptr, "schema: must be a whole number, is null"},
          {"/process/pid", 18446744073709551615u, "process.pid: must be from"},
          {"/format", "stillframe-receipt", "format is"},
          {"/format", kRemoved, "format is missing"},
          {"/version", kRemoved, "version is missing"},
          {"/version", 1, "version: must be an object"},
          {"/version/major", 0, "version.major is 0"},
      });
  expect_refused(
      tests::full_backup_document(),
      {
          {"/components/0/partial_files/0/ranges/1/offset", "0",
           "components[0].partial_files[0].ranges[1].offset: must be a whole"},
          {"/components/0/restore/target", "moon", "components[0].restore.target: "},
          {"/components/0/base/backup", kRemoved, "components[0].base.backup: is missing"},
          {"/session", "not-an-id", "session: "},
          {"/type", kRemoved, "type: is missing"},
      });
  expect_refused(tests::full_evidence(),
                 {
                     {"/components/0/hold/held_from", true, "components[0].hold.held_from: "},
                     {"/components/0/cuts/0", 5, "components[0].cuts[0]: must be a string"},
                     {"/snapshots/0/atomicity", "galaxy", "snapshots[0].atomicity: "},
                     {"/timeline/1/phase", kRemoved, "timeline[1].phase: is missing"},
                     {"/label", "green", "label: 'green' is none of application-consistent"},
                 });
  expect_refused(tests::full_receipt(),
                 {
                     {"/manifest_sha256", "abc", "manifest_sha256: must be 64"},
                     {"/manifest_sha256", std::string(64, 'A'), "manifest_sha256: must be 64"},
                     {"/published", "today", "published: must be a whole number"},
                 });
  expect_refused(tests::full_restore_report(),
                 {{"/components/0/files", -1, "components[0].files: must be from 0"}});
}

TEST(Documents, ComponentNamesAreUnique) {
  WriterMetadata metadata = tests::full_writer_metadata();
  metadata.components.push_back(metadata.components[1]);
  auto back = parse_writer_metadata(to_json(metadata));
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::corrupt);
  EXPECT_EQ(back.error().what(), "components[2].name: component 'Stores/EU' is there twice");

  BackupDocument document = tests::full_backup_document();
  document.components.push_back(document.components[0]);
  EXPECT_FALSE(parse_backup_document(to_json(document)).ok());
  document.components.back().instance_name = "orders-2";
  EXPECT_TRUE(parse_backup_document(to_json(document)).ok());
}

TEST(Documents, ANewerMinorVersionIsReadAndItsFieldsAreKept) {
  json tree = json::parse(to_json(tests::full_receipt()));
  tree["version"]["minor"] = 7;
  tree["signature"] = {{"by", "someone"}, {"value", {1, 2, 3}}};
  auto back = parse_receipt(tree.dump());
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(json::parse(to_json(back.value()))["signature"], tree["signature"]);
}

// Also when the newer version changed what the elements are, and says its version after them.
TEST(Documents, ANewerMajorVersionIsRefusedByThatName) {
  const std::string text =
      R"({"components":[{"is":"all different"}],"format":"stillframe-writer-metadata",)"
      R"("version":{"major":2,"minor":0}})";
  auto back = parse_writer_metadata(text);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::future_version);
  EXPECT_NE(back.error().what().find("version 2.0"), std::string::npos) << back.error().what();
  EXPECT_NE(back.error().what().find("newer Stillframe"), std::string::npos);
}

TEST(Documents, TextThatStopsIsToldFromTextThatLies) {
  const std::string whole = to_json(tests::full_evidence());
  for (std::size_t keep = 0; keep < whole.size(); ++keep) {
    auto back = parse_evidence(whole.substr(0, keep));
    ASSERT_FALSE(back.ok()) << keep;
    ASSERT_EQ(back.error().code(), Errc::truncated) << keep << ": " << back.error().what();
  }
  for (const char* text : {"]", "{\"format\":nope}", "\xff\xfe", "{} {}", "{\"a\":1,}", "[1 2]"}) {
    auto back = parse_evidence(text);
    ASSERT_FALSE(back.ok()) << text;
    EXPECT_EQ(back.error().code(), Errc::corrupt) << text << ": " << back.error().what();
  }
}

TEST(Documents, NestingAndDoubledNamesAreRefused) {
  const auto nested = [](int levels) {
    return R"({"format":"stillframe-receipt","x":)" + std::string(levels, '[') +
           std::string(levels, ']') + "}";
  };
  auto deep = parse_receipt(nested(5000));
  ASSERT_FALSE(deep.ok());
  EXPECT_NE(deep.error().what().find("levels of nesting"), std::string::npos);
  EXPECT_EQ(parse_receipt(nested(63)).error().what().find("levels of nesting"), std::string::npos);

  auto doubled = parse_receipt(R"({"format":"stillframe-receipt","format":"x"})");
  ASSERT_FALSE(doubled.ok());
  EXPECT_NE(doubled.error().what().find("twice"), std::string::npos) << doubled.error().what();
  EXPECT_FALSE(parse_writer_metadata(R"({"components":[],"components":[]})").ok());
}

#ifdef NDEBUG
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// CPU time, because the machine that runs the tests does other things too.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

TEST(Documents, AHundredThousandComponentsAreReadInUnderASecond) {
  WriterMetadata metadata = tests::full_writer_metadata();
  metadata.components.clear();
  for (int i = 0; i < 100'000; ++i) {
    Component component;
    component.type = ComponentType::database;
    component.name = {"Stores/Region " + std::to_string(i % 50), "Store " + std::to_string(i)};
    component.caption = "Store number " + std::to_string(i);
    component.selectable_for_restore = true;
    component.files = {
        {"/srv/stores/" + std::to_string(i), "*.db", true, {}, {}, false, {}},
        {"/srv/stores/logs/" + std::to_string(i), "*.log", false, {}, {0x0F01}, true, {}}};
    metadata.components.push_back(component);
  }
  const std::string text = to_json(metadata);

  const double before = cpu_seconds();
  auto back = parse_writer_metadata(text);
  const double took = cpu_seconds() - before;

  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value().components.size(), 100'000u);
  std::cout << "read 100,000 components, " << text.size() / 1024 / 1024 << " MiB, in " << took
            << " s\n";
  RecordProperty("milliseconds", static_cast<int>(took * 1000));
  EXPECT_LT(took, 1.0);
  EXPECT_EQ(back.value(), metadata);
}
#endif
#endif

}  // namespace
}  // namespace stillframe
