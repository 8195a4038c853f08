#include "tests/plugin/all_verbs_plugin.h"

#include <stdio.h>
#include <string.h>

char all_verbs_log[65536];
int32_t all_verbs_answer;
uint32_t all_verbs_size;
int all_verbs_destroyed;

static int32_t note(stillframe_error* error, const char* call, const char* a, const char* b) {
  const size_t used = strlen(all_verbs_log);
  snprintf(all_verbs_log + used, sizeof all_verbs_log - used, "%s %s %s\n", call,
           a != NULL ? a : "", b != NULL ? b : "");
  if (all_verbs_answer != STILLFRAME_OK && error != NULL) {
    error->code = all_verbs_answer;
    error->application_code = 7;
    snprintf(error->message, sizeof error->message, "told to fail");
  }
  return all_verbs_answer;
}

static void put(stillframe_sink sink, const char* text) {
  /* In two pieces, as a streaming producer would. */
  const size_t half = strlen(text) / 2;
  sink.put(sink.to, text, half);
  sink.put(sink.to, text + half, strlen(text) - half);
}

static void destroy(void* self) {
  (void)self;
  ++all_verbs_destroyed;
}

static int32_t identity(void* self, stillframe_sink out, stillframe_error* e) {
  (void)self;
  put(out,
      "{\"class_id\":\"11111111-2222-4333-8444-555555555555\",\"name\":\"All verbs\","
      "\"instance_name\":\"one\",\"version\":{\"major\":1,\"minor\":2},\"usage\":\"user_data\","
      "\"source\":\"transacted_db\",\"level\":\"back_end\",\"capabilities\":63}");
  return note(e, "identity", NULL, NULL);
}
static int32_t identify(void* self, const stillframe_call* c, stillframe_sink out,
                        stillframe_error* e) {
  (void)self;
  if (c->size != sizeof *c || c->cancelled(c->host) != 0) return STILLFRAME_INTERNAL;
  c->progress(c->host, 1, 2, "half");
  put(out, "{\"identity\":");
  identity(self, out, e);
  put(out,
      ",\"instance\":\"00000000-0000-0000-0000-000000000000\",\"process\":{\"pid\":0,\"uid\":0},"
      "\"restore\":{\"method\":\"custom\",\"events\":\"always\"},\"schema\":0,"
      "\"components\":[{\"type\":\"database\",\"name\":\"db\"}]}");
  return note(e, "identify", NULL, NULL);
}
static int32_t prepare_backup(void* self, const stillframe_call* c, const char* backup,
                              stillframe_sink edited, stillframe_error* e) {
  (void)self, (void)c;
  put(edited, "{\"type\":\"full\",\"bootable_system_state\":true}");
  return note(e, "prepare_backup", backup, NULL);
}
static int32_t prepare_snapshot(void* self, const stillframe_call* c, const char* set,
                                stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "prepare_snapshot", set, NULL);
}
static int32_t freeze(void* self, const stillframe_call* c, stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "freeze", NULL, NULL);
}
static int32_t thaw(void* self, const stillframe_call* c, stillframe_hold* hold,
                    stillframe_error* e) {
  (void)self, (void)c;
  hold->held_from_ns = 5;
  hold->held_until_ns = 9;
  hold->longest_stall_ns = 3;
  hold->asserted_only = 1;
  memset(hold->broken_because, 'x', sizeof hold->broken_because); /* no end: the host copes */
  return note(e, "thaw", NULL, NULL);
}
static int32_t post_snapshot(void* self, const stillframe_call* c, const char* set,
                             const char* backup, stillframe_sink edited, stillframe_error* e) {
  (void)self, (void)c, (void)edited; /* no edits */
  return note(e, "post_snapshot", set, backup);
}
static int32_t backup_complete(void* self, const stillframe_call* c, const char* backup,
                               const char* receipt, stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "backup_complete", backup, receipt);
}
static void abort_session(void* self, const stillframe_call* c) {
  (void)self, (void)c;
  note(NULL, "abort", NULL, NULL);
}
static void shutdown_session(void* self, const stillframe_call* c, stillframe_id set) {
  char first[8];
  (void)self, (void)c;
  snprintf(first, sizeof first, "%02x", set.bytes[0]);
  note(NULL, "shutdown", first, NULL);
}
static int32_t open_stream(void* self, const stillframe_call* c, const char* request,
                           stillframe_stream* stream, stillframe_error* e) {
  (void)self, (void)c;
  stream->handle = 4;
  stream->size = 10;
  stream->read_unit = 2;
  return note(e, "open_stream", request, NULL);
}
static int32_t read_stream(void* self, const stillframe_call* c, uint64_t handle, void* buffer,
                           uint64_t bytes_max, uint64_t* bytes, stillframe_error* e) {
  (void)self, (void)c, (void)handle;
  memset(buffer, 'r', bytes_max);
  *bytes = bytes_max;
  return note(e, "read", NULL, NULL);
}
static int32_t close_stream(void* self, const stillframe_call* c, uint64_t handle,
                            stillframe_error* e) {
  (void)self, (void)c, (void)handle;
  return note(e, "close", NULL, NULL);
}
static int32_t list_logs(void* self, const stillframe_call* c, const char* component,
                         stillframe_sink logs, stillframe_error* e) {
  (void)self, (void)c;
  put(logs, "{\"low\":3,\"high\":4,\"files\":[{\"path\":\"/l/3\",\"generation\":3}]}");
  return note(e, "list_logs", component, NULL);
}
static int32_t truncate_logs(void* self, const stillframe_call* c, const char* component,
                             const char* receipt, stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "truncate_logs", component, receipt);
}
static int32_t pre_restore(void* self, const stillframe_call* c, const char* restore,
                           stillframe_sink edited, stillframe_error* e) {
  (void)self, (void)c;
  put(edited, "this is no JSON");
  return note(e, "pre_restore", restore, NULL);
}
static int32_t restore_prepare(void* self, const stillframe_call* c, const char* authority,
                               stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "restore_prepare", authority, NULL);
}
static int32_t restore_locations(void* self, const stillframe_call* c, const char* component,
                                 stillframe_sink locations, stillframe_error* e) {
  (void)self, (void)c;
  put(locations, "[{\"component\":{\"name\":\"db\"},\"what\":\"log\",\"path\":\"/l\"}]");
  return note(e, "restore_locations", component, NULL);
}
static int32_t restore_register(void* self, const stillframe_call* c, const char* authority,
                                const char* registration, stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "restore_register", authority, registration);
}
static int32_t restore_complete(void* self, const stillframe_call* c, const char* component,
                                const char* failure, stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "restore_complete", component, failure);
}
static int32_t post_restore(void* self, const stillframe_call* c, const char* restore,
                            stillframe_error* e) {
  (void)self, (void)c;
  return note(e, "post_restore", restore, NULL);
}
static void restore_end(void* self, const stillframe_call* c) {
  (void)self, (void)c;
  note(NULL, "restore_end", NULL, NULL);
}
static int32_t verify(void* self, const stillframe_call* c, const char* request,
                      stillframe_sink report, stillframe_error* e) {
  (void)self, (void)c;
  put(report, "{\"verdict\":\"damaged\",\"detail\":\"page 7\"}");
  return note(e, "verify", request, NULL);
}

