// From components to volumes and providers, without a disk.
#include "framework/coordinator/volumes/set_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/coordinator/volumes/environment.hpp"

namespace stillframe::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Volume volume(const std::string& mount_point, const std::string& image = {}) {
  Volume v;
  v.id = "id:" + mount_point;
  v.mount_point = mount_point;
  v.fs_type = "testfs";
  v.fs_uuid = "uuid:" + mount_point;
  v.backing_image = image;
  return v;
}

// Mounts by longest prefix; every path exists unless it holds "missing".
class Mounts final : public VolumeSource {
 public:
  explicit Mounts(std::vector<Volume> volumes) : volumes_(std::move(volumes)) {}
  Result<Located> locate(const BytePath& path) const override {
    if (path.find("missing") != std::string::npos)
      return Error(Errc::not_found, "no such path: " + path);
    Located best;
    for (const auto& v : volumes_) {
      const bool root = v.mount_point == "/";
      if (!root && path != v.mount_point && path.rfind(v.mount_point + "/", 0) != 0) continue;
      if (best.volume.id.empty() || v.mount_point.size() > best.volume.mount_point.size())
        best.volume = v;
    }
    best.path = path;
    return best;
  }
  std::vector<Volume> volumes() const override { return volumes_; }
  Status check_apart(const Volume& one, const Volume& other) const override {
    const std::string below = other.mount_point + "/";
    if (one.backing_image.rfind(below, 0) != 0) return Ok{};
    return Error(Errc::volume_not_supported,
                 one.backing_image + " lies below " + other.mount_point + "; take two sets");
  }

 private:
  std::vector<Volume> volumes_;
};

SurveyedComponent component(const std::vector<BytePath>& paths, bool recursive = true) {
  SurveyedComponent c;
  c.writer_name = "orders";
  c.name.name = "data";
  Component& member = c.members.emplace_back();
  member.name.name = "data";
  for (const auto& path : paths) {
    FileSet& files = member.files.emplace_back();
    files.path = path;
    files.pattern = "*";
    files.recursive = recursive;
  }
  return c;
}

ProviderOpinion opinion(const std::string& name, std::vector<Status> supports,
                        bool freezes = false) {
  ProviderOpinion o;
  o.provider.id = ProviderId::generate();
  o.provider.name = name;
  o.provider.freezes_file_system = freezes;
  o.supports = std::move(supports);
  return o;
}

std::vector<std::string> mount_points(const Survey& survey) {
  std::vector<std::string> all;
  for (const auto& v : survey.volumes) all.push_back(v.volume.mount_point);
  return all;
}

const Mounts kMounts({volume("/"), volume("/srv"), volume("/srv/deep"), volume("/img", "/srv/i")});

TEST(Survey, OnlyTheVolumesThatHoldFilesOfTheComponentsAreTaken) {
  SurveyRequest request;
  request.components = {component({"/srv/app"}, false), component({"/etc"}, false)};
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok()) << survey.error().what();
  EXPECT_THAT(mount_points(survey.value()), ElementsAre("/srv", "/"));
  EXPECT_THAT(survey.value().component_volumes, ElementsAre(1u, 2u));
}

TEST(Survey, AFileSetThatNeedsNoSnapshotLeavesItsVolumeOut) {
  SurveyRequest request;
  request.components = {component({"/srv/app", "/etc"}, false)};
  request.components[0].members[0].files[1].mask.bits = TypeMask::kFullRequired;
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok()) << survey.error().what();
  EXPECT_THAT(mount_points(survey.value()), ElementsAre("/srv"));
}

TEST(Survey, VolumesMountedInsideARecursiveFileSetAreFollowed) {
  SurveyRequest request;
  request.components = {component({"/srv"})};
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok()) << survey.error().what();
  EXPECT_THAT(mount_points(survey.value()), ElementsAre("/srv", "/srv/deep"));
  EXPECT_EQ(survey.value().volumes[1].files.at(0).path, "/srv/deep");
}

TEST(Survey, ADirectoryThatIsNotThereYetIsPlacedByItsNearestParent) {
  SurveyRequest request;
  request.components = {component({"/srv/missing/deeper"}, false)};
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok()) << survey.error().what();
  EXPECT_THAT(mount_points(survey.value()), ElementsAre("/srv"));
  EXPECT_EQ(survey.value().volumes[0].files.at(0).path, "/srv/missing/deeper");
}

