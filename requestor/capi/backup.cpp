#include <algorithm>
#include <cstdlib>

#include "requestor/capi/glue.hpp"
#include "requestor/capi/handles.hpp"

using namespace stillframe;
using namespace stillframe::capi;

extern "C" {

int32_t stillframe_begin_backup(stillframe_client* client, const char* options_json,
                                stillframe_backup** backup, stillframe_error* error) {
  if (backup != nullptr) *backup = nullptr;
  return guarded(client, error, [&]() -> Status {
    if (backup == nullptr) return Error(Errc::invalid_argument, "backup is null");
    auto options = take<BackupOptions>(options_json, "options");
    if (!options.ok()) return options.error();
    auto session = client->client.begin_backup(options.value());
    if (!session.ok()) return session.error();
    *backup = new stillframe_backup{std::move(session).value()};
    return Ok{};
  });
}

void stillframe_backup_free(stillframe_backup* backup) {
  delete backup;
}

stillframe_id stillframe_backup_id(const stillframe_backup* backup) {
  return backup != nullptr ? c_id(backup->session.id()) : stillframe_id{};
}

void stillframe_backup_on_progress(stillframe_backup* backup, stillframe_progress progress,
                                   void* to) {
  if (backup != nullptr) backup->session.on_progress(progress_to(progress, to));
}

int32_t stillframe_backup_gather(stillframe_backup* backup, char** writers_json,
                                 stillframe_error* error) {
  return guarded(backup, error, [&] { return give_json(backup->session.gather(), writers_json); });
}

int32_t stillframe_backup_select(stillframe_backup* backup, const char* selectors_json,
                                 stillframe_error* error) {
  return guarded(backup, error, [&]() -> Status {
    auto selectors = take<std::vector<ComponentSelector>>(selectors_json, "selectors");
    if (!selectors.ok()) return selectors.error();
    return backup->session.select(selectors.value());
  });
}

int32_t stillframe_backup_prepare(stillframe_backup* backup, char** writers_json,
                                  stillframe_error* error) {
  return guarded(backup, error, [&] { return give_json(backup->session.prepare(), writers_json); });
}

int32_t stillframe_backup_create_snapshots(stillframe_backup* backup, const char* options_json,
                                           char** result_json, stillframe_error* error) {
  return guarded(backup, error, [&]() -> Status {
    auto options = take<SnapshotOptions>(options_json, "options");
    if (!options.ok()) return options.error();
    return give_json(backup->session.create_snapshots(options.value()), result_json);
  });
}

int32_t stillframe_backup_open_stream(stillframe_backup* backup, stillframe_id writer,
                                      const char* request_json, char** stream_json,
                                      stillframe_error* error) {
  return guarded(backup, error, [&]() -> Status {
    auto request = take<StreamRequest>(request_json, "request");
    if (!request.ok()) return request.error();
    return give_json(backup->session.open_stream(id_of<WriterInstanceId>(writer), request.value()),
                     stream_json);
  });
}

int32_t stillframe_backup_read_stream(stillframe_backup* backup, stillframe_id writer,
                                      uint64_t handle, void* buffer, uint64_t bytes_max,
                                      uint64_t* bytes, stillframe_error* error) {
  return guarded(backup, error, [&]() -> Status {
    if (buffer == nullptr || bytes == nullptr) {
      return Error(Errc::invalid_argument, "buffer or bytes is null");
    }
    auto read = backup->session.read_stream(id_of<WriterInstanceId>(writer), handle, bytes_max);
    if (!read.ok()) return read.error();
    if (read.value().size() > bytes_max) {
      return Error(Errc::internal, "a stream delivered more than was asked for");
    }
    if (!read.value().empty()) std::memcpy(buffer, read.value().data(), read.value().size());
    *bytes = read.value().size();
    return Ok{};
  });
}

int32_t stillframe_backup_close_stream(stillframe_backup* backup, stillframe_id writer,
                                       uint64_t handle, stillframe_error* error) {
  return guarded(backup, error, [&] {
    return backup->session.close_stream(id_of<WriterInstanceId>(writer), handle);
  });
}

int32_t stillframe_backup_list_logs(stillframe_backup* backup, stillframe_id writer,
                                    const char* component_json, char** logs_json,
                                    stillframe_error* error) {
  return guarded(backup, error, [&]() -> Status {
    auto component = take<ComponentName>(component_json, "component");
    if (!component.ok()) return component.error();
    return give_json(backup->session.list_logs(id_of<WriterInstanceId>(writer), component.value()),
                     logs_json);
  });
}

int32_t stillframe_backup_complete(stillframe_backup* backup, const char* receipt_json,
                                   const char* results_json, char** writers_json,
                                   stillframe_error* error) {
  return guarded(backup, error, [&]() -> Status {
    auto receipt = parse_receipt(or_empty(receipt_json));
    if (!receipt.ok()) return Error(Errc::invalid_argument, receipt.error().what());
    auto results = take<std::vector<ComponentResult>>(results_json, "results");
    if (!results.ok()) return results.error();
    return give_json(backup->session.complete(receipt.value(), results.value()), writers_json);
  });
}

int32_t stillframe_backup_abort(stillframe_backup* backup, const char* reason,
                                stillframe_error* error) {
  return guarded(backup, error, [&] { return backup->session.abort(or_empty(reason)); });
}

int32_t stillframe_backup_end(stillframe_backup* backup, char** evidence_json,
                              stillframe_error* error) {
  return guarded(backup, error,
                 [&] { return give_document(backup->session.end(), evidence_json); });
}

int32_t stillframe_backup_document(stillframe_backup* backup, char** document_json,
                                   stillframe_error* error) {
  return guarded(backup, error,
                 [&] { return give_document(backup->session.document(), document_json); });
}

int32_t stillframe_backup_evidence(stillframe_backup* backup, char** evidence_json,
                                   stillframe_error* error) {
  return guarded(backup, error,
                 [&] { return give_document(backup->session.evidence(), evidence_json); });
}

int32_t stillframe_backup_status(stillframe_backup* backup, char** writers_json,
                                 stillframe_error* error) {
  return guarded(backup, error, [&] { return give_json(backup->session.status(), writers_json); });
}

void stillframe_backup_cancel(stillframe_backup* backup) {
  if (backup != nullptr) backup->session.cancel();
}

}  // extern "C"
