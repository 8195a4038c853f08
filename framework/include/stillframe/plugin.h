/* Writers and providers as plug-ins: shared objects behind a C interface, each loaded in a host
 * process of its own, so that a crash or a hang is one failed writer.
 *
 * A plug-in exports stillframe_plugin_entry(). Its tables begin with their size and version: a host
 * reads no member beyond `size`, so a plug-in that was built with an older minor version keeps
 * working. A null function pointer stands for the default of the C++ class of the same name, whose
 * comments (<stillframe/writer.hpp>, <stillframe/provider.hpp>) are the contract of each call: its
 * order, its thread, its deadline. Structures that are large travel as JSON objects, whose members
 * are described by the schemas in docs/schemas/.
 */
#ifndef STILLFRAME_PLUGIN_H
#define STILLFRAME_PLUGIN_H

#include <stillframe/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STILLFRAME_PLUGIN_ABI_MAJOR 1u
#define STILLFRAME_PLUGIN_ABI_MINOR 0u

/* Capability bits of a writer, a member of its identity. */
enum {
  STILLFRAME_CAPABILITY_SNAPSHOT = 1,
  STILLFRAME_CAPABILITY_STREAMING = 2,
  STILLFRAME_CAPABILITY_LOGS = 4,
  STILLFRAME_CAPABILITY_RESTORE_EVENTS = 8,
  STILLFRAME_CAPABILITY_STAGED_RESTORE = 16,
  STILLFRAME_CAPABILITY_VERIFY = 32
};

/* What every verb is told about the session that makes the call. Valid until the verb returns. */
typedef struct stillframe_call {
  uint32_t size; /* of this struct */
  uint32_t reserved;
  stillframe_id session;
  int64_t deadline_ns; /* CLOCK_BOOTTIME; the answer is not wanted after this */
  void* host;          /* for the next two */
  int32_t (*cancelled)(void* host);
  void (*progress)(void* host, uint64_t done, uint64_t total, const char* what);
} stillframe_call;
STILLFRAME_ASSERT_SIZE(stillframe_call, 56);

/* "Held from t1 to t2, unbroken": the answer to thaw. The host sets all members to zero before the
 * call and fills in times that stay zero. */
typedef struct stillframe_hold {
  int64_t held_from_ns;  /* CLOCK_BOOTTIME */
  int64_t held_until_ns; /* CLOCK_BOOTTIME */
  int64_t longest_stall_ns;
  int32_t unbroken;
  int32_t asserted_only;
  char broken_because[256];
} stillframe_hold;
STILLFRAME_ASSERT_SIZE(stillframe_hold, 288);

typedef struct stillframe_stream {
  uint64_t handle;
  uint64_t size;
  uint32_t read_unit;
  uint32_t reserved;
} stillframe_stream;
STILLFRAME_ASSERT_SIZE(stillframe_stream, 24);

/* Each function answers STILLFRAME_OK or another code; with another code it fills in `error`
 * (never null). `..._json` is text in; a sink is text out. */
typedef struct stillframe_writer {
  uint32_t size; /* of this struct, as the plug-in was compiled */
  uint32_t reserved;
  void* self; /* first argument of every function below */
  void (*destroy)(void* self);

  int32_t (*identity)(void* self, stillframe_sink identity_json, stillframe_error* error);
  int32_t (*identify)(void* self, const stillframe_call* call, stillframe_sink metadata_json,
                      stillframe_error* error);

  /* Backup. `edited_json` takes the view as the writer edited it; nothing put: no edits. */
  int32_t (*prepare_backup)(void* self, const stillframe_call* call, const char* backup_json,
                            stillframe_sink edited_json, stillframe_error* error);
  int32_t (*prepare_snapshot)(void* self, const stillframe_call* call, const char* set_json,
                              stillframe_error* error);
  int32_t (*freeze)(void* self, const stillframe_call* call, stillframe_error* error);
  int32_t (*thaw)(void* self, const stillframe_call* call, stillframe_hold* hold,
                  stillframe_error* error);
  int32_t (*post_snapshot)(void* self, const stillframe_call* call, const char* set_json,
                           const char* backup_json, stillframe_sink edited_json,
                           stillframe_error* error);
  int32_t (*backup_complete)(void* self, const stillframe_call* call, const char* backup_json,
                             const char* receipt_json, stillframe_error* error);
  /* Of this session alone: another one may hold the writer by then. */
  void (*abort)(void* self, const stillframe_call* call);
  void (*shutdown)(void* self, const stillframe_call* call, stillframe_id set);

  /* Streaming and logs. */
  int32_t (*open_stream)(void* self, const stillframe_call* call, const char* request_json,
                         stillframe_stream* stream, stillframe_error* error);
  int32_t (*read)(void* self, const stillframe_call* call, uint64_t handle, void* buffer,
                  uint64_t bytes_max, uint64_t* bytes, stillframe_error* error);
  int32_t (*close)(void* self, const stillframe_call* call, uint64_t handle,
                   stillframe_error* error);
  int32_t (*list_logs)(void* self, const stillframe_call* call, const char* component_json,
                       stillframe_sink logs_json, stillframe_error* error);
  int32_t (*truncate_logs)(void* self, const stillframe_call* call, const char* component_json,
                           const char* receipt_json, stillframe_error* error);

  /* Restore. */
  int32_t (*pre_restore)(void* self, const stillframe_call* call, const char* restore_json,
                         stillframe_sink edited_json, stillframe_error* error);
  int32_t (*restore_prepare)(void* self, const stillframe_call* call, const char* authority_json,
                             stillframe_error* error);
  int32_t (*restore_locations)(void* self, const stillframe_call* call, const char* component_json,
                               stillframe_sink locations_json, stillframe_error* error);
  int32_t (*restore_register)(void* self, const stillframe_call* call, const char* authority_json,
                              const char* registration_json, stillframe_error* error);
  /* `failure` is null when the copy succeeded. */
  int32_t (*restore_complete)(void* self, const stillframe_call* call, const char* component_json,
                              const char* failure, stillframe_error* error);
  int32_t (*post_restore)(void* self, const stillframe_call* call, const char* restore_json,
                          stillframe_error* error);
  void (*restore_end)(void* self, const stillframe_call* call);

  /* Any time. */
  int32_t (*verify)(void* self, const stillframe_call* call, const char* request_json,
                    stillframe_sink report_json, stillframe_error* error);
} stillframe_writer;
STILLFRAME_ASSERT_TABLE(stillframe_writer, 24);