TEST(Survey, ARelativePathNamesItsComponentAndIsAGapWhereLessIsEnough) {
  SurveyRequest request;
  request.components = {component({"srv/app"})};
  auto refused = survey_volumes(kMounts, request);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
  EXPECT_THAT(refused.error().what(), HasSubstr("writer orders, component data"));
  request.components[0].policy = ConsistencyPolicy::allow_degraded;
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok());
  EXPECT_EQ(survey.value().component_gaps.at(0).size(), 1u);
}

TEST(Survey, ASetOfMoreThan64VolumesIsRefused) {
  std::vector<Volume> many{volume("/")};
  SurveyRequest request;
  for (int i = 0; i < 65; ++i) {
    many.push_back(volume("/v" + std::to_string(i)));
    request.extra_volumes.push_back(many.back().mount_point);
  }
  auto survey = survey_volumes(Mounts(many), request);
  ASSERT_FALSE(survey.ok());
  EXPECT_EQ(survey.error().code(), Errc::limit_reached);
}

TEST(SetPlan, AnImageAndItsHostInOneSetFallToAnotherProviderOrAreRefused) {
  SurveyRequest request;
  request.components = {component({"/img"}, false), component({"/srv/app"}, false)};
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok()) << survey.error().what();
  const Error no(Errc::volume_not_supported, "not mine");
  const auto image = opinion("image", {Ok{}, no}, true);
  const auto copy = opinion("copy", {Ok{}, Ok{}});
  const auto host_only = opinion("btrfs", {no, Ok{}});
  const std::vector<ConsistencyPolicy> policies(2, ConsistencyPolicy::require);

  auto plan = plan_set(survey.value(), {image, copy}, policies, {}, true);
  ASSERT_TRUE(plan.ok()) << plan.error().what();
  ASSERT_EQ(plan.value().groups.size(), 1u);
  EXPECT_EQ(plan.value().groups[0].provider.name, "copy");

  auto refused = plan_set(survey.value(), {image, host_only}, policies, {}, true);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().what(), HasSubstr("/srv/i"));
  EXPECT_THAT(refused.error().what(), HasSubstr("two sets"));
}

TEST(SetPlan, WhoFreezesKeepsEverybodyOffTheFileSystemAndItsHost) {
  SurveyRequest request;
  request.components = {component({"/img"}, false)};
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok());
  auto plan = plan_set(survey.value(), {opinion("image", {Ok{}}, true)},
                       {ConsistencyPolicy::require}, {}, true);
  ASSERT_TRUE(plan.ok()) << plan.error().what();
  EXPECT_THAT(plan.value().turn_needs, ElementsAre("volume:id:/img", "volume:id:/srv"));
  EXPECT_THAT(plan.value().file_systems, ElementsAre("uuid:/img", "uuid:/srv"));
}

TEST(SetPlan, AVolumeNobodyTakesIsLeftOutWhereLessIsEnough) {
  SurveyRequest request;
  request.components = {component({"/srv/app"}, false)};
  auto survey = survey_volumes(kMounts, request);
  ASSERT_TRUE(survey.ok());
  const auto nobody = opinion("copy", {Error(Errc::volume_not_supported, "too large")});
  EXPECT_EQ(
      plan_set(survey.value(), {nobody}, {ConsistencyPolicy::require}, {}, true).error().code(),
      Errc::volume_not_supported);
  auto plan = plan_set(survey.value(), {nobody}, {ConsistencyPolicy::skip}, {}, true);
  ASSERT_TRUE(plan.ok()) << plan.error().what();
  EXPECT_TRUE(plan.value().volumes.empty());
  EXPECT_THAT(plan.value().component_gaps.at(0).at(0), HasSubstr("too large"));
}

TEST(Environment, VariablesAreReplacedAndUnknownOnesNamed) {
  const EnvironmentLookup lookup = [](const std::string& name) -> std::optional<std::string> {
    if (name == "DATA") return "/srv/data";
    return std::nullopt;
  };
  EXPECT_EQ(expand_environment("${DATA}/x", lookup).value(), "/srv/data/x");
  EXPECT_EQ(expand_environment("$DATA/$", lookup).value(), "/srv/data/$");
  EXPECT_EQ(expand_environment("/a$1${", lookup).value(), "/a$1${");
  EXPECT_EQ(expand_environment("/no/variable", lookup).value(), "/no/variable");
  const auto missing = expand_environment("$HOMELESS/x", lookup);
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().what(), HasSubstr("HOMELESS"));
}

}  // namespace
}  // namespace stillframe::coordinator
