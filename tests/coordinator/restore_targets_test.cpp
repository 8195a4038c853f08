#include "framework/coordinator/session/restore_targets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillframe::coordinator {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Component component(const std::string& path, const std::string& name, const BytePath& place) {
  Component one;
  one.name = {path, name};
  FileSet files;
  files.path = place;
  files.pattern = "*";
  one.files = {files};
  return one;
}

class RestoreTargets : public testing::Test {
 protected:
  RestoreTargets() {
    writer_.components = {component("", "mail", "/srv/mail"),
                          component("mail", "logs", "/var/log/mail/"),
                          component("", "other", "/srv/other")};
    AlternateMapping mapping;
    mapping.destination = "/mnt/spare";
    writer_.alternate_mappings = {mapping};
  }

  Status to(const BytePath& target) const {
    NewTarget chosen;
    chosen.destination = target;
    ComponentRestore restore;
    restore.new_targets = {chosen};
    BackupComponent wanted;
    wanted.name = {"", "mail"};
    wanted.restore = restore;
    return check_targets(agreed_, wanted);
  }
  bool allowed(const BytePath& target) const { return to(target).ok(); }

  WriterMetadata writer_;
  AgreedTargets agreed_{&writer_, {"/restore"}};
};

TEST_F(RestoreTargets, PlacesOfTheComponentAndItsMembersAreAgreed) {
  EXPECT_TRUE(allowed("/srv/mail"));
  EXPECT_TRUE(allowed("/srv/mail/new//"));
  EXPECT_TRUE(allowed("/var/log/mail/1"));
  EXPECT_TRUE(allowed("/mnt/spare/mail")) << "the writer named it itself";
  EXPECT_TRUE(allowed("/restore/anything"));
}

TEST_F(RestoreTargets, NothingElseIs) {
  for (const char* target :
       {"/", "/srv", "/srv/mailbox", "/srv/other", "/etc", "/restored", "relative", "",
        "/srv/mail/../../etc", "/restore/./x", "/srv/mail/$HOME"})
    EXPECT_FALSE(allowed(target)) << target;
  const Status refused = to("/etc/cron.d");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::access_denied);
  EXPECT_THAT(refused.error().what(), AllOf(HasSubstr("mail"), HasSubstr("/etc/cron.d"),
                                            HasSubstr("restore_roots"), HasSubstr("'redirect'")));
}

TEST_F(RestoreTargets, AWriterThatSaysNothingAgreesToNothing) {
  agreed_.writer = nullptr;
  EXPECT_FALSE(allowed("/srv/mail"));
  EXPECT_TRUE(allowed("/restore/mail"));
}

TEST_F(RestoreTargets, WhatAWriterDirectsAndWhatWasUsedCountToo) {
  BackupComponent wanted;
  wanted.name = {"", "mail"};
  wanted.restore.emplace();
  EXPECT_TRUE(check_targets(agreed_, wanted).ok());
  DirectedTarget directed;
  directed.destination_path = "/root";
  wanted.restore->directed_targets = {directed};
  EXPECT_FALSE(check_targets(agreed_, wanted).ok());
  wanted.restore->directed_targets.clear();
  AlternateMapping used;
  used.destination = "/root";
  wanted.restore->mappings_used = {used};
  EXPECT_FALSE(check_targets(agreed_, wanted).ok());
  EXPECT_FALSE(check_targets(agreed_, wanted.name, wanted.restore->mappings_used).ok());
}

TEST_F(RestoreTargets, ARegistrationMovesNothingElsewhere) {
  RestoreRegistration registration;
  registration.component = {"", "mail"};
  EXPECT_TRUE(check_targets(agreed_, registration).ok());
  registration.log_path = "/var/log/mail";
  registration.checkpoint_path = "/srv/mail";
  registration.backup_log_path = "/tmp/of-the-requestor";  // read, not written
  registration.moved = {{"/old/a", "/srv/mail/a"}, {"/elsewhere/b", "/elsewhere/b"}};
  EXPECT_TRUE(check_targets(agreed_, registration).ok());
  registration.moved.emplace_back("/srv/mail/c", "/etc/c");
  EXPECT_FALSE(check_targets(agreed_, registration).ok());
  registration.moved.clear();
  registration.log_path = "/etc";
  EXPECT_FALSE(check_targets(agreed_, registration).ok());
}

}  // namespace
}  // namespace stillframe::coordinator
