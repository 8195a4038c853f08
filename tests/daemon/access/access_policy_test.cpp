#include "framework/daemon/access/access_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillframe::daemon {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kOwn = 300;

PeerCredentials user(std::int64_t uid, std::vector<std::int64_t> groups = {}) {
  return {1234, uid, uid, std::move(groups)};
}

WriterIdentity writer(const std::string& name, const std::string& instance = "") {
  WriterIdentity identity;
  identity.class_id = WriterClassId::generate();
  identity.name = name;
  identity.instance_name = instance;
  return identity;
}

AccessPolicy policy(const std::string& toml) {
  auto table = ConfigTable::parse(toml, "test.toml");
  EXPECT_TRUE(table.ok());
  auto rules = read_access_rules(table.value());
  EXPECT_TRUE(table.value().finish().ok()) << table.value().finish().error().what();
  return AccessPolicy(kOwn, std::move(rules));
}

std::string mistake(const std::string& toml) {
  auto table = ConfigTable::parse(toml, "test.toml");
  (void)read_access_rules(table.value());
  Status s = table.value().finish();
  return s.ok() ? "none" : s.error().what();
}

TEST(AccessPolicy, RootAndItsOwnUserMayDoEverythingOthersNothing) {
  const AccessPolicy none(kOwn);
  EXPECT_EQ(none.rights_of(user(0)), Rights::all());
  EXPECT_EQ(none.rights_of(user(kOwn)), Rights::all());
  EXPECT_FALSE(none.rights_of(user(1000)).any());
  EXPECT_TRUE(none.check_writer(user(kOwn), writer("Shop")).ok());
  Status s = none.check_writer(user(1000), writer("Shop"));
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code(), Errc::access_denied);
  EXPECT_THAT(s.error().what(), HasSubstr("uid 1000"));
  EXPECT_THAT(s.error().what(), HasSubstr("Shop"));
}

// Numbers of users mean nothing on another machine, root's least of all.
TEST(AccessPolicy, ACertificateIsNamedByItselfOnly) {
  const AccessPolicy some = policy(
      "[[allow]]\ncertificates = ['backup1']\nrights = ['look', 'backup']\n"
      "[[allow]]\nusers = ['0', '1000']\nrights = ['restore']\n");
  PeerCredentials far = user(0, {50});
  far.certificate = "backup1";
  far.address = "192.0.2.7";
  EXPECT_EQ(some.rights_of(far), Rights(Right::look) | Right::backup);
  far.certificate = "backup2";
  EXPECT_FALSE(some.rights_of(far).any());
  Status s = some.check(far, Right::look);
  ASSERT_FALSE(s.ok());
  EXPECT_THAT(s.error().what(), HasSubstr("certificate 'backup2' (192.0.2.7)"));
  EXPECT_EQ(some.rights_of(user(1000)), Rights(Right::restore));
  EXPECT_THAT(mistake("[[allow]]\ncertificates = ['']\nrights = ['look']\n"), HasSubstr("empty"));
}

TEST(AccessPolicy, RightsOfAllTablesThatNameSomebodyAddUp) {
  const AccessPolicy some = policy(
      "[[allow]]\nusers = ['1000']\nrights = ['look']\n"
      "[[allow]]\ngroups = ['50']\nrights = ['backup', 'delete']\n");
  EXPECT_EQ(some.rights_of(user(1000)), Rights(Right::look));
  EXPECT_EQ(some.rights_of(user(1000, {7, 50})),
            Rights(Right::look) | Right::backup | Right::remove);
  EXPECT_EQ(some.rights_of(user(50)), Rights(Right::backup) | Right::remove) << "the first group";
  EXPECT_FALSE(some.check(user(1000), Right::revert).ok());
  EXPECT_TRUE(some.check(user(1000), Right::look).ok());
}

TEST(AccessPolicy, ARegistrationIsForTheWritersNamed) {
  const WriterIdentity by_class = writer("Any");
  const AccessPolicy some =
      policy("[[allow]]\nusers = ['33']\nrights = ['register']\nwriters = ['Shop', 'eu', '" +
             by_class.class_id.to_string() + "']\n");
  EXPECT_TRUE(some.check_writer(user(33), writer("Shop")).ok());
  EXPECT_TRUE(some.check_writer(user(33), writer("Mail", "eu")).ok());
  EXPECT_TRUE(some.check_writer(user(33), by_class).ok());
  EXPECT_FALSE(some.check_writer(user(33), writer("Mail", "us")).ok());
  EXPECT_FALSE(some.check_writer(user(34), writer("Shop")).ok());
}

TEST(AccessPolicy, AnyFilesAreForTheWritersOfThatTable) {
  const AccessPolicy some = policy(
      "[[allow]]\nusers = ['33']\nrights = ['register']\n"
      "[[allow]]\nusers = ['33']\nrights = ['register']\nwriters = ['Shop']\nany_files = true\n");
  EXPECT_TRUE(some.check_writer(user(33), writer("Mail")).ok());
  EXPECT_FALSE(some.may_declare_any(user(33), writer("Mail")));
  EXPECT_TRUE(some.may_declare_any(user(33), writer("Shop")));
  EXPECT_FALSE(some.may_declare_any(user(34), writer("Shop")));
  EXPECT_TRUE(some.may_declare_any(user(0), writer("Mail")));
  EXPECT_TRUE(some.may_declare_any(user(kOwn), writer("Mail")));
}

TEST(AccessPolicy, UsersAreFoundByName) {
  const AccessPolicy some = policy("[[allow]]\nusers = ['nobody']\nrights = ['look']\n");
  EXPECT_TRUE(some.rights_of(user(65534)).has(Right::look));
}

TEST(AccessPolicy, MistakesNameTheLineAndTheRemedy) {
  EXPECT_THAT(mistake("[[allow]]\nusers = ['no-such-user']\nrights = ['look']\n"),
              HasSubstr("test.toml:2"));
  EXPECT_THAT(mistake("[[allow]]\nusers = ['0']\nrights = ['fly']\n"), HasSubstr("there are look"));
  EXPECT_THAT(mistake("[[allow]]\nrights = ['look']\n"), HasSubstr("say whom"));
  EXPECT_THAT(mistake("[[allow]]\nusers = ['0']\n"), HasSubstr("rights"));
  EXPECT_THAT(mistake("[[allow]]\nusers = ['0']\nrights = ['look']\nwriters = ['x']\n"),
              HasSubstr("register"));
  EXPECT_THAT(mistake("[[allow]]\nusers = ['0']\nrights = ['look']\nany_files = true\n"),
              HasSubstr("'register'"));
  EXPECT_THAT(mistake("[[allow]]\nusers = ['0']\nrights = ['look']\nhosts = ['x']\n"),
              HasSubstr("hosts"));
}

}  // namespace
}  // namespace stillframe::daemon
