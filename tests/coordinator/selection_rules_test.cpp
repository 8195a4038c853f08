// What a selection must satisfy: documents that keep the rules, dependencies that are met, and
// promises for what a restore asks.
#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SelectionRulesTest : public CoordinatorFixture {
 protected:
  ScriptedWriter& add_named(const std::string& name) {
    ScriptedWriterOptions options;
    options.name = name;
    options.directory = volume_ + "/" + name;
    std::filesystem::create_directories(options.directory);
    return add_writer(options);
  }

  // `writer`'s component must go together with `component` of `other`.
  static void make_dependent(ScriptedWriter& writer, const WriterClassId& other,
                             const std::string& component = "data", const std::string& host = {}) {
    writer.edit_metadata = [=](WriterMetadata& metadata) {
      Dependency& dependency = metadata.components.at(0).dependencies.emplace_back();
      dependency.writer_class = other;
      dependency.component.name = component;
      dependency.host = host;
    };
  }

  static ComponentSelector all_of(const std::string& writer,
                                  std::optional<ConsistencyPolicy> policy = {}) {
    ComponentSelector selector;
    selector.writer = writer;
    selector.component = "*";
    selector.policy = policy;
    return selector;
  }

  static std::vector<std::string> warnings_of(const std::vector<WriterStatus>& writers,
                                              const std::string& name) {
    for (const auto& writer : writers)
      if (writer.identity.name == name) return writer.warnings;
    ADD_FAILURE() << "no writer " << name;
    return {};
  }

  static BytePath volume_root(const WriterMetadata& metadata) {
    return metadata.components.at(0).files.at(0).path;
  }

  static BackupDocument stored(const std::vector<const ScriptedWriter*>& writers) {
    BackupDocument document;
    document.session = SessionId::generate();
    document.backup = BackupId::generate();
    for (const auto* writer : writers) {
      BackupComponent& component = document.components.emplace_back();
      component.writer_class = writer->identity().class_id;
      component.instance_name = writer->identity().instance_name;
      component.type = ComponentType::database;
      component.name.name = "data";
      component.succeeded = true;
    }
    return document;
  }

  const std::string volume_ = make_volume("one");
};

TEST_F(SelectionRulesTest, AnInvalidDocumentFailsItsWriterWithTheReasonAndNobodyElse) {
  add_named("broken").edit_metadata = [](WriterMetadata& metadata) {
    metadata.components.push_back(metadata.components.front());  // the same name twice
  };
  add_named("sound");
  add_provider();
  start();
  Client requestor = client();
  auto writers = requestor.writers();
  ASSERT_TRUE(writers.ok()) << error_of(writers);
  ASSERT_EQ(writers.value().size(), 2u);
  for (const auto& writer : writers.value()) {
    if (writer.identity.name == "sound") {
      EXPECT_EQ(writer.state, WriterState::stable);
      continue;
    }
    EXPECT_EQ(writer.state, WriterState::failed_at_identify);
    EXPECT_FALSE(writer.metadata);
    ASSERT_TRUE(writer.failure);
    EXPECT_EQ(writer.failure->phase, "identify");
    EXPECT_THAT(writer.failure->message, HasSubstr("'data' is there twice"));
  }
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent);
  ASSERT_EQ(set.value().evidence.failed_writers.size(), 1u);
  EXPECT_EQ(set.value().evidence.failed_writers[0].identity.name, "broken");
}

TEST_F(SelectionRulesTest, ADependencyThatIsSelectedTooNeedsNoWord) {
  auto& shop = add_named("shop");
  auto& stock = add_named("stock");
  make_dependent(shop, stock.identity().class_id);
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor, {}, {all_of("shop"), all_of("stock")});
  ASSERT_TRUE(session.ok()) << error_of(session);
  EXPECT_THAT(warnings_of(session.value().status().value(), "shop"), IsEmpty());
}

TEST_F(SelectionRulesTest, AnUnmetDependencyIsToldAtSelectAndRefusedAtPrepare) {
  auto& shop = add_named("shop");
  auto& stock = add_named("stock");
  make_dependent(shop, stock.identity().class_id);
  add_provider();
  start();
  Client requestor = client();
  auto session = requestor.begin_backup({});
  ASSERT_TRUE(session.ok() && session.value().gather().ok());
  ASSERT_TRUE(session.value().select({all_of("shop")}).ok());
  const auto told = warnings_of(session.value().status().value(), "shop");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0], HasSubstr("which is not selected; select it too"));
  auto refused = session.value().prepare();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::inconsistent_snapshot);
  EXPECT_EQ(refused.error().what(), told[0]);
  EXPECT_EQ(shop.count("prepare_backup"), 0u);
  ASSERT_TRUE(session.value().select({all_of("stock")}).ok());  // the advice is followed
  EXPECT_THAT(warnings_of(session.value().status().value(), "shop"), IsEmpty());
  EXPECT_TRUE(session.value().prepare().ok());
}

