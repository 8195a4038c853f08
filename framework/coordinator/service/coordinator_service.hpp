// Serves requestors: keeps their sessions, answers their methods. docs/protocol.md lists them.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "framework/coordinator/service/request.hpp"
#include "framework/coordinator/service/snapshot_shelf.hpp"
#include "framework/coordinator/session/backup_session.hpp"
#include "framework/coordinator/session/restore_session.hpp"

namespace stillframe::coordinator {

class CoordinatorService final : public RequestorHandler {
 public:
  // Shared by the coordinator and its channels. `services` outlives forget_sessions().
  static Result<std::shared_ptr<CoordinatorService>> make(const Services& services,
                                                          std::string version);
  // Aborts every session and waits, at most `patience`, until nothing is under way any more. From
  // here on every request is refused; nothing of `services` is touched once forget_sessions() is
  // done, so that channels may outlive the coordinator.
  void close(Duration patience);
  void forget_sessions();  // after close(), when no strand runs any more

  // ---- RequestorHandler
  Status connection_opened(const RequestorPeer& peer, EventPush push) override;
  void handle(ConnectionId connection, std::string method, std::string params_json,
              ReplyHandler reply) override;
  void connection_closed(ConnectionId connection) override;

  // Deletes snapshots that sessions of earlier runs were to take with them, and says in events what
  // is left.
  void release_orphans(std::function<void(const Status&)> done);
  // A writer registered: restores that waited for it go on, post_restore() owed to it is delivered.
  void writer_registered(const std::shared_ptr<WriterLink>& link);

 private:
  using SharedRequest = std::shared_ptr<Request>;
  using Method = void (CoordinatorService::*)(const SharedRequest&);
  template <class Session>
  using SessionMethod = std::function<void(Session&, const SharedRequest&)>;

  struct Connection {
    RequestorPeer peer;
    EventPush push;
  };

  static constexpr std::size_t kSessionsMax = 256;
  // Ended sessions stay to be asked about until their connection closes, the oldest going first.
  static constexpr std::size_t kEndedSessionsMax = 64;

  CoordinatorService(const Services& services, std::string version);
  static const std::map<std::string, Method, std::less<>>& methods();
  static const std::map<std::string, SessionMethod<BackupSession>, std::less<>>& backup_methods();
  static const std::map<std::string, SessionMethod<RestoreSession>, std::less<>>& restore_methods();

  // ---- methods without a session
  void hello(const SharedRequest& request);
  void list_writers(const SharedRequest& request);
  void list_providers(const SharedRequest& request);
  void list_volumes(const SharedRequest& request);
  void list_volume_support(const SharedRequest& request);
  void list_sessions(const SharedRequest& request);
  void end_session(const SharedRequest& request);
  void list_snapshots(const SharedRequest& request);
  void snapshot_evidence(const SharedRequest& request);
  void remove_snapshot(const SharedRequest& request);
  void expose_snapshot(const SharedRequest& request);
  void unexpose_snapshot(const SharedRequest& request);
  void make_snapshot_writable(const SharedRequest& request);
  void revert_snapshot(const SharedRequest& request);
  void begin_backup(const SharedRequest& request);
  void begin_restore(const SharedRequest& request);

  template <class Session>
  void call_session(const SessionMethod<Session>& method, const SharedRequest& request);
  using Owed = std::map<SessionId, std::vector<JournalledRestore>>;

  void deliver_owed(const std::shared_ptr<WriterLink>& link);
  Owed owed_to(const WriterIdentity& writer) const;  // on the journal's worker
  void call_post_restore(const std::shared_ptr<WriterLink>& link, const SessionId& session,
                         std::vector<JournalledRestore> owed);
  Result<SessionOwner> owner_of(ConnectionId connection) const;
  Status keep(const std::shared_ptr<SessionDriver>& session);
  void forget_old_sessions();
  std::shared_ptr<SessionDriver> find(const SessionId& id) const;
  std::optional<SessionAtWork> at_work(const SessionId& id) const;
  std::vector<std::shared_ptr<SessionDriver>> sessions() const;

  const Services& services_;
  const std::string version_;
  std::unique_ptr<SnapshotShelf> shelf_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closing_ = false;
  std::map<ConnectionId, Connection> connections_;
  std::map<SessionId, std::shared_ptr<SessionDriver>> sessions_;  // shared with work under way
};

}  // namespace stillframe::coordinator