static int32_t make_writer(const char* config, stillframe_writer* w, stillframe_error* e) {
  const stillframe_writer table = {sizeof table,
                                   0,
                                   NULL,
                                   destroy,
                                   identity,
                                   identify,
                                   prepare_backup,
                                   prepare_snapshot,
                                   freeze,
                                   thaw,
                                   post_snapshot,
                                   backup_complete,
                                   abort_session,
                                   shutdown_session,
                                   open_stream,
                                   read_stream,
                                   close_stream,
                                   list_logs,
                                   truncate_logs,
                                   pre_restore,
                                   restore_prepare,
                                   restore_locations,
                                   restore_register,
                                   restore_complete,
                                   post_restore,
                                   restore_end,
                                   verify};
  if (strcmp(config, "{}") != 0) {
    e->code = STILLFRAME_INVALID_ARGUMENT;
    snprintf(e->message, sizeof e->message, "no such option");
    return e->code;
  }
  *w = table;
  if (all_verbs_size != 0) w->size = all_verbs_size;
  return STILLFRAME_OK;
}

/* ---- provider */

static int32_t info(void* self, stillframe_sink out, stillframe_error* e) {
  (void)self;
  put(out,
      "{\"id\":\"99999999-2222-4333-8444-555555555555\",\"name\":\"array\","
      "\"version\":{\"major\":1,\"minor\":0},\"atomicity\":\"set\",\"capabilities\":3}");
  return note(e, "info", NULL, NULL);
}
static int32_t supports(void* self, const char* volume, const char* attributes,
                        stillframe_error* e) {
  (void)self;
  return note(e, "supports", volume, attributes);
}
static int32_t begin_prepare(void* self, const char* request, stillframe_error* e) {
  (void)self;
  return note(e, "begin_prepare", request, NULL);
}
static int32_t end_prepare(void* self, stillframe_id set, stillframe_estimate* estimate,
                           stillframe_error* e) {
  (void)self, (void)set;
  estimate->bytes_needed = 1;
  estimate->bytes_available = 2;
  estimate->files = 3;
  estimate->commit_ns = 4;
  return note(e, "end_prepare", NULL, NULL);
}
static int32_t pre_commit(void* self, stillframe_id set, stillframe_error* e) {
  (void)self, (void)set;
  return note(e, "pre_commit", NULL, NULL);
}
static int32_t commit(void* self, stillframe_id set, stillframe_sink cuts, stillframe_error* e) {
  (void)self, (void)set;
  put(cuts, "[]");
  return note(e, "commit", NULL, NULL);
}
static int32_t post_commit(void* self, stillframe_id set, stillframe_error* e) {
  (void)self, (void)set;
  return note(e, "post_commit", NULL, NULL);
}
static int32_t pre_final(void* self, stillframe_id set, stillframe_sink out, stillframe_error* e) {
  (void)self, (void)set;
  put(out, "{\"not\":\"a list\"}");
  return note(e, "pre_final", NULL, NULL);
}
static int32_t post_final(void* self, stillframe_id set, stillframe_error* e) {
  (void)self, (void)set;
  return note(e, "post_final", NULL, NULL);
}
static void abort_set(void* self, stillframe_id set) {
  (void)self, (void)set;
  note(NULL, "abort", NULL, NULL);
}
static int32_t query(void* self, stillframe_sink out, stillframe_error* e) {
  (void)self;
  put(out, "[]");
  return note(e, "query", NULL, NULL);
}
static int32_t remove_snapshot(void* self, stillframe_id snapshot, stillframe_error* e) {
  (void)self, (void)snapshot;
  return note(e, "remove", NULL, NULL);
}
static int32_t expose(void* self, stillframe_id snapshot, const char* place, stillframe_error* e) {
  (void)self, (void)snapshot;
  return note(e, "expose", place, NULL);
}
static int32_t unexpose(void* self, stillframe_id snapshot, stillframe_error* e) {
  (void)self, (void)snapshot;
  return note(e, "unexpose", NULL, NULL);
}
static int32_t make_writable(void* self, stillframe_id snapshot, stillframe_error* e) {
  (void)self, (void)snapshot;
  return note(e, "make_writable", NULL, NULL);
}
static int32_t revert(void* self, stillframe_id snapshot, int32_t force, stillframe_error* e) {
  (void)self, (void)snapshot;
  return note(e, "revert", force != 0 ? "forced" : "", NULL);
}

static int32_t make_provider(const char* config, stillframe_provider* p, stillframe_error* e) {
  const stillframe_provider table = {sizeof table, 0,         NULL,          destroy,
                                     info,         supports,  begin_prepare, end_prepare,
                                     pre_commit,   commit,    post_commit,   pre_final,
                                     post_final,   abort_set, query,         remove_snapshot,
                                     expose,       unexpose,  make_writable, revert};
  (void)config, (void)e;
  *p = table;
  if (all_verbs_size != 0) p->size = all_verbs_size;
  return STILLFRAME_OK;
}

const stillframe_plugin* all_verbs_entry(uint32_t major, uint32_t minor) {
  static const stillframe_plugin plugin = {sizeof plugin,
                                           STILLFRAME_PLUGIN_ABI_MAJOR,
                                           STILLFRAME_PLUGIN_ABI_MINOR,
                                           "all verbs",
                                           make_writer,
                                           make_provider};
  (void)major, (void)minor;
  return &plugin;
}
