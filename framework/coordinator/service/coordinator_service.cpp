#include "framework/coordinator/service/coordinator_service.hpp"

#include <algorithm>

#include "framework/coordinator/event_ids.hpp"
#include "framework/transport/peer.hpp"

namespace stillframe::coordinator {

using nlohmann::json;

CoordinatorService::CoordinatorService(const Services& services, std::string version)
    : services_(services),
      version_(std::move(version)),
      shelf_(std::make_unique<SnapshotShelf>(
          services, [this](const SessionId& session) { return at_work(session); })) {}

Result<std::shared_ptr<CoordinatorService>> CoordinatorService::make(const Services& services,
                                                                     std::string version) {
  return std::shared_ptr<CoordinatorService>(new CoordinatorService(services, std::move(version)));
}

void CoordinatorService::close(Duration patience) {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  for (const auto& session : sessions()) session->requestor_gone();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] {
    return std::all_of(sessions_.begin(), sessions_.end(),
                       [](const auto& entry) { return entry.second->over(); });
  });
}

void CoordinatorService::forget_sessions() {
  std::map<SessionId, std::shared_ptr<SessionDriver>> forgotten;
  const std::lock_guard lock(mutex_);
  forgotten.swap(sessions_);
}

Status CoordinatorService::connection_opened(const RequestorPeer& peer, EventPush push) {
  const std::lock_guard lock(mutex_);
  if (closing_) return Error(Errc::disconnected, "the coordinator is shutting down");
  connections_[peer.connection] = {peer, std::move(push)};
  return Ok{};
}

void CoordinatorService::connection_closed(ConnectionId connection) {
  {
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
  }
  for (const auto& session : sessions())
    if (session->owner().connection == connection) session->requestor_gone();
  const std::lock_guard lock(mutex_);
  for (auto entry = sessions_.begin(); entry != sessions_.end();) {
    const bool forget = entry->second->owner().connection == connection && entry->second->over();
    entry = forget ? sessions_.erase(entry) : std::next(entry);
  }
}

void CoordinatorService::handle(ConnectionId connection, std::string method,
                                std::string params_json, ReplyHandler reply) {
  auto request =
      std::make_shared<Request>(Request{connection, Params(method, params_json), std::move(reply)});
  {
    const std::lock_guard lock(mutex_);
    if (closing_)
      return request->refuse(Error(Errc::disconnected, "the coordinator is shutting down"));
  }
  const auto direct = methods().find(method);
  if (direct != methods().end()) return (this->*direct->second)(request);
  const auto backup = backup_methods().find(method);
  if (backup != backup_methods().end()) return call_session(backup->second, request);
  const auto restore = restore_methods().find(method);
  if (restore != restore_methods().end()) return call_session(restore->second, request);
  request->refuse(Error(Errc::not_supported, "there is no method '" + method +
                                                 "'; this coordinator is version " + version_));
}

// A session belongs to the connection that began it: nobody else may drive it.
template <class Session>
void CoordinatorService::call_session(const SessionMethod<Session>& method,
                                      const SharedRequest& request) {
  const auto id = request->params.id<SessionId>("session");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  auto session = std::dynamic_pointer_cast<Session>(find(id));
  if (!session || session->owner().connection != request->connection)
    return request->refuse(Error(Errc::not_found, "this connection has no such session " +
                                                      id.to_string() + "; it may have ended"));
  session->strand().post([session, method, request] { method(*session, request); });
}

template void CoordinatorService::call_session<BackupSession>(
    const SessionMethod<BackupSession>& method, const SharedRequest& request);
template void CoordinatorService::call_session<RestoreSession>(
    const SessionMethod<RestoreSession>& method, const SharedRequest& request);

Result<SessionOwner> CoordinatorService::owner_of(ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end() || closing_)
    return Error(Errc::disconnected, "the connection is closed");
  SessionOwner owner;
  owner.connection = connection;
  owner.requestor = found->second.peer.name.empty()
                        ? "process " + std::to_string(found->second.peer.credentials.pid)
                        : found->second.peer.name;
  owner.uid = found->second.peer.credentials.uid;
  owner.push = found->second.push;
  owner.redirects_restores = found->second.peer.redirects_restores;
  return owner;
}

Status CoordinatorService::keep(const std::shared_ptr<SessionDriver>& session) {
  session->on_over([this, weak = std::weak_ptr(session)] {
    // The lock makes sure that whoever waits in close() is not between looking and sleeping.
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    const auto over = weak.lock();
    const bool orphaned = over && connections_.count(over->owner().connection) == 0;
    if (orphaned) {
      // On its own strand: the last reference must not go while its code runs.
      over->strand().post([over] {});
      sessions_.erase(over->id());
    }
  });
  const std::lock_guard lock(mutex_);
  if (closing_) return Error(Errc::disconnected, "the coordinator is shutting down");
  const auto live = std::count_if(sessions_.begin(), sessions_.end(),
                                  [](const auto& entry) { return !entry.second->over(); });
  if (static_cast<std::size_t>(live) >= kSessionsMax)
    return Error(Errc::limit_reached, std::to_string(kSessionsMax) + " sessions are open already");
  forget_old_sessions();
  sessions_[session->id()] = session;
  return Ok{};
}

