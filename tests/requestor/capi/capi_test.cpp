// The C interface against a coordinator that answers by a table, over a real socket.
#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <stillframe/documents.hpp>
#include <stillframe/requestor.h>

#include "framework/transport/requestor_server.hpp"
#include "framework/wire/requestor_codec.hpp"
#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"
#include "tests/wire/sample_values.hpp"

extern "C" int32_t backup_from_c(const char* socket, const char* receipt_json, char* trace,
                                 uint64_t trace_bytes, stillframe_error* error);

namespace stillframe {
namespace {

using Json = nlohmann::json;

class TableCoordinator : public RequestorHandler {
 public:
  Status connection_opened(const RequestorPeer&, EventPush) override { return Ok{}; }
  void handle(ConnectionId, std::string method, std::string params, ReplyHandler reply) override {
    std::lock_guard lock(mutex_);
    asked_.push_back(method);
    params_[method] = Json::parse(params);
    const auto failure = failures.find(method);
    if (failure != failures.end()) return reply(failure->second);
    const auto answer = answers.find(method);
    ChannelReply out{answer != answers.end() ? dump_json(answer->second) : "{}", {}};
    reply(std::move(out));
  }
  void connection_closed(ConnectionId) override {}

  std::vector<std::string> asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }
  Json params(const std::string& method) {
    std::lock_guard lock(mutex_);
    return params_[method];
  }
  bool was_asked(const std::string& method) {
    const auto all = asked();
    return std::count(all.begin(), all.end(), method) > 0;
  }

  std::map<std::string, Json> answers;
  std::map<std::string, Error> failures;

 private:
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::map<std::string, Json> params_;
};

class CApi : public ::testing::Test {
 protected:
  void SetUp() override {
    RequestorServerOptions options;
    options.listen.socket_path = socket_;
    server_ = RequestorServer::start(coordinator_, options).value();
    ASSERT_EQ(stillframe_connect(socket_.c_str(), "test", 5000, &client_, &error_), STILLFRAME_OK)
        << error_.message;
    const SessionId session = SessionId::generate();
    Evidence evidence;
    evidence.session = session;
    evidence.host = "here";
    WriterStatus writer;
    writer.identity = tests::sample_identity();
    writer.instance = WriterInstanceId::generate();
    SnapshotSetResult set;
    set.set = SetId::generate();
    set.evidence = evidence;
    RestoreReport report;
    report.session = session;
    report.outcome = "restored";
    const Json writers{{"writers", encode_json(std::vector<WriterStatus>{writer})}};
    const Json evidence_answer{{"evidence", encode_json(evidence)}};
    auto& a = coordinator_.answers;
    a["hello"] = Json{{"coordinator", "test"}, {"version", "0"}, {"host", "here"}};
    for (const char* method : {"writers", "backup.gather", "backup.prepare", "backup.complete",
                               "backup.status", "restore.gather", "restore.post_restore"}) {
      a[method] = writers;
    }
    a["providers"] = Json{{"providers", Json::array()}};
    a["volumes"] = Json{{"volumes", Json::array()}};
    a["sessions"] = Json{{"sessions", Json::array()}};
    a["snapshots"] = Json{{"snapshots", Json::array()}};
    a["snapshot.evidence"] = a["backup.end"] = a["backup.evidence"] = evidence_answer;
    a["snapshot.expose"] = Json{{"place", "/mnt/\\xff"}};
    a["backup.begin"] = a["restore.begin"] = Json{{"session", session.to_string()}};
    a["backup.snapshot"] = encode_json(set);
    a["restore.pre_restore"] = Json{{"components", Json::array()}};
    a["restore.locations"] = Json{{"locations", Json::array()}};
    a["restore.end"] = Json{{"report", encode_json(report)}};
  }
  void TearDown() override { stillframe_client_free(client_); }

  static std::string take(char* text) {
    std::string copy = text != nullptr ? text : "";
    stillframe_text_free(text);
    return copy;
  }
  static std::string receipt() { return to_json(tests::sample_receipt()); }

