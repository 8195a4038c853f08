// What a verb works with.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "requestor/cli/invocation.hpp"
#include "requestor/cli/terminal.hpp"

namespace stillframe::requestor {
class SnapshotSource;
}

namespace stillframe::cli {

// A connection to a coordinator, and the coordinator itself when it is an embedded one.
struct Connection {
  std::shared_ptr<void> keeps_alive;  // shared: type-erased owner of what the channel runs on
  std::shared_ptr<RequestorChannel> channel;
  // How the snapshots of another machine are read; null: by their paths. shared: with the channel's
  // owner.
  std::shared_ptr<requestor::SnapshotSource> elsewhere = nullptr;
};
using Connector = std::function<Result<Connection>(const GlobalOptions&)>;

struct Context {
  const Invocation& invocation;
  Terminal& terminal;
  Connector connect;
  std::stop_token stop;  // SIGINT, SIGTERM
};

// A Client of the coordinator the options name.
struct Connected {
  Connection connection;  // first: outlives the client
  Client client;
};
Result<Connected> connect_client(Context& context);

// The selection as the client wants it.
Result<std::vector<ComponentSelector>> selectors_of(const SelectionOptions& selection);
// Gathers, selects what the invocation wants and prepares it; what writers have to say about that
// is printed.
Status prepare_selection(Context& context, BackupSession& session);
BackupOptions backup_options_of(const Invocation& invocation, BackupType type);
SnapshotOptions snapshot_options_of(const Invocation& invocation);

// Calls `look` a few times a second until SIGINT or SIGTERM; an error when the daemon went away.
Status until_interrupted(Context& context, Client& client, const std::function<void()>& look);

// Each runs one verb and answers the exit code.
int verb_writers(Context& context);
int verb_components(Context& context);
int verb_providers(Context& context);
int verb_volumes(Context& context);
int verb_sessions(Context& context);
int verb_session_end(Context& context);
int verb_plugins(Context& context);
int verb_plugins_release(Context& context);
int verb_doctor(Context& context);
int verb_events(Context& context);
int verb_status(Context& context);
int verb_watch(Context& context);
int verb_snapshot_create(Context& context);
int verb_snapshot_list(Context& context);
int verb_snapshot_show(Context& context);
int verb_snapshot_expose(Context& context);
int verb_snapshot_unexpose(Context& context);
int verb_snapshot_delete(Context& context);
int verb_snapshot_revert(Context& context);
int verb_backup(Context& context);
int verb_verify(Context& context);
int verb_show(Context& context);
int verb_restore(Context& context);
int verb_restore_resume(Context& context);
int verb_restore_abandon(Context& context);
int verb_restore_finish_staged(Context& context);
int verb_exec(Context& context);
int verb_hold(Context& context);
int verb_gate(Context& context);

}  // namespace stillframe::cli