// With mutex_ held.
void CoordinatorService::forget_old_sessions() {
  std::vector<std::pair<BootTime, SessionId>> ended;
  for (const auto& [id, session] : sessions_)
    if (session->over()) ended.emplace_back(session->since(), id);
  if (ended.size() < kEndedSessionsMax) return;
  std::sort(ended.begin(), ended.end());
  for (std::size_t i = 0; i + kEndedSessionsMax <= ended.size(); ++i)
    sessions_.erase(ended[i].second);
}

std::shared_ptr<SessionDriver> CoordinatorService::find(const SessionId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

std::optional<SessionAtWork> CoordinatorService::at_work(const SessionId& id) const {
  const auto session = find(id);
  if (!session || session->over()) return std::nullopt;
  SessionAtWork found;
  found.requestor = session->owner().requestor;
  found.ended = session->ended();
  return found;
}

std::vector<std::shared_ptr<SessionDriver>> CoordinatorService::sessions() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<SessionDriver>> all;
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

void CoordinatorService::release_orphans(std::function<void(const Status&)> done) {
  shelf_->delete_orphans([this, done = std::move(done)](Result<std::vector<SnapshotInfo>> left) {
    if (!left.ok()) return done(left.error());
    for (const auto& snapshot : left.value()) {
      EventRecord event;
      event.id = kEventPersistentFound;
      event.source = "coordinator";
      event.message = "a snapshot of an earlier run is there";
      event.fields = {{"snapshot", snapshot.snapshot.to_string()},
                      {"set", snapshot.set.to_string()},
                      {"provider", snapshot.provider_name},
                      {"unusable", snapshot.reason_unusable}};
      event.when = services_.clock->wall_now();
      services_.events->emit(event);
    }
    done(Ok{});
  });
}

void CoordinatorService::writer_registered(const std::shared_ptr<WriterLink>& link) {
  for (const auto& session : sessions()) {
    auto restore = std::dynamic_pointer_cast<RestoreSession>(session);
    if (restore) restore->strand().post([restore, link] { restore->writer_returned(link); });
  }
  deliver_owed(link);
}

// What the journal says this writer is owed by sessions that are over, perhaps of an earlier run.
void CoordinatorService::deliver_owed(const std::shared_ptr<WriterLink>& link) {
  services_.journal_worker->post([this, link] {
    auto owed = owed_to(link->identity());
    if (owed.empty()) return;
    // A session that ends while this is read may have told the writer, and what it wrote of that is
    // the next thing this worker does: only what is owed after that is owed.
    services_.journal_worker->post([this, link] {
      for (auto& [session, mine] : owed_to(link->identity()))
        call_post_restore(link, session, std::move(mine));
    });
  });
}

CoordinatorService::Owed CoordinatorService::owed_to(const WriterIdentity& writer) const {
  Owed owed;
  auto restores = services_.journal->restores();
  if (!restores.ok()) return owed;
  for (auto& restore : restores.value()) {
    const bool mine = restore.component.writer_class == writer.class_id &&
                      restore.component.instance_name == writer.instance_name;
    if (!mine || restore.state != JournalledRestore::State::post_restore_owed) continue;
    const auto live = find(restore.session);
    if (live && !live->over()) continue;  // that session calls it itself
    owed[restore.session].push_back(std::move(restore));
  }
  return owed;
}

void CoordinatorService::call_post_restore(const std::shared_ptr<WriterLink>& link,
                                           const SessionId& session,
                                           std::vector<JournalledRestore> owed) {
  RestoreView view;
  view.type = owed.front().type;
  for (const auto& restore : owed) view.components.push_back(restore.component);
  WriterCall call;
  call.verb = Verb::post_restore;
  call.session = session;
  call.deadline = services_.clock->now() + services_.limits.restore;
  call.args = view;
  link->call(std::move(call), [this, name = link->identity().name,
                               owed = std::move(owed)](const WriterAnswer& answer) {
    const bool delivered = answer.status.ok() || answer.status.error().code() != Errc::writer_gone;
    if (!delivered) return;
    services_.journal_worker->post([journal = services_.journal, owed] {
      for (const auto& restore : owed)
        (void)journal->forget_restore(restore.session, restore.component);
    });
    EventRecord event;
    event.id = kEventPostRestoreDelivered;
    event.source = "coordinator";
    event.level = answer.status.ok() ? EventLevel::info : EventLevel::error;
    event.message = "writer " + name + " was told of the restore it missed" +
                    (answer.status.ok() ? "" : " and failed: " + answer.status.error().what());
    event.fields = {{"session", owed.front().session.to_string()}};
    event.when = services_.clock->wall_now();
    services_.events->emit(event);
  });
}

}  // namespace stillframe::coordinator