  tests::SocketFolder directory_;
  const std::string socket_ = directory_ / "requestor.sock";
  TableCoordinator coordinator_;
  std::unique_ptr<RequestorServer> server_;
  stillframe_client* client_ = nullptr;
  stillframe_error error_{};
  char* text_ = nullptr;
};

TEST_F(CApi, WholeBackupInC) {
  char trace[65536] = {};
  ASSERT_EQ(backup_from_c(socket_.c_str(), receipt().c_str(), trace, sizeof trace, &error_),
            STILLFRAME_OK)
      << error_.message;
  const Json writers = Json::parse(trace);
  EXPECT_EQ(writers.at(0).at("identity").at("name"), "Orders database");
  for (const char* method : {"backup.begin", "backup.gather", "backup.select", "backup.prepare",
                             "backup.snapshot", "backup.complete", "backup.end"}) {
    EXPECT_TRUE(coordinator_.was_asked(method)) << method;
  }
  EXPECT_EQ(coordinator_.params("backup.begin")["options"]["type"], "copy");
  EXPECT_FALSE(coordinator_.was_asked("backup.abort"));
}

TEST_F(CApi, FailureStopsTheBackupAndAbortsIt) {
  coordinator_.failures.emplace("backup.prepare", Error(Errc::writer_retryable, "busy now"));
  char trace[65536] = {};
  EXPECT_EQ(backup_from_c(socket_.c_str(), receipt().c_str(), trace, sizeof trace, &error_),
            STILLFRAME_WRITER_RETRYABLE);
  EXPECT_EQ(error_.code, STILLFRAME_WRITER_RETRYABLE);
  EXPECT_NE(std::string(error_.message).find("busy now"), std::string::npos);
  EXPECT_FALSE(coordinator_.was_asked("backup.snapshot"));
  EXPECT_TRUE(coordinator_.was_asked("backup.abort"));
}

TEST_F(CApi, ListsAndSnapshotCalls) {
  const stillframe_id id{{1}};
  for (auto* list : {stillframe_writers, stillframe_providers, stillframe_volumes,
                     stillframe_sessions, stillframe_snapshots}) {
    ASSERT_EQ(list(client_, &text_, &error_), STILLFRAME_OK) << error_.message;
    EXPECT_TRUE(Json::parse(take(text_)).is_array());
  }
  ASSERT_EQ(stillframe_snapshot_evidence(client_, id, &text_, &error_), STILLFRAME_OK);
  EXPECT_EQ(parse_evidence(take(text_)).value().host, "here");
  ASSERT_EQ(stillframe_expose_snapshot(client_, id, "/mnt/x", &text_, &error_), STILLFRAME_OK);
  EXPECT_EQ(take(text_), "/mnt/\xff");
  EXPECT_EQ(stillframe_remove_snapshot(client_, id, &error_), STILLFRAME_OK);
  EXPECT_EQ(stillframe_unexpose_snapshot(client_, id, &error_), STILLFRAME_OK);
  EXPECT_EQ(stillframe_make_writable(client_, id, &error_), STILLFRAME_OK);
  EXPECT_EQ(stillframe_revert_snapshot(client_, id, 1, &error_), STILLFRAME_OK);
  EXPECT_EQ(coordinator_.params("snapshot.revert")["force"], true);
  EXPECT_EQ(stillframe_end_session(client_, id, &error_), STILLFRAME_OK);
  ASSERT_EQ(stillframe_call_method(client_, "hello", "{}", &text_, &error_), STILLFRAME_OK);
  EXPECT_EQ(Json::parse(take(text_))["host"], "here");
}

TEST_F(CApi, WholeRestoreInC) {
  BackupDocument document;
  document.session = SessionId::generate();
  document.backup = BackupId::generate();
  const std::string stored = to_json(document);
  stillframe_restore* restore = nullptr;
  ASSERT_EQ(stillframe_begin_restore(client_, stored.c_str(), nullptr, 0, "{}", &restore, &error_),
            STILLFRAME_OK)
      << error_.message;
  const stillframe_id writer{{7}};
  const char* name = "{\"name\":\"db\"}";
  EXPECT_EQ(stillframe_restore_gather(restore, nullptr, &error_), STILLFRAME_OK) << error_.message;
  EXPECT_EQ(stillframe_restore_select(restore, "[]", &error_), STILLFRAME_OK) << error_.message;
  EXPECT_EQ(stillframe_restore_pre_restore(restore, nullptr, &error_), STILLFRAME_OK)
      << error_.message;
  EXPECT_EQ(stillframe_restore_prepare(restore, writer,
                                       dump_json(encode_json(RestoreAuthority{})).c_str(), &error_),
            STILLFRAME_OK)
      << error_.message;
  EXPECT_EQ(stillframe_restore_locations(restore, writer, name, nullptr, &error_), STILLFRAME_OK)
      << error_.message;
  EXPECT_EQ(
      stillframe_restore_register(restore, writer, "{\"component\":{\"name\":\"db\"}}", &error_),
      STILLFRAME_OK)
      << error_.message;
  EXPECT_EQ(stillframe_restore_set_file_status(restore, writer, name, 2, nullptr, &error_),
            STILLFRAME_OK)
      << error_.message;
  EXPECT_EQ(stillframe_restore_set_file_status(restore, writer, name, 99, nullptr, &error_),
            STILLFRAME_INVALID_ARGUMENT);
  EXPECT_EQ(stillframe_restore_complete(restore, writer, name, "disk full", &error_), STILLFRAME_OK)
      << error_.message;
  EXPECT_EQ(coordinator_.params("restore.complete")["copied_ok"], false);
  EXPECT_EQ(stillframe_restore_post_restore(restore, nullptr, &error_), STILLFRAME_OK)
      << error_.message;
  ASSERT_EQ(stillframe_restore_end(restore, &text_, &error_), STILLFRAME_OK) << error_.message;
  EXPECT_EQ(parse_restore_report(take(text_)).value().outcome, "restored");
  stillframe_restore_free(restore);
}

// A program in C that does not look at the outcome of stillframe_connect() must not crash later on.
TEST_F(CApi, ANullHandleIsATypedErrorThatNamesIt) {
  const stillframe_id id{{1}};
  const char* name = "{\"name\":\"db\"}";
  const auto expect_typed = [&](std::int32_t code, const char* handle) {
    EXPECT_EQ(code, STILLFRAME_INVALID_ARGUMENT);
    EXPECT_EQ(error_.code, STILLFRAME_INVALID_ARGUMENT);
    EXPECT_NE(std::string(error_.message).find(handle), std::string::npos) << error_.message;
    error_ = {};
  };
  for (auto* list : {stillframe_writers, stillframe_providers, stillframe_volumes,
                     stillframe_sessions, stillframe_snapshots}) {
    expect_typed(list(nullptr, &text_, &error_), "client");
  }
  expect_typed(stillframe_call_method(nullptr, "hello", "{}", &text_, &error_), "client");
  expect_typed(stillframe_revert_snapshot(nullptr, id, 0, &error_), "client");
  expect_typed(stillframe_expose_snapshot(nullptr, id, "/x", &text_, &error_), "client");
  stillframe_backup* backup = nullptr;
  expect_typed(stillframe_begin_backup(nullptr, "{}", &backup, &error_), "client");
  for (auto* ask :
       {stillframe_backup_gather, stillframe_backup_prepare, stillframe_backup_end,
        stillframe_backup_document, stillframe_backup_evidence, stillframe_backup_status}) {
    expect_typed(ask(nullptr, &text_, &error_), "backup");
  }
  expect_typed(stillframe_backup_select(nullptr, "[]", &error_), "backup");
  expect_typed(stillframe_backup_abort(nullptr, "why", &error_), "backup");
  stillframe_restore* restore = nullptr;
  expect_typed(stillframe_begin_restore(nullptr, "{}", nullptr, 0, "{}", &restore, &error_),
               "client");
  for (auto* ask : {stillframe_restore_gather, stillframe_restore_pre_restore,
                    stillframe_restore_post_restore, stillframe_restore_end}) {
    expect_typed(ask(nullptr, &text_, &error_), "restore");
  }
  expect_typed(stillframe_restore_complete(nullptr, id, name, nullptr, &error_), "restore");
  expect_typed(stillframe_begin_restore(client_, "{}", nullptr, 2, "{}", &restore, &error_),
               "metadata_json");
  EXPECT_EQ(text_, nullptr);
  EXPECT_EQ(stillframe_writers(nullptr, &text_, nullptr), STILLFRAME_INVALID_ARGUMENT);
  // Those that cannot fail do nothing.
  stillframe_backup_cancel(nullptr);
  stillframe_restore_cancel(nullptr);
  stillframe_backup_on_progress(nullptr, nullptr, nullptr);
  stillframe_backup_free(nullptr);
  EXPECT_EQ(stillframe_backup_id(nullptr).bytes[0], 0);
}

TEST_F(CApi, AnApplicationsOwnNumberReachesTheCaller) {
  coordinator_.failures.emplace("writers", Error(Errc::writer_retryable, "busy", -1018));
  EXPECT_EQ(stillframe_writers(client_, &text_, &error_), STILLFRAME_WRITER_RETRYABLE);
  EXPECT_EQ(error_.application_code, -1018);
}

TEST_F(CApi, JsonOfTheCallersIsCheckedBeforeAnythingIsSent) {
  stillframe_backup* backup = nullptr;
  for (const char* options : {"", "{", "[]", "{\"type\":\"weird\"}", "{\"type\":7}"}) {
    EXPECT_EQ(stillframe_begin_backup(client_, options, &backup, &error_),
              STILLFRAME_INVALID_ARGUMENT)
        << options;
    EXPECT_EQ(backup, nullptr);
  }
  EXPECT_EQ(stillframe_begin_backup(client_, nullptr, &backup, nullptr),
            STILLFRAME_INVALID_ARGUMENT);
  EXPECT_FALSE(coordinator_.was_asked("backup.begin"));
}

TEST_F(CApi, NobodyThereIsAnErrorAndNoClient) {
  server_.reset();
  stillframe_client* nobody = client_;
  EXPECT_EQ(stillframe_connect(socket_.c_str(), "x", 100, &nobody, &error_),
            STILLFRAME_DISCONNECTED);
  EXPECT_EQ(nobody, nullptr);
  EXPECT_NE(std::string(error_.message).find("requestor.sock"), std::string::npos);
}

TEST_F(CApi, LongMessagesAreCutOffAndEndWithZero) {
  coordinator_.failures.emplace("writers", Error(Errc::io, std::string(5000, 'm')));
  EXPECT_EQ(stillframe_writers(client_, &text_, &error_), STILLFRAME_IO);
  EXPECT_EQ(std::strlen(error_.message), sizeof error_.message - 1);
}

}  // namespace
}  // namespace stillframe
