/* The requestor's side in C: the calls of <stillframe/requestor.hpp>, whose comments are their
 * contract. All calls block; every one answers STILLFRAME_OK or another code and then fills in
 * `error` (which may be null). Link with stillframe-requestor.
 *
 * Structures travel as JSON. `..._json` parameters that are marked "document" are whole documents
 * as they are stored beside a backup, envelope included; the others are the bare objects of
 * docs/protocol.md. Text that comes out through a char** is the caller's, to be given back by
 * stillframe_text_free(); it is null after a failure. Any char** may be null: the answer is
 * dropped.
 */
#ifndef STILLFRAME_REQUESTOR_H
#define STILLFRAME_REQUESTOR_H

#include <stillframe/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opaque. A client may be used by several threads at once; a session by one, except for cancel. A
 * session keeps what it needs of its client, which may be freed first. */
typedef struct stillframe_client stillframe_client;
typedef struct stillframe_backup stillframe_backup;
typedef struct stillframe_restore stillframe_restore;

/* Called from a thread of the library's; `phase` and `who` are borrowed for the call. */
typedef void (*stillframe_progress)(void* to, const char* phase, const char* who, uint64_t done,
                                    uint64_t total);

void stillframe_text_free(char* text);

/* ---- client. `socket` null: the default place. */
int32_t stillframe_connect(const char* socket, const char* requestor_name, int32_t timeout_ms,
                           stillframe_client** client, stillframe_error* error);
void stillframe_client_free(stillframe_client* client);

/* Any method of docs/protocol.md. */
int32_t stillframe_call_method(stillframe_client* client, const char* method,
                               const char* params_json, char** result_json,
                               stillframe_error* error);

int32_t stillframe_writers(stillframe_client* client, char** writers_json, stillframe_error* error);
int32_t stillframe_providers(stillframe_client* client, char** providers_json,
                             stillframe_error* error);
int32_t stillframe_volumes(stillframe_client* client, char** volumes_json, stillframe_error* error);
int32_t stillframe_sessions(stillframe_client* client, char** sessions_json,
                            stillframe_error* error);
int32_t stillframe_end_session(stillframe_client* client, stillframe_id session,
                               stillframe_error* error);
int32_t stillframe_snapshots(stillframe_client* client, char** snapshots_json,
                             stillframe_error* error);
/* document: evidence */
int32_t stillframe_snapshot_evidence(stillframe_client* client, stillframe_id set,
                                     char** evidence_json, stillframe_error* error);
int32_t stillframe_remove_snapshot(stillframe_client* client, stillframe_id snapshot,
                                   stillframe_error* error);
/* `place` is bytes, and so is what is put in `exposed_at`. */
int32_t stillframe_expose_snapshot(stillframe_client* client, stillframe_id snapshot,
                                   const char* place, char** exposed_at, stillframe_error* error);
int32_t stillframe_unexpose_snapshot(stillframe_client* client, stillframe_id snapshot,
                                     stillframe_error* error);
int32_t stillframe_make_writable(stillframe_client* client, stillframe_id snapshot,
                                 stillframe_error* error);
int32_t stillframe_revert_snapshot(stillframe_client* client, stillframe_id snapshot, int32_t force,
                                   stillframe_error* error);

/* Holds the selected writers while `while_held` runs; it must return before `deadline_ns`
 * (CLOCK_BOOTTIME). `evidence_json` is a document. */
int32_t stillframe_hold_writers(stillframe_client* client, const char* options_json,
                                const char* selectors_json,
                                int32_t (*while_held)(void* to, int64_t deadline_ns), void* to,
                                int32_t* held_status, char** evidence_json,
                                stillframe_error* error);

/* ---- backup. Freed before it was completed, it is aborted. */
int32_t stillframe_begin_backup(stillframe_client* client, const char* options_json,
                                stillframe_backup** backup, stillframe_error* error);
void stillframe_backup_free(stillframe_backup* backup);
stillframe_id stillframe_backup_id(const stillframe_backup* backup);
void stillframe_backup_on_progress(stillframe_backup* backup, stillframe_progress progress,
                                   void* to);
int32_t stillframe_backup_gather(stillframe_backup* backup, char** writers_json,
                                 stillframe_error* error);
