#include "framework/coordinator/service/coordinator_service.hpp"

namespace stillframe::coordinator {
namespace {

using nlohmann::json;
using SharedRequest = std::shared_ptr<Request>;

void gather(BackupSession& session, const SharedRequest& request) {
  session.gather(answer_with<std::vector<WriterStatus>>(request, "writers"));
}

void select(BackupSession& session, const SharedRequest& request) {
  const auto selectors = request->params.get<std::vector<ComponentSelector>>("selectors");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.select(selectors, answer_status(request));
}

void prepare(BackupSession& session, const SharedRequest& request) {
  session.prepare(answer_with<std::vector<WriterStatus>>(request, "writers"));
}

void snapshot(BackupSession& session, const SharedRequest& request) {
  const auto options = request->params.get<SnapshotOptions>("options");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.create_snapshots(options, [request](Result<SnapshotSetResult> made) {
    if (!made.ok()) return request->refuse(made.error());
    request->answer(encode_json(made.value()));
  });
}

void hold_begin(BackupSession& session, const SharedRequest& request) {
  session.hold_begin([request](Result<BootTime> until) {
    if (!until.ok()) return request->refuse(until.error());
    request->answer({{"deadline", until.value().since_boot().count()}});
  });
}

void hold_end(BackupSession& session, const SharedRequest& request) {
  session.hold_end(answer_with<Evidence>(request, "evidence"));
}

void open_stream(BackupSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const auto stream = request->params.get<StreamRequest>("request");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.open_stream(writer, stream, [request](Result<BackupSession::Stream> opened) {
    if (!opened.ok()) return request->refuse(opened.error());
    json result = json::object();
    result["stream"] = encode_json(opened.value().info);
    request->answer(result, std::move(opened.value().descriptors));
  });
}

void close_stream(BackupSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const std::uint64_t handle = request->params.number("handle");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.close_stream(writer, handle, answer_status(request));
}

void list_logs(BackupSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const auto component = request->params.get<ComponentName>("component");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.list_logs(writer, component, answer_with<LogList>(request, "logs"));
}

void complete(BackupSession& session, const SharedRequest& request) {
  const auto receipt = request->params.get<Receipt>("receipt");
  const auto results = request->params.get<std::vector<ComponentResult>>("results");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.complete(receipt, results, answer_with<std::vector<WriterStatus>>(request, "writers"));
}

void abort(BackupSession& session, const SharedRequest& request) {
  const std::string reason = request->params.text_or("reason", "the requestor aborted");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.abort(reason, answer_status(request));
}

void cancel(BackupSession& session, const SharedRequest& request) {
  session.abort("the requestor cancelled", answer_status(request));
}

void end(BackupSession& session, const SharedRequest& request) {
  session.end(answer_with<Evidence>(request, "evidence"));
}

void document(BackupSession& session, const SharedRequest& request) {
  answer_with<BackupDocument>(request, "document")(session.document());
}

void evidence(BackupSession& session, const SharedRequest& request) {
  answer_with<Evidence>(request, "evidence")(session.evidence());
}

void status(BackupSession& session, const SharedRequest& request) {
  answer_with<std::vector<WriterStatus>>(request, "writers")(session.writer_statuses());
}

}  // namespace

const std::map<std::string, CoordinatorService::SessionMethod<BackupSession>, std::less<>>&
CoordinatorService::backup_methods() {
  static const std::map<std::string, SessionMethod<BackupSession>, std::less<>> table{
      {"backup.gather", gather},
      {"backup.select", select},
      {"backup.prepare", prepare},
      {"backup.snapshot", snapshot},
      {"backup.hold_begin", hold_begin},
      {"backup.hold_end", hold_end},
      {"backup.open_stream", open_stream},
      {"backup.close_stream", close_stream},
      {"backup.list_logs", list_logs},
      {"backup.complete", complete},
      {"backup.abort", abort},
      {"backup.cancel", cancel},
      {"backup.end", end},
      {"backup.document", document},
      {"backup.evidence", evidence},
      {"backup.status", status},
  };
  return table;
}

}  // namespace stillframe::coordinator
