// Methods that belong to no session.
#include <thread>

#include "framework/coordinator/service/coordinator_service.hpp"

namespace stillframe::coordinator {

using nlohmann::json;

const std::map<std::string, CoordinatorService::Method, std::less<>>&
CoordinatorService::methods() {
  using Self = CoordinatorService;
  static const std::map<std::string, Method, std::less<>> table{
      {"hello", &Self::hello},
      {"writers", &Self::list_writers},
      {"providers", &Self::list_providers},
      {"volumes", &Self::list_volumes},
      {"volumes.support", &Self::list_volume_support},
      {"sessions", &Self::list_sessions},
      {"session.end", &Self::end_session},
      {"snapshots", &Self::list_snapshots},
      {"snapshot.evidence", &Self::snapshot_evidence},
      {"snapshot.remove", &Self::remove_snapshot},
      {"snapshot.expose", &Self::expose_snapshot},
      {"snapshot.unexpose", &Self::unexpose_snapshot},
      {"snapshot.make_writable", &Self::make_snapshot_writable},
      {"snapshot.revert", &Self::revert_snapshot},
      {"backup.begin", &Self::begin_backup},
      {"restore.begin", &Self::begin_restore},
  };
  return table;
}

void CoordinatorService::hello(const SharedRequest& request) {
  const std::string name = request->params.text_or("requestor", "");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  if (!name.empty()) {
    const std::lock_guard lock(mutex_);
    const auto connection = connections_.find(request->connection);
    if (connection != connections_.end()) connection->second.peer.name = name;
  }
  request->answer({{"coordinator", "stillframe"}, {"version", version_}, {"host", services_.host}});
}

// A session of its own that only gathers: identify may come at any time, also during others.
void CoordinatorService::list_writers(const SharedRequest& request) {
  auto owner = owner_of(request->connection);
  if (!owner.ok()) return request->refuse(owner.error());
  owner.value().push = {};  // its phases are nobody's business
  owner.value().only_looks = true;
  auto session = BackupSession::make(services_, std::move(owner).value(), {});
  if (!session.ok()) return request->refuse(session.error());
  auto look = std::move(session).value();
  look->strand().post([look, request] {
    look->gather([look, request](Result<std::vector<WriterStatus>> writers) {
      if (!writers.ok()) return request->refuse(writers.error());
      json result = json::object();
      result["writers"] = encode_json(writers.value());
      request->answer(result);
      // Later: the machine is still in the step that brought this answer.
      look->strand().post([look] { look->end([look](const Result<Evidence>&) {}); });
    });
  });
}

void CoordinatorService::list_providers(const SharedRequest& request) {
  json result = json::object();
  result["providers"] = encode_json(services_.providers->infos());
  request->answer(result);
}

// Looking at mounts may block on one that does not answer; nobody waits for such a thread.
void CoordinatorService::list_volumes(const SharedRequest& request) {
  try {
    std::thread([look = services_.look_at_volumes, request] {
      auto source = look();
      if (!source.ok()) return request->refuse(source.error());
      json result = json::object();
      result["volumes"] = encode_json(source.value()->volumes());
      request->answer(result);
    }).detach();
  } catch (const std::exception& e) {
    request->refuse(Error(Errc::out_of_resources, std::string("starting a thread: ") + e.what()));
  }
}

void CoordinatorService::list_sessions(const SharedRequest& request) {
  std::vector<SessionInfo> infos;
  for (const auto& session : sessions())
    if (!session->ended()) infos.push_back(session->info());
  json result = json::object();
  result["sessions"] = encode_json(infos);
  request->answer(result);
}

void CoordinatorService::end_session(const SharedRequest& request) {
  const auto id = request->params.id<SessionId>("session");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  auto session = find(id);
  if (!session || session->ended())
    return request->refuse(Error(Errc::not_found, "no session " + id.to_string() + " is open"));
  auto by = owner_of(request->connection);
  if (!by.ok()) return request->refuse(by.error());
  if (by.value().uid != 0 && by.value().uid != session->owner().uid)
    return request->refuse(Error(
        Errc::access_denied, "session " + id.to_string() + " belongs to another user; ask root"));
  session->strand().post([session, request, who = by.value().requestor] {
    session->abort("ended by force by " + who,
                   [request](const Status& status) { request->answer(status); });
  });
}

void CoordinatorService::begin_backup(const SharedRequest& request) {
  auto options = request->params.get<BackupOptions>("options");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  auto owner = owner_of(request->connection);
  if (!owner.ok()) return request->refuse(owner.error());
  auto session = BackupSession::make(services_, std::move(owner).value(), std::move(options));
  if (!session.ok()) return request->refuse(session.error());
  if (Status s = keep(session.value()); !s.ok()) return request->refuse(s.error());
  request->answer({{"session", session.value()->id().to_string()}});
}

void CoordinatorService::begin_restore(const SharedRequest& request) {
  auto document = request->params.get<BackupDocument>("document");
  auto metadata = request->params.get<std::vector<WriterMetadata>>("metadata");
  auto options = request->params.get<RestoreOptions>("options");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  auto owner = owner_of(request->connection);
  if (!owner.ok()) return request->refuse(owner.error());
  auto session = RestoreSession::make(services_, std::move(owner).value(), std::move(document),
                                      std::move(metadata), std::move(options));
  if (!session.ok()) return request->refuse(session.error());
  if (Status s = keep(session.value()); !s.ok()) return request->refuse(s.error());
  request->answer({{"session", session.value()->id().to_string()}});
}

void CoordinatorService::list_snapshots(const SharedRequest& request) {
  shelf_->list([request](Result<std::vector<SnapshotInfo>> snapshots) {
    if (!snapshots.ok()) return request->refuse(snapshots.error());
    json result = json::object();
    result["snapshots"] = encode_json(snapshots.value());
    request->answer(result);
  });
}

void CoordinatorService::snapshot_evidence(const SharedRequest& request) {
  const auto set = request->params.id<SetId>("set");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  services_.journal_worker->post([journal = services_.journal, set, request] {
    auto evidence = journal->evidence(set);
    if (!evidence.ok()) return request->refuse(evidence.error());
    json result = json::object();
    result["evidence"] = encode_json(evidence.value());
    request->answer(result);
  });
}

void CoordinatorService::remove_snapshot(const SharedRequest& request) {
  const auto snapshot = request->params.id<SnapshotId>("snapshot");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  shelf_->remove(snapshot, [request](const Status& status) { request->answer(status); });
}

void CoordinatorService::expose_snapshot(const SharedRequest& request) {
  const auto snapshot = request->params.id<SnapshotId>("snapshot");
  const BytePath place = request->params.path("place");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  shelf_->expose(snapshot, place, [request, place](const Status& status) {
    if (!status.ok()) return request->refuse(status.error());
    request->answer({{"place", escape_path(place)}});
  });
}

void CoordinatorService::unexpose_snapshot(const SharedRequest& request) {
  const auto snapshot = request->params.id<SnapshotId>("snapshot");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  shelf_->unexpose(snapshot, [request](const Status& status) { request->answer(status); });
}

void CoordinatorService::make_snapshot_writable(const SharedRequest& request) {
  const auto snapshot = request->params.id<SnapshotId>("snapshot");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  shelf_->make_writable(snapshot, [request](const Status& status) { request->answer(status); });
}

void CoordinatorService::revert_snapshot(const SharedRequest& request) {
  const auto snapshot = request->params.id<SnapshotId>("snapshot");
  RevertOptions options;
  options.force = request->params.flag("force");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  shelf_->revert(snapshot, options, [request](const Status& status) { request->answer(status); });
}

}  // namespace stillframe::coordinator