int32_t stillframe_backup_select(stillframe_backup* backup, const char* selectors_json,
                                 stillframe_error* error);
int32_t stillframe_backup_prepare(stillframe_backup* backup, char** writers_json,
                                  stillframe_error* error);
int32_t stillframe_backup_create_snapshots(stillframe_backup* backup, const char* options_json,
                                           char** result_json, stillframe_error* error);
int32_t stillframe_backup_open_stream(stillframe_backup* backup, stillframe_id writer,
                                      const char* request_json, char** stream_json,
                                      stillframe_error* error);
int32_t stillframe_backup_read_stream(stillframe_backup* backup, stillframe_id writer,
                                      uint64_t handle, void* buffer, uint64_t bytes_max,
                                      uint64_t* bytes, stillframe_error* error);
int32_t stillframe_backup_close_stream(stillframe_backup* backup, stillframe_id writer,
                                       uint64_t handle, stillframe_error* error);
int32_t stillframe_backup_list_logs(stillframe_backup* backup, stillframe_id writer,
                                    const char* component_json, char** logs_json,
                                    stillframe_error* error);
/* `receipt_json` is a document. */
int32_t stillframe_backup_complete(stillframe_backup* backup, const char* receipt_json,
                                   const char* results_json, char** writers_json,
                                   stillframe_error* error);
int32_t stillframe_backup_abort(stillframe_backup* backup, const char* reason,
                                stillframe_error* error);
/* Documents: evidence, backup document, evidence. */
int32_t stillframe_backup_end(stillframe_backup* backup, char** evidence_json,
                              stillframe_error* error);
int32_t stillframe_backup_document(stillframe_backup* backup, char** document_json,
                                   stillframe_error* error);
int32_t stillframe_backup_evidence(stillframe_backup* backup, char** evidence_json,
                                   stillframe_error* error);
int32_t stillframe_backup_status(stillframe_backup* backup, char** writers_json,
                                 stillframe_error* error);
void stillframe_backup_cancel(stillframe_backup* backup); /* any thread */

/* ---- restore. `document_json` and each of `metadata_json` are documents. */
int32_t stillframe_begin_restore(stillframe_client* client, const char* document_json,
                                 const char* const* metadata_json, uint64_t metadata_count,
                                 const char* options_json, stillframe_restore** restore,
                                 stillframe_error* error);
void stillframe_restore_free(stillframe_restore* restore);
stillframe_id stillframe_restore_id(const stillframe_restore* restore);
void stillframe_restore_on_progress(stillframe_restore* restore, stillframe_progress progress,
                                    void* to);
int32_t stillframe_restore_gather(stillframe_restore* restore, char** writers_json,
                                  stillframe_error* error);
int32_t stillframe_restore_select(stillframe_restore* restore, const char* components_json,
                                  stillframe_error* error);
int32_t stillframe_restore_pre_restore(stillframe_restore* restore, char** components_json,
                                       stillframe_error* error);
int32_t stillframe_restore_prepare(stillframe_restore* restore, stillframe_id writer,
                                   const char* authority_json, stillframe_error* error);
int32_t stillframe_restore_locations(stillframe_restore* restore, stillframe_id writer,
                                     const char* component_json, char** locations_json,
                                     stillframe_error* error);
int32_t stillframe_restore_register(stillframe_restore* restore, stillframe_id writer,
                                    const char* registration_json, stillframe_error* error);
/* `status` is a number of FileRestoreStatus: 1 none, 2 all, 3 failed; `mappings_json` may be null.
 */
int32_t stillframe_restore_set_file_status(stillframe_restore* restore, stillframe_id writer,
                                           const char* component_json, int32_t status,
                                           const char* mappings_json, stillframe_error* error);
/* `failure` null: the copy succeeded. */
int32_t stillframe_restore_complete(stillframe_restore* restore, stillframe_id writer,
                                    const char* component_json, const char* failure,
                                    stillframe_error* error);
int32_t stillframe_restore_post_restore(stillframe_restore* restore, char** writers_json,
                                        stillframe_error* error);
/* document: restore report */
int32_t stillframe_restore_end(stillframe_restore* restore, char** report_json,
                               stillframe_error* error);
void stillframe_restore_cancel(stillframe_restore* restore); /* any thread */

#ifdef __cplusplus
}
#endif
#endif