TEST_F(SelectionRulesTest, WhatIsAllowedDegradedGoesWithoutItsPartnerAndTheEvidenceSaysSo) {
  for (const auto policy : {ConsistencyPolicy::allow_degraded, ConsistencyPolicy::skip}) {
    writers_.clear();
    auto& shop = add_named("shop");
    make_dependent(shop, WriterClassId::generate());
    add_provider();
    start();
    {
      Client requestor = client();
      auto session = prepared(requestor, {}, {all_of("shop", policy)});
      ASSERT_TRUE(session.ok()) << error_of(session);
      auto set = session.value().create_snapshots();
      ASSERT_TRUE(set.ok()) << error_of(set);
      const auto told = warnings_of(session.value().status().value(), "shop");
      ASSERT_EQ(told.size(), 1u);
      EXPECT_THAT(told[0], HasSubstr("no such writer is here"));
      std::vector<std::string> noted;
      for (const auto& entry : set.value().evidence.timeline)
        if (entry.phase == "dependency") noted.push_back(entry.result + " " + entry.detail);
      EXPECT_THAT(noted, ElementsAre("inconsistent_snapshot " + told[0]));
    }
    stop();
    providers_.clear();
  }
}

TEST_F(SelectionRulesTest, ADependencyOnAnotherHostIsTheRequestorsToMeet) {
  auto& shop = add_named("shop");
  make_dependent(shop, WriterClassId::generate(), "mailbox", "mail.example");
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor, {}, {all_of("shop")});
  ASSERT_TRUE(session.ok()) << error_of(session);  // required, and nobody here can judge it
  EXPECT_THAT(warnings_of(session.value().status().value(), "shop"),
              ElementsAre(HasSubstr("on host 'mail.example'")));
}

TEST_F(SelectionRulesTest, ARestoreAsksNothingThatTheWriterDoesNotPromise) {
  ScriptedWriterOptions options;
  options.directory = volume_;
  options.schema_bits = BackupSchema::kCopy;
  options.capability_bits = static_cast<std::uint32_t>(Capability::snapshot) |
                            static_cast<std::uint32_t>(Capability::restore_events);
  auto& writer = add_writer(options);
  start();
  Client requestor = client();
  const BackupDocument document = stored({&writer});
  const std::vector<std::pair<const char*, std::function<void(ComponentRestore&)>>> wishes{
      {"authoritative restore", [](ComponentRestore& r) { r.authoritative = true; }},
      {"rolling forward", [](ComponentRestore& r) { r.roll_forward = RollForward::all; }},
      {"another name", [](ComponentRestore& r) { r.restore_name = "copy of orders"; }},
  };
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok() && session.value().gather().ok());
  for (const auto& [what, ask] : wishes) {
    auto wanted = document.components;
    wanted[0].restore.emplace().selected = true;
    ask(*wanted[0].restore);
    const Status refused = session.value().select(wanted);
    ASSERT_FALSE(refused.ok()) << what;
    EXPECT_EQ(refused.error().code(), Errc::not_supported) << what;
    EXPECT_THAT(refused.error().what(), HasSubstr(what));
  }
  auto plain = document.components;
  plain[0].restore.emplace().selected = true;
  EXPECT_TRUE(session.value().select(plain).ok());
  EXPECT_TRUE(session.value().pre_restore().ok());
}

TEST_F(SelectionRulesTest, AComponentThatComesBackWithoutItsPartnerIsSaid) {
  auto& shop = add_named("shop");
  auto& stock = add_named("stock");
  make_dependent(shop, stock.identity().class_id);
  start();
  Client requestor = client();
  const BackupDocument document = stored({&shop, &stock});
  for (const bool both : {false, true}) {
    auto session = requestor.begin_restore(document, {});
    ASSERT_TRUE(session.ok() && session.value().gather().ok());
    auto wanted = document.components;
    wanted[0].restore.emplace().selected = true;
    wanted[1].restore.emplace().selected = both;
    const Status selected = session.value().select(wanted);
    ASSERT_TRUE(selected.ok()) << error_of(selected);
    ASSERT_TRUE(session.value().pre_restore().ok());
    auto writers = session.value().post_restore();
    ASSERT_TRUE(writers.ok()) << error_of(writers);
    if (both)
      EXPECT_THAT(warnings_of(writers.value(), "shop"), IsEmpty());
    else
      EXPECT_THAT(warnings_of(writers.value(), "shop"),
                  ElementsAre(HasSubstr("which is not selected for restore")));
    ASSERT_TRUE(session.value().end().ok());
  }
}

TEST_F(SelectionRulesTest, SnapshotsAreWritableOnlyWhereAWriterHasSomethingToDoInThem) {
  using Edit = std::function<void(WriterMetadata&)>;
  const Edit nothing,
      recovers = [](WriterMetadata&m) { m.components[0].backup_recovery = true; },
      rolls_back = [](WriterMetadata&m) { m.components[0].rollback_recovery = true; },
      takes_out = [](WriterMetadata&m) {
        m.exclude_from_snapshot.push_back({volume_root(m), "*.tmp", true, {}});
      };
  struct Case {
    const Edit& edit;
    bool for_rollback, writable;
  };
  auto& writer = add_named("shop");
  auto& provider = add_provider();
  start();
  for (const Case& one :
       {Case{nothing, false, false}, Case{recovers, false, true}, Case{rolls_back, false, false},
        Case{rolls_back, true, true}, Case{takes_out, false, true}}) {
    writer.edit_metadata = one.edit;
    Client requestor = client();
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok()) << error_of(session);
    SnapshotOptions options;
    options.attributes.for_rollback = one.for_rollback;
    auto set = session.value().create_snapshots(options);
    ASSERT_TRUE(set.ok()) << error_of(set);
    EXPECT_EQ(provider.requests().back().attributes.auto_recovery, one.writable);
    EXPECT_EQ(set.value().snapshots.at(0).attributes.auto_recovery, one.writable);
  }
}

}  // namespace
}  // namespace stillframe
