#include "framework/model/environment.hpp"

#include <gmock/gmock.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::HasSubstr;

const Environment kEnvironment = {
    {"STATE", "/var/lib"}, {"SHOP", "shop"}, {"_x1", "u"}, {"ODD", "/od$d"}, {"EMPTY", ""}};

TEST(ExpandPath, VariablesAreReplacedAndOtherDollarSignsStay) {
  struct Row {
    const char *path, *place;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"/srv", "/srv"},
           {"${STATE}/$SHOP//data/", "/var/lib/shop/data"},
           {"$STATE/a$_x1-b", "/var/lib/au-b"},
           {"/a${SHOP}b", "/ashopb"},
           {"/a/$", "/a/$"},
           {"/a/$1", "/a/$1"},
           {"/a/${STATE", "/a/${STATE"},
           {"/a/${}", "/a/${}"},
           {"/a/$$SHOP", "/a/$SHOP"},
           {"/a/$$$SHOP", "/a/$shop"},
           {"$ODD/x", "/od$d/x"},  // what a variable holds is not looked at again
           {"/a$EMPTY/b", "/a/b"},
       }) {
    auto place = expand_path(row.path, kEnvironment);
    ASSERT_TRUE(place.ok()) << row.path << ": " << place.error().what();
    EXPECT_EQ(place.value(), row.place) << row.path;
  }
}

TEST(ExpandPath, AnUnsetVariableOrAPlaceThatIsNoneIsRefused) {
  auto unset = expand_path("/a/$GONE", kEnvironment);
  ASSERT_FALSE(unset.ok());
  EXPECT_EQ(unset.error().code(), Errc::not_found);
  EXPECT_THAT(unset.error().what(), HasSubstr("variable GONE is not set"));
  const Environment climbing = {{"UP", ".."}, {"LONG", BytePath(5000, 'x')}};
  for (const char* path : {"", "a", "/a/$UP/b", "/$LONG", "$UP"}) {
    auto refused = expand_path(path, climbing);
    ASSERT_FALSE(refused.ok()) << path;
    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
  }
}

TEST(ExpandMetadataPaths, TheDocumentThenMeansTheSameEverywhere) {
  WriterMetadata metadata = tests::library_writer();
  metadata.components[0].files = {tests::file_set("$STATE/a", "*"), tests::file_set("$ODD", "*")};
  metadata.components[0].files[0].alternate_path = "$STATE/spit";
  metadata.exclude = {{"$STATE/cache", "*", true, {}}};
  metadata.exclude_from_snapshot = {{"${STATE}", "x", false, {}}};
  metadata.alternate_mappings = {{"$STATE/a", "*", false, "/alt/$SHOP", {}}};
  ASSERT_TRUE(expand_metadata_paths(metadata, kEnvironment).ok());
  EXPECT_EQ(metadata.components[0].files[0].path, "/var/lib/a");
  EXPECT_EQ(metadata.components[0].files[0].alternate_path, "/var/lib/spit");
  EXPECT_EQ(metadata.components[0].files[1].path, "/od$$d");
  EXPECT_EQ(expand_path(metadata.components[0].files[1].path, {}).value(), "/od$d");
  EXPECT_EQ(metadata.exclude[0].path, "/var/lib/cache");
  EXPECT_EQ(metadata.exclude_from_snapshot[0].path, "/var/lib");
  EXPECT_EQ(metadata.alternate_mappings[0].path, "/var/lib/a");
  EXPECT_EQ(metadata.alternate_mappings[0].destination, "/alt/shop");
  const WriterMetadata once = metadata;
  ASSERT_TRUE(expand_metadata_paths(metadata, {}).ok());
  EXPECT_EQ(metadata, once);
}

}  // namespace
}  // namespace stillframe
