#include <algorithm>
#include <cstdlib>

#include "requestor/capi/glue.hpp"
#include "requestor/capi/handles.hpp"

using namespace stillframe;
using namespace stillframe::capi;

extern "C" {

void stillframe_text_free(char* text) {
  std::free(text);
}

int32_t stillframe_connect(const char* socket, const char* requestor_name, int32_t timeout_ms,
                           stillframe_client** client, stillframe_error* error) {
  return guarded(error, [&]() -> Status {
    if (client == nullptr) return Error(Errc::invalid_argument, "client is null");
    *client = nullptr;
    ConnectOptions options;
    options.socket = or_empty(socket);
    options.requestor_name = or_empty(requestor_name);
    if (timeout_ms > 0) options.timeout = std::chrono::milliseconds(timeout_ms);
    auto channel = connect(options);
    if (!channel.ok()) return channel.error();
    *client = new stillframe_client(std::move(channel).value());
    return Ok{};
  });
}

void stillframe_client_free(stillframe_client* client) {
  delete client;
}

int32_t stillframe_call_method(stillframe_client* client, const char* method,
                               const char* params_json, char** result_json,
                               stillframe_error* error) {
  return guarded(client, error, [&]() -> Status {
    if (method == nullptr) return Error(Errc::invalid_argument, "method is null");
    auto reply = client->channel->call(method, or_empty(params_json));
    if (!reply.ok()) return reply.error();
    return give(reply.value().json, result_json);
  });
}

int32_t stillframe_writers(stillframe_client* client, char** writers_json,
                           stillframe_error* error) {
  return guarded(client, error, [&] { return give_json(client->client.writers(), writers_json); });
}

int32_t stillframe_providers(stillframe_client* client, char** providers_json,
                             stillframe_error* error) {
  return guarded(client, error,
                 [&] { return give_json(client->client.providers(), providers_json); });
}

int32_t stillframe_volumes(stillframe_client* client, char** volumes_json,
                           stillframe_error* error) {
  return guarded(client, error, [&] { return give_json(client->client.volumes(), volumes_json); });
}

int32_t stillframe_sessions(stillframe_client* client, char** sessions_json,
                            stillframe_error* error) {
  return guarded(client, error,
                 [&] { return give_json(client->client.sessions(), sessions_json); });
}

int32_t stillframe_end_session(stillframe_client* client, stillframe_id session,
                               stillframe_error* error) {
  return guarded(client, error,
                 [&] { return client->client.end_session(id_of<SessionId>(session)); });
}

int32_t stillframe_snapshots(stillframe_client* client, char** snapshots_json,
                             stillframe_error* error) {
  return guarded(client, error,
                 [&] { return give_json(client->client.snapshots(), snapshots_json); });
}

int32_t stillframe_snapshot_evidence(stillframe_client* client, stillframe_id set,
                                     char** evidence_json, stillframe_error* error) {
  return guarded(client, error, [&] {
    return give_document(client->client.snapshot_evidence(id_of<SetId>(set)), evidence_json);
  });
}

int32_t stillframe_remove_snapshot(stillframe_client* client, stillframe_id snapshot,
                                   stillframe_error* error) {
  return guarded(client, error,
                 [&] { return client->client.remove_snapshot(id_of<SnapshotId>(snapshot)); });
}

int32_t stillframe_expose_snapshot(stillframe_client* client, stillframe_id snapshot,
                                   const char* place, char** exposed_at, stillframe_error* error) {
  return guarded(client, error, [&]() -> Status {
    auto at = client->client.expose_snapshot(id_of<SnapshotId>(snapshot), or_empty(place));
    if (!at.ok()) return at.error();
    return give(at.value(), exposed_at);
  });
}

int32_t stillframe_unexpose_snapshot(stillframe_client* client, stillframe_id snapshot,
                                     stillframe_error* error) {
  return guarded(client, error,
                 [&] { return client->client.unexpose_snapshot(id_of<SnapshotId>(snapshot)); });
}

int32_t stillframe_make_writable(stillframe_client* client, stillframe_id snapshot,
                                 stillframe_error* error) {
  return guarded(client, error,
                 [&] { return client->client.make_writable(id_of<SnapshotId>(snapshot)); });
}

int32_t stillframe_revert_snapshot(stillframe_client* client, stillframe_id snapshot, int32_t force,
                                   stillframe_error* error) {
  return guarded(client, error, [&] {
    return client->client.revert_snapshot(id_of<SnapshotId>(snapshot), RevertOptions{force != 0});
  });
}

int32_t stillframe_hold_writers(stillframe_client* client, const char* options_json,
                                const char* selectors_json,
                                int32_t (*while_held)(void* to, int64_t deadline_ns), void* to,
                                int32_t* held_status, char** evidence_json,
                                stillframe_error* error) {
  return guarded(client, error, [&]() -> Status {
    if (while_held == nullptr) return Error(Errc::invalid_argument, "while_held is null");
    auto options = take<BackupOptions>(options_json, "options");
    if (!options.ok()) return options.error();
    auto selectors = take<std::vector<ComponentSelector>>(selectors_json, "selectors");
    if (!selectors.ok()) return selectors.error();
    auto result = client->client.hold(options.value(), selectors.value(), [&](Deadline deadline) {
      return while_held(to, deadline.at().since_boot().count());
    });
    if (!result.ok()) return result.error();
    if (held_status != nullptr) *held_status = result.value().command_status;
    return give(to_json(result.value().evidence), evidence_json);
  });
}

}  // extern "C"
