#include "requestor/store/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace stillframe::requestor {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::string kHash(64, 'a');

BackupManifest example() {
  BackupManifest manifest;
  manifest.backup = BackupId::generate();
  manifest.session = SessionId::generate();
  manifest.set = SetId::generate();
  manifest.type = BackupType::incremental;
  manifest.host = "db1";
  manifest.created = WallTime(Duration(1'700'000'000'000'000'001));
  manifest.components.push_back({WriterClassId::generate(),
                                 "orders",
                                 {"Stores", "EU"},
                                 true,
                                 "",
                                 ChainBase{BackupId::generate(), "stamp", "stillframe@db1"},
                                 3,
                                 9,
                                 {{"/srv/orders", "*.db", true}},
                                 {"/srv/orders/old.db"}});
  manifest.documents.push_back({"documents/backup.json", "backup", 12, kHash});

  ManifestFile odd;
  odd.path = std::string("/srv/\xff\xfe\n/it's \"x\"");
  odd.components = {0};
  odd.size = std::uint64_t{1} << 40;
  odd.sha256 = kHash;
  odd.link_group = 3;
  odd.is_log = true;
  odd.extents = {{0, 4096}, {std::uint64_t{1} << 39, 1}};
  odd.attributes = {04755, 1000, 100, -1, 5, {{"user.\xff", std::string("\0\x80z", 3)}}};
  manifest.files.push_back(odd);

  ManifestFile partial;
  partial.path = "/srv/p";
  partial.components = {0};
  partial.size = 100;
  partial.sha256 = kHash;
  partial.partial = true;
  partial.ranges = {{0, 10}, {50, 50}};
  manifest.files.push_back(partial);

  ManifestFile link;
  link.path = "/srv/z";
  link.kind = FileKind::symlink;
  link.link_target = "../\xc3\x28";
  manifest.files.push_back(link);
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return manifest;
}

// The manifest after `change` to its JSON.
Result<BackupManifest> changed(const std::function<void(json&)>& change) {
  json root = json::parse(to_json(example()));
  change(root);
  return parse_manifest(root.dump());
}

TEST(Manifest, SurvivesARoundTripWithAnyBytes) {
  const BackupManifest manifest = example();
  const auto back = parse_manifest(to_json(manifest));
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value(), manifest);
}

TEST(Manifest, NewerMajorVersionIsRefusedWithAClearMessage) {
  const auto back = changed([](json& root) { root["version"]["major"] = 2; });
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::future_version);
  EXPECT_THAT(back.error().what(), HasSubstr("newer"));
}

TEST(Manifest, NewerMinorVersionWithUnknownFieldsIsRead) {
  const auto back = changed([](json& root) {
    root["version"]["minor"] = 9;
    root["colour"] = "blue";
    root["files"][0]["taste"] = 7;
  });
  EXPECT_TRUE(back.ok());
}

TEST(Manifest, BytesThatAreNoManifestAreCorrupt) {
  for (const char* text : {"", "{", "[]", "7", "null", "{}", R"({"format":"other"})", "\xff"}) {
    const auto back = parse_manifest(text);
    ASSERT_FALSE(back.ok()) << text;
    EXPECT_EQ(back.error().code(), Errc::corrupt) << text;
  }
}

TEST(Manifest, EveryMissingFieldIsNamed) {
  for (const auto& field : {"backup", "session", "set", "type", "host", "created_ns", "components",
                            "documents", "files"}) {
    const auto back = changed([&](json& root) { root.erase(field); });
    ASSERT_FALSE(back.ok()) << field;
    EXPECT_THAT(back.error().what(), HasSubstr(field));
  }
  for (const auto& field : {"path", "kind", "origin", "components", "attributes"}) {
    const auto back = changed([&](json& root) { root["files"][0].erase(field); });
    ASSERT_FALSE(back.ok()) << field;
    EXPECT_THAT(back.error().what(), HasSubstr(field));
  }
}

