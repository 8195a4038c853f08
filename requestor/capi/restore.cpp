#include <algorithm>
#include <cstdlib>

#include "framework/model/enum_names.hpp"
#include "requestor/capi/glue.hpp"
#include "requestor/capi/handles.hpp"

using namespace stillframe;
using namespace stillframe::capi;

extern "C" {

int32_t stillframe_begin_restore(stillframe_client* client, const char* document_json,
                                 const char* const* metadata_json, uint64_t metadata_count,
                                 const char* options_json, stillframe_restore** restore,
                                 stillframe_error* error) {
  if (restore != nullptr) *restore = nullptr;
  return guarded(client, error, [&]() -> Status {
    if (restore == nullptr) return Error(Errc::invalid_argument, "restore is null");
    if (metadata_json == nullptr && metadata_count != 0) {
      return Error(Errc::invalid_argument, "metadata_json is null and metadata_count is not 0");
    }
    auto document = parse_backup_document(or_empty(document_json));
    if (!document.ok()) return document.error();
    std::vector<WriterMetadata> stored;
    for (uint64_t i = 0; i < metadata_count; ++i) {
      auto metadata = parse_writer_metadata(or_empty(metadata_json[i]));
      if (!metadata.ok()) return metadata.error();
      stored.push_back(std::move(metadata).value());
    }
    auto options = take<RestoreOptions>(options_json, "options");
    if (!options.ok()) return options.error();
    auto session = client->client.begin_restore(document.value(), stored, options.value());
    if (!session.ok()) return session.error();
    *restore = new stillframe_restore{std::move(session).value()};
    return Ok{};
  });
}

void stillframe_restore_free(stillframe_restore* restore) {
  delete restore;
}

stillframe_id stillframe_restore_id(const stillframe_restore* restore) {
  return restore != nullptr ? c_id(restore->session.id()) : stillframe_id{};
}

void stillframe_restore_on_progress(stillframe_restore* restore, stillframe_progress progress,
                                    void* to) {
  if (restore != nullptr) restore->session.on_progress(progress_to(progress, to));
}

int32_t stillframe_restore_gather(stillframe_restore* restore, char** writers_json,
                                  stillframe_error* error) {
  return guarded(restore, error,
                 [&] { return give_json(restore->session.gather(), writers_json); });
}

int32_t stillframe_restore_select(stillframe_restore* restore, const char* components_json,
                                  stillframe_error* error) {
  return guarded(restore, error, [&]() -> Status {
    auto components = take<std::vector<BackupComponent>>(components_json, "components");
    if (!components.ok()) return components.error();
    return restore->session.select(components.value());
  });
}

int32_t stillframe_restore_pre_restore(stillframe_restore* restore, char** components_json,
                                       stillframe_error* error) {
  return guarded(restore, error,
                 [&] { return give_json(restore->session.pre_restore(), components_json); });
}

int32_t stillframe_restore_prepare(stillframe_restore* restore, stillframe_id writer,
                                   const char* authority_json, stillframe_error* error) {
  return guarded(restore, error, [&]() -> Status {
    auto authority = take<RestoreAuthority>(authority_json, "authority");
    if (!authority.ok()) return authority.error();
    return restore->session.prepare(id_of<WriterInstanceId>(writer), authority.value());
  });
}

int32_t stillframe_restore_locations(stillframe_restore* restore, stillframe_id writer,
                                     const char* component_json, char** locations_json,
                                     stillframe_error* error) {
  return guarded(restore, error, [&]() -> Status {
    auto component = take<ComponentName>(component_json, "component");
    if (!component.ok()) return component.error();
    return give_json(restore->session.locations(id_of<WriterInstanceId>(writer), component.value()),
                     locations_json);
  });
}

int32_t stillframe_restore_register(stillframe_restore* restore, stillframe_id writer,
                                    const char* registration_json, stillframe_error* error) {
  return guarded(restore, error, [&]() -> Status {
    auto registration = take<RestoreRegistration>(registration_json, "registration");
    if (!registration.ok()) return registration.error();
    return restore->session.register_restore(id_of<WriterInstanceId>(writer), registration.value());
  });
}

int32_t stillframe_restore_set_file_status(stillframe_restore* restore, stillframe_id writer,
                                           const char* component_json, int32_t status,
                                           const char* mappings_json, stillframe_error* error) {
  return guarded(restore, error, [&]() -> Status {
    auto component = take<ComponentName>(component_json, "component");
    if (!component.ok()) return component.error();
    const auto value = static_cast<FileRestoreStatus>(status);
    if (!is_enumerator(value)) {
      return Error(Errc::invalid_argument, "status " + std::to_string(status) + " is unknown");
    }
    std::vector<AlternateMapping> mappings;
    if (mappings_json != nullptr) {
      auto taken = take<std::vector<AlternateMapping>>(mappings_json, "mappings");
      if (!taken.ok()) return taken.error();
      mappings = std::move(taken).value();
    }
    return restore->session.set_file_status(id_of<WriterInstanceId>(writer), component.value(),
                                            value, mappings);
  });
}

int32_t stillframe_restore_complete(stillframe_restore* restore, stillframe_id writer,
                                    const char* component_json, const char* failure,
                                    stillframe_error* error) {
  return guarded(restore, error, [&]() -> Status {
    auto component = take<ComponentName>(component_json, "component");
    if (!component.ok()) return component.error();
    const Status copied = failure == nullptr ? Status(Ok{}) : Status(Error(Errc::io, failure));
    return restore->session.complete(id_of<WriterInstanceId>(writer), component.value(), copied);
  });
}

int32_t stillframe_restore_post_restore(stillframe_restore* restore, char** writers_json,
                                        stillframe_error* error) {
  return guarded(restore, error,
                 [&] { return give_json(restore->session.post_restore(), writers_json); });
}

int32_t stillframe_restore_end(stillframe_restore* restore, char** report_json,
                               stillframe_error* error) {
  return guarded(restore, error,
                 [&] { return give_document(restore->session.end(), report_json); });
}

void stillframe_restore_cancel(stillframe_restore* restore) {
  if (restore != nullptr) restore->session.cancel();
}

}  // extern "C"
