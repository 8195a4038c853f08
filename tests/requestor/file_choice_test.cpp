#include "requestor/restore/file_choice.hpp"

#include <gmock/gmock.h>

namespace stillframe::requestor {
namespace {

using testing::ElementsAre;

class FileChoiceTest : public testing::Test {
 protected:
  FileChoiceTest() {
    for (const char* path : {"/srv", "/srv/docs", "/srv/docs/old"}) add(path, FileKind::directory);
    for (const char* path :
         {"/srv/a", "/srv/docs/b.odt", "/srv/docs/c.txt", "/srv/docs/old/d.odt", "/etc/srv/a"}) {
      add(path, FileKind::regular);
    }
    for (ManifestFile& file : stored_) files_[file.path] = {{nullptr, &file}};
    FileSet set;
    set.path = "/srv";
    set.pattern = "*";
    set.recursive = true;
    component_.files = {set};
  }

  void add(const BytePath& path, FileKind kind) {
    ManifestFile file;
    file.path = path;
    file.kind = kind;
    stored_.push_back(std::move(file));
  }
  std::vector<BytePath> kept(std::vector<BytePath> named) {
    FileChoice choice(named);
    auto files = files_;
    const Component* members[] = {&component_};
    choice.keep_in(members, files);
    missing_ = choice.without_a_file();
    std::vector<BytePath> paths;
    for (const auto& [path, stored] : files) paths.push_back(path);
    return paths;
  }

  std::vector<ManifestFile> stored_;
  std::map<BytePath, StoredFile> files_;
  Component component_;
  std::optional<BytePath> missing_;
};

TEST_F(FileChoiceTest, AFileComesWithTheFoldersOnTheWayToIt) {
  EXPECT_THAT(kept({"docs/old/d.odt"}),
              ElementsAre("/srv", "/srv/docs", "/srv/docs/old", "/srv/docs/old/d.odt"));
  EXPECT_THAT(kept({"/srv/a"}), ElementsAre("/srv", "/srv/a"));
  EXPECT_FALSE(missing_);
}

TEST_F(FileChoiceTest, ASlashInFrontMeansTheFolderOfTheFileSetAsWell) {
  EXPECT_THAT(kept({"/a"}), ElementsAre("/srv", "/srv/a"));
  EXPECT_THAT(kept({"/etc/srv/a"}), ElementsAre("/etc/srv/a")) << "of no file set";
  EXPECT_THAT(kept({"etc/srv/a"}), ElementsAre());
  EXPECT_EQ(missing_, "etc/srv/a");
}

TEST_F(FileChoiceTest, AStarStaysWithinItsPartAndAFolderIsEverythingInIt) {
  EXPECT_THAT(kept({"docs/*.odt"}), ElementsAre("/srv", "/srv/docs", "/srv/docs/b.odt"));
  EXPECT_THAT(kept({"docs/old/"}),
              ElementsAre("/srv", "/srv/docs", "/srv/docs/old", "/srv/docs/old/d.odt"));
  EXPECT_EQ(kept({"d?cs"}).size(), 6u);
}

TEST_F(FileChoiceTest, ANameThatChoosesNothingIsTold) {
  kept({"a", "docs/nothing", "docs"});
  EXPECT_EQ(missing_, "docs/nothing");
  kept({"", "."});
  EXPECT_TRUE(missing_);
}

TEST_F(FileChoiceTest, MembersWithoutAChosenFileAreLeftOut) {
  const std::vector<BytePath> named{"docs/b.odt"};
  FileChoice choice(named);
  EXPECT_TRUE(choice.takes_any(component_, files_));
  Component other = component_;
  other.files[0].pattern = "*.txt";
  EXPECT_FALSE(choice.takes_any(other, files_));
}

}  // namespace
}  // namespace stillframe::requestor
