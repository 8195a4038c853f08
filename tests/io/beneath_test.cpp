#include "framework/io/beneath.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

class OpenBeneath : public testing::TestWithParam<BeneathMethod> {
 protected:
  OpenBeneath() : root_(open_directory(here_.path()).value()) {
    (void)make_directories(here_.path() + "/d/e");
    (void)write_file_durably(here_.path() + "/d/e/f", "content");
    (void)symlink("/etc", (here_.path() + "/out").c_str());
    (void)symlink("d", (here_.path() + "/inside").c_str());
  }
  Result<Descriptor> open(const BytePath& path, int flags = O_RDONLY) {
    return open_beneath_by(GetParam(), root_.get(), path, flags, 0600);
  }

  tests::TemporaryDirectory here_;
  Descriptor root_;
};

TEST_P(OpenBeneath, FindsWhatIsThere) {
  auto file = open("d/e/f");
  ASSERT_TRUE(file.ok()) << file.error().what();
  EXPECT_EQ(read_all(file.value().get(), 100, "f").value(), "content");
  EXPECT_TRUE(open("").ok());
  EXPECT_EQ(open("d/none").error().code(), Errc::not_found);
}

TEST_P(OpenBeneath, NothingLeadsOut) {
  for (const char* path : {"..", "../x", "d/../../x", "/etc/passwd", "d//e", "d/./e", "d/"}) {
    EXPECT_EQ(open(path).error().code(), Errc::invalid_argument) << path;
  }
  EXPECT_FALSE(open("out/passwd").ok());
  EXPECT_FALSE(open("out").ok());
}

TEST_P(OpenBeneath, EvenALinkThatStaysInsideIsRefused) {
  EXPECT_FALSE(open("inside/e/f").ok());
  auto link = open("inside", O_PATH | O_NOFOLLOW);
  ASSERT_TRUE(link.ok()) << link.error().what();
  struct stat st {};
  ASSERT_EQ(fstat(link.value().get(), &st), 0);
  EXPECT_TRUE(S_ISLNK(st.st_mode));
}

TEST_P(OpenBeneath, CreatesBeneath) {
  ASSERT_TRUE(open("d/new", O_WRONLY | O_CREAT | O_EXCL).ok());
  EXPECT_TRUE(exists(here_.path() + "/d/new"));
  EXPECT_FALSE(open("out/new", O_WRONLY | O_CREAT | O_EXCL).ok());
}

TEST_P(OpenBeneath, PathsBeyondPathMax) {
  BytePath path;
  for (int level = 0; level < 60; ++level) path += (level == 0 ? "" : "/") + BytePath(200, 'n');
  ASSERT_TRUE(make_directories_beneath(root_.get(), path, 0700).ok());
  ASSERT_TRUE(open(path + "/deep", O_WRONLY | O_CREAT).ok());
  EXPECT_TRUE(open(path + "/deep").ok());
  auto parent = open_parent_beneath(root_.get(), path + "/deep");
  ASSERT_TRUE(parent.ok());
  EXPECT_EQ(parent.value().name, "deep");
}

INSTANTIATE_TEST_SUITE_P(Methods, OpenBeneath,
                         testing::Values(BeneathMethod::openat2_if_there,
                                         BeneathMethod::component_by_component),
                         [](const auto& tested) {
                           return tested.param == BeneathMethod::openat2_if_there ? "Openat2"
                                                                                  : "Components";
                         });

TEST(MakeDirectoriesBeneath, DoesNotGoThroughALink) {
  tests::TemporaryDirectory here, elsewhere;
  ASSERT_EQ(symlink(elsewhere.path().c_str(), (here.path() + "/link").c_str()), 0);
  auto root = open_directory(here.path()).value();
  EXPECT_FALSE(make_directories_beneath(root.get(), "link/below", 0700).ok());
  EXPECT_FALSE(exists(elsewhere.path() + "/below"));
}

}  // namespace
}  // namespace stillframe
