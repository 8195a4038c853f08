#include "writers/script/script_config.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillframe::script {
namespace {

using testing::HasSubstr;

constexpr const char* kHead =
    "format = 1\n[writer]\nclass_id = '5d1f7f0e-6f5c-4c0f-9d1b-1f4f0c7d9a31'\nname = 'Orders'\n";
constexpr const char* kComponent = "[[component]]\nname = 'a'\n";

std::string mistake(const std::string& toml) {
  auto config = parse_script_config(toml, "w.toml");
  return config.ok() ? "" : config.error().what();
}

TEST(ScriptConfig, ReadsEverythingItDocuments) {
  auto parsed = parse_script_config(
      std::string(kHead) +
          "instance_name = 'eu'\nversion = '2.7'\nusage = 'system_service'\n"
          "source = 'transacted_db'\nlevel = 'system'\nhold_limit_ms = 1500\n"
          "[environment]\nDATA = '/srv/data'\n"
          "[run]\nuser = 'orders'\nworking_directory = '/srv'\nsession = ['/bin/session', 'x']\n"
          "post_restore = ['/bin/true']\n"
          "[timeouts_ms]\nthaw = 99\n"
          "[restore]\nmethod = 'stop_restore_start'\nservice = 'orders'\ngate = '/srv/gate'\n"
          "[[restore.alternate_mapping]]\npath = '/srv/data'\npattern='*.db'\n"
          "destination = '/srv/other'\n"
          "[[component]]\ntype = 'database'\nname = 'Stores/EU/Main'\n"
          "selectable_for_restore = true\n"
          "[[component.files]]\npath = '${DATA}/db'\npattern = '*.db'\n"
          "[[component.files]]\npath = '$DATA/log'\nlog = true\nrecursive = true\n"
          "[[component.dependency]]\nwriter_class = '5d1f7f0e-6f5c-4c0f-9d1b-1f4f0c7d9a32'\n"
          "component = 'Index'\n"
          "[[exclude]]\npath = '/srv/data/tmp'\nrecursive = true\n"
          "[[exclude_from_snapshot]]\npath = '/srv/data/cache'\n",
      "w.toml");
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  const ScriptConfig& config = parsed.value();
  EXPECT_EQ(config.identity.instance_name, "eu");
  EXPECT_EQ(config.identity.version, (Version{2, 7}));
  EXPECT_EQ(config.identity.level, FreezeLevel::system);
  EXPECT_EQ(config.identity.hold_limit, std::chrono::milliseconds(1500));
  EXPECT_TRUE(config.identity.capabilities.has(Capability::staged_restore));
  EXPECT_TRUE(config.identity.capabilities.has(Capability::restore_events));
  EXPECT_EQ(config.commands.session, (Command{"/bin/session", "x"}));
  EXPECT_EQ(config.timeouts.thaw, std::chrono::milliseconds(99));
  EXPECT_EQ(config.restore.service, "orders");
  EXPECT_EQ(config.gate, "/srv/gate");
  ASSERT_EQ(config.components.size(), 1u);
  EXPECT_EQ(config.components[0].name, (ComponentName{"Stores/EU", "Main"}));
  EXPECT_EQ(config.components[0].files[0].path, "/srv/data/db");
  EXPECT_EQ(config.components[0].files[1].path, "/srv/data/log");
  EXPECT_TRUE(config.components[0].files[1].is_log);
  EXPECT_EQ(config.components[0].dependencies[0].component.name, "Index");
  EXPECT_EQ(config.alternate_mappings[0].destination, "/srv/other");
  EXPECT_EQ(config.exclude[0].path, "/srv/data/tmp");
  EXPECT_EQ(config.exclude_from_snapshot[0].path, "/srv/data/cache");
}

TEST(ScriptConfig, SaysWhatIsWrongAndWhere) {
  const std::string head = kHead, component = kComponent;
  EXPECT_THAT(mistake("format = 1\n" + component), HasSubstr("class_id"));
  EXPECT_THAT(mistake(head), HasSubstr("'component' is missing"));
  EXPECT_THAT(mistake(head + "levle = 'system'\n" + component),
              HasSubstr("w.toml:5: the key 'writer.levle'"));
  EXPECT_THAT(mistake(head + "level = 'middle'\n" + component), HasSubstr("front_end"));
  EXPECT_THAT(mistake(head + "version = '1'\n" + component), HasSubstr("MAJOR.MINOR"));
  EXPECT_THAT(mistake(head + component + component), HasSubstr("twice"));
  EXPECT_THAT(mistake(head + "[run]\nsession = ['session']\n" + component),
              HasSubstr("absolute path"));
  EXPECT_THAT(mistake(head + "[run]\nfreeze = ['/bin/true']\n" + component),
              HasSubstr("counterpart"));
  EXPECT_THAT(
      mistake(head + "[run]\nsession=['/bin/s']\nfreeze=['/bin/f']\nthaw=['/bin/t']\n" + component),
      HasSubstr("stands in for"));
  EXPECT_THAT(mistake(head + component + "[[component.files]]\npath = 'relative'\n"),
              HasSubstr("absolute path"));
  EXPECT_THAT(mistake(head + component + "[[component.files]]\npath = '/a/../b'\n"),
              HasSubstr("absolute path"));
  EXPECT_THAT(mistake(head + component + "[[component.files]]\npath = '${NOWHERE}/x'\n"),
              HasSubstr("[environment]"));
  EXPECT_THAT(mistake(head + component + "[[component.files]]\npath = '/x'\nlog = true\n"),
              HasSubstr("database"));
  EXPECT_THAT(mistake(head + "[environment]\nSTILLFRAME_SET = 'x'\n" + component),
              HasSubstr("Stillframe itself"));
  EXPECT_THAT(mistake(head + "[environment]\n\"A B\" = 'x'\n" + component), HasSubstr("no name"));
  EXPECT_THAT(mistake(head + "[restore]\nmethod = 'stop_restore_start'\n" + component),
              HasSubstr("service"));
  EXPECT_THAT(mistake(head + "[timeouts_ms]\nthaw = 0\n" + component), HasSubstr("whole number"));
}

TEST(ScriptConfig, ANewerFormatIsToldFromAMistake) {
  auto newer = parse_script_config("format = 2\n", "w.toml");
  ASSERT_FALSE(newer.ok());
  EXPECT_EQ(newer.error().code(), Errc::future_version);
}

TEST(ScriptConfig, PathsMayHoldAnyBytes) {
  auto parsed = parse_script_config(
      std::string(kHead) + kComponent + "[[component.files]]\npath = '/srv/\\xff'\n", "w.toml");
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  EXPECT_EQ(parsed.value().components[0].files[0].path, "/srv/\xff");
}

}  // namespace
}  // namespace stillframe::script
