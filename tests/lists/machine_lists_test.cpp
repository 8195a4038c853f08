#include "framework/lists/machine_lists.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class MachineLists : public testing::Test {
 protected:
  std::string folder() const { return temporary_.path() + "/lists.d"; }
  void put(const std::string& name, const std::string& text, mode_t mode = 0644) {
    std::filesystem::create_directories(folder());
    std::ofstream(folder() + "/" + name) << text;
    ::chmod((folder() + "/" + name).c_str(), mode);
  }
  std::vector<std::string> read() const {
    auto lists = read_exclude_lists(folder(), ::getuid(), {{"/people/ann"}, {"/"}});
    if (!lists.ok()) return {"error: " + lists.error().what()};
    std::vector<std::string> out;
    for (const ExcludedFiles& one : lists.value()) {
      out.push_back(one.path + (one.recursive ? " ** " : " ") + one.pattern);
    }
    return out;
  }

  tests::TemporaryDirectory temporary_{"stillframe-lists"};
};

TEST_F(MachineLists, EveryListOfTheFolderCountsInTheOrderOfNames) {
  EXPECT_TRUE(read().empty()) << "no folder, no lists";
  put("20-caches.list", "${EVERY_HOME}/.cache/**/*\n");
  put("10-scratch.list", "# ours\n/scratch/*\n");
  put("30-notes.txt", "not a list");
  put(".hidden.list", "nor this");
  EXPECT_EQ(read(), (std::vector<std::string>{"/scratch *", "/people/ann/.cache ** *"}));
}

TEST_F(MachineLists, AMistakeIsNamedWithItsFileAndLine) {
  put("a.list", "/good/x\n\nbad\n");
  const auto said = read();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], HasSubstr("/lists.d/a.list:3: "));
}

TEST_F(MachineLists, AListThatOthersMayChangeIsRefused) {
  put("a.list", "/x/*\n", 0666);
  auto lists = read_exclude_lists(folder(), ::getuid(), {});
  ASSERT_FALSE(lists.ok());
  EXPECT_EQ(lists.error().code(), Errc::access_denied);
}

TEST_F(MachineLists, RootHasAHomeAndTheRootIsNobodysHome) {
  auto places = look_up_machine_places();
  ASSERT_TRUE(places.ok()) << places.error().what();
  EXPECT_THAT(places.value().homes, Contains("/root"));
  for (const BytePath& home : places.value().homes) EXPECT_NE(home, "/");
}

}  // namespace
}  // namespace stillframe