typedef struct stillframe_estimate {
  uint64_t bytes_needed;
  uint64_t bytes_available;
  uint64_t files;
  int64_t commit_ns; /* expected time inside the hold */
} stillframe_estimate;
STILLFRAME_ASSERT_SIZE(stillframe_estimate, 32);

/* No function of a provider may be null. */
typedef struct stillframe_provider {
  uint32_t size;
  uint32_t reserved;
  void* self;
  void (*destroy)(void* self);

  int32_t (*info)(void* self, stillframe_sink info_json, stillframe_error* error);
  int32_t (*supports)(void* self, const char* volume_json, const char* attributes_json,
                      stillframe_error* error);
  int32_t (*begin_prepare)(void* self, const char* request_json, stillframe_error* error);
  int32_t (*end_prepare)(void* self, stillframe_id set, stillframe_estimate* estimate,
                         stillframe_error* error);
  int32_t (*pre_commit)(void* self, stillframe_id set, stillframe_error* error);
  int32_t (*commit)(void* self, stillframe_id set, stillframe_sink cuts_json,
                    stillframe_error* error);
  int32_t (*post_commit)(void* self, stillframe_id set, stillframe_error* error);
  int32_t (*pre_final)(void* self, stillframe_id set, stillframe_sink snapshots_json,
                       stillframe_error* error);
  int32_t (*post_final)(void* self, stillframe_id set, stillframe_error* error);
  void (*abort)(void* self, stillframe_id set);
  int32_t (*query)(void* self, stillframe_sink snapshots_json, stillframe_error* error);
  int32_t (*remove)(void* self, stillframe_id snapshot, stillframe_error* error);
  int32_t (*expose)(void* self, stillframe_id snapshot, const char* place, stillframe_error* error);
  int32_t (*unexpose)(void* self, stillframe_id snapshot, stillframe_error* error);
  int32_t (*make_writable)(void* self, stillframe_id snapshot, stillframe_error* error);
  int32_t (*revert)(void* self, stillframe_id snapshot, int32_t force, stillframe_error* error);
} stillframe_provider;
STILLFRAME_ASSERT_TABLE(stillframe_provider, 17);

/* A host gives every table this much zeroed room, so that a plug-in of a later minor version, whose
 * tables are longer, writes into nothing else. */
#define STILLFRAME_TABLE_ROOM 4096

/* What a plug-in offers. Null: it makes none of that kind. `config_json` is what the administrator
 * wrote for it, "{}" when nothing. The table behind `writer` or `provider` is the host's; the
 * plug-in fills it in, `size` included. */
typedef struct stillframe_plugin {
  uint32_t size;
  uint16_t abi_major; /* STILLFRAME_PLUGIN_ABI_MAJOR, as the plug-in was compiled */
  uint16_t abi_minor;
  const char* name; /* lives as long as the plug-in is loaded */
  int32_t (*make_writer)(const char* config_json, stillframe_writer* writer,
                         stillframe_error* error);
  int32_t (*make_provider)(const char* config_json, stillframe_provider* provider,
                           stillframe_error* error);
} stillframe_plugin;
STILLFRAME_ASSERT_SIZE(stillframe_plugin, 32);

/* The one symbol a plug-in exports. Called once; the answer lives as long as the plug-in is loaded.
 * Null when the plug-in cannot work with a host of this version. */
const stillframe_plugin* stillframe_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor);
typedef const stillframe_plugin* (*stillframe_plugin_entry_function)(uint32_t host_abi_major,
                                                                     uint32_t host_abi_minor);

#ifdef __cplusplus
}
#endif
#endif
