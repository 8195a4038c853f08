// The writer of an instance, a coordinator, snapshots of a real folder, and a store.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "requestor/restore/restore_run.hpp"
#include "tests/ese/writer/hosted_rows.hpp"
#include "tests/requestor/embedded_fixture.hpp"
#include "writers/ese/writer/ese_verifier.hpp"
#include "writers/ese/writer/ese_writer.hpp"

namespace stillframe::ese::tests {

class EseWriterBackupTest : public stillframe::tests::EmbeddedFixture {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(80);
    start_coordinator();
    ASSERT_TRUE(coordinator->add_writer(writer_).ok());
  }

  // The set; empty if it failed.
  std::string backed_up(BackupType type, bool streams = false) {
    requestor::BackupRequest request;
    request.store = store;
    request.options.type = type;
    request.prefer_streams = streams;
    request.verifiers = {&verifier_};
    stillframe::tests::QuietObserver observer;
    Client requestor = client();
    auto report = requestor::run_backup(requestor, request, observer);
    EXPECT_TRUE(report.ok()) << report.error().what();
    if (!report.ok()) return "";
    EXPECT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
    return report.value().path;
  }
  using Moves = std::vector<std::pair<BytePath, BytePath>>;

  Status restored(const std::string& set, const Moves& moves = {}, bool more_follow = false,
                  const std::vector<std::string>& members = {}) {
    requestor::RestoreRequest request;
    for (const std::string& member : members) {
      request.subcomponents.push_back({"Instance", {"Instance", member}});
    }
    request.set = set;
    request.moves = moves;
    request.additional_restores = more_follow;
    request.pending = base + "/pending";
    stillframe::tests::QuietObserver observer;
    Client requestor = client();
    const auto outcome = requestor::run_restore(requestor, request, observer);
    return outcome.ok() ? outcome.value().finish : Status(outcome.error());
  }
  void expect_restored(const std::string& set, const Moves& moves = {}) {
    const Status done = restored(set, moves);
    ASSERT_TRUE(done.ok()) << done.error().what();
  }
  // Both databases, shut down in good order.
  static void expect_copy(const std::string& folder, int rows) {
    for (const char* name : {"/one.edb", "/two.edb"}) {
      EXPECT_EQ(tool::esectl({"verify", "--json", folder + name}).json()["verdict"], "good");
      const auto tables = tool::esectl({"tables", "--json", folder + name}).json();
      EXPECT_EQ(tables["tables"][0]["rows"], rows) << tables;
    }
  }

  HostedRows rows_{base + "/app"};
  EseWriter writer_{rows_.hosted(), "rows"};
  EseVerifier verifier_;
};

}  // namespace stillframe::ese::tests