TEST(Manifest, PathsThatCouldLeaveTheRootAreRefused) {
  for (const char* path : {"srv/x", "/srv/../etc", "/..", "/srv/./x", "/srv//x", "/srv/", "", "//",
                           "/srv/x\\x00", "/a/b/..", "\\q"}) {
    const auto back = changed([&](json& root) { root["files"][0]["path"] = path; });
    ASSERT_FALSE(back.ok()) << path;
    EXPECT_EQ(back.error().code(), Errc::corrupt) << path;
  }
}

TEST(Manifest, DocumentsMustLieInTheirFolder) {
  for (const char* path : {"/etc/passwd", "../x", "documents/../manifest.json", "data/x",
                           "documents/", "documents//x"}) {
    EXPECT_FALSE(changed([&](json& root) { root["documents"][0]["path"] = path; }).ok()) << path;
  }
}

TEST(Manifest, FilesMustBeSortedAndUnique) {
  EXPECT_FALSE(changed([](json& root) { root["files"].push_back(root["files"][0]); }).ok());
  EXPECT_FALSE(changed([](json& root) { std::swap(root["files"][0], root["files"][1]); }).ok());
}

TEST(Manifest, RangesMustRiseAndStayInsideTheFile) {
  const auto with_ranges = [](json ranges) {
    return changed([&](json& root) {
      for (json& file : root["files"]) {
        if (file.contains("ranges")) file["ranges"] = ranges;
      }
    });
  };
  EXPECT_TRUE(with_ranges(json::array({{0, 100}})).ok());
  for (const json& bad : std::vector<json>{
           json::array({{0, 101}}), json::array({{101, 1}}), json::array({{10, 10}, {15, 5}}),
           json::array({{10, 10}, {0, 5}}), json::array({{0, 0}}), json::array({7}),
           json::array({{-1, 5}}), json::array({{18446744073709551615u, 2}}), json("x"),
           json::array({{1, 2, 3}})}) {
    EXPECT_FALSE(with_ranges(bad).ok()) << bad.dump();
  }
}

TEST(Manifest, ValuesOutOfRangeAreRefused) {
  const auto first = [](const char* field, json value) {
    return changed([&](json& root) { root["files"][0][field] = value; });
  };
  EXPECT_FALSE(first("components", json::array({1})).ok());
  EXPECT_FALSE(first("components", json::array({-1})).ok());
  EXPECT_FALSE(first("kind", "device").ok());
  EXPECT_FALSE(first("sha256", std::string(64, 'A')).ok());
  EXPECT_FALSE(first("sha256", "abc").ok());
  EXPECT_FALSE(first("size", -1).ok());
  EXPECT_FALSE(first("size", 1.5).ok());
  EXPECT_FALSE(first("size", 18446744073709551615u).ok());
  EXPECT_FALSE(changed([](json& root) { root["files"][0]["attributes"]["mode"] = 010000; }).ok());
  EXPECT_FALSE(
      changed([](json& root) { root["files"][0]["attributes"]["uid"] = 4294967296u; }).ok());
  EXPECT_FALSE(changed([](json& root) {
                 root["files"][0]["attributes"]["xattrs"] = {{"user.a", "xy"}};
               }).ok());
}

TEST(Manifest, TruncationAtAnyByteIsNoticed) {
  const std::string text = to_json(example());
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    ASSERT_FALSE(parse_manifest(text.substr(0, length)).ok()) << length;
  }
}

TEST(StoredPath, AcceptsWhatIsPlainOnly) {
  EXPECT_TRUE(is_stored_path("/"));
  EXPECT_TRUE(is_stored_path("/a/b"));
  EXPECT_TRUE(is_stored_path("/..a/b.."));
  EXPECT_TRUE(is_stored_path("/" + std::string(4095, 'x')));
  EXPECT_FALSE(is_stored_path("/" + std::string(4096, 'x')));
  EXPECT_FALSE(is_stored_path(std::string("/a\0b", 4)));
}

}  // namespace
}  // namespace stillframe::requestor
