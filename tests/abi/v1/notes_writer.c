/* A writer as a plug-in in plain C: a directory of notes.
 *
 * The application that writes the notes takes a shared lock (flock) on DIRECTORY/.lock around each
 * write. Holding it still is therefore one exclusive lock, taken in freeze and given back in thaw.
 *
 * Configuration: {"directory": "/srv/notes"}
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <stillframe/plugin.h>

#define DIRECTORY_BYTES_MAX 1024

typedef struct notes {
  char directory[DIRECTORY_BYTES_MAX];
  int lock; /* the lock file; -1: not opened */
} notes;

static int32_t fail(stillframe_error* error, int32_t code, const char* what, const char* object) {
  const int number = errno;
  error->code = code;
  snprintf(error->message, sizeof error->message, "%s '%s'%s%s", what, object,
           number != 0 ? ": " : "", number != 0 ? strerror(number) : "");
  return code;
}

static void put(stillframe_sink sink, const char* text) {
  sink.put(sink.to, text, strlen(text));
}

static int64_t boot_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The value of "directory". Takes plain text only: a real plug-in uses a JSON library. */
static int32_t read_config(const char* json, notes* self, stillframe_error* error) {
  errno = 0;
  const char* at = strstr(json, "\"directory\"");
  at = at != NULL ? strchr(at + strlen("\"directory\""), ':') : NULL;
  at = at != NULL ? strchr(at, '"') : NULL;
  const char* end = at != NULL ? strchr(at + 1, '"') : NULL;
  if (end == NULL) {
    return fail(error, STILLFRAME_INVALID_ARGUMENT, "the configuration names no directory:", json);
  }
  const size_t bytes = (size_t)(end - at - 1);
  if (bytes == 0 || bytes >= sizeof self->directory || at[1] != '/' ||
      memchr(at + 1, '\\', bytes) != NULL) {
    return fail(error, STILLFRAME_INVALID_ARGUMENT,
                "the directory must be an absolute path in plain text:", json);
  }
  memcpy(self->directory, at + 1, bytes);
  self->directory[bytes] = '\0';
  return STILLFRAME_OK;
}

static int32_t notes_identity(void* me, stillframe_sink out, stillframe_error* error) {
  (void)me;
  (void)error;
  put(out,
      "{\"class_id\":\"7f0c2c52-6b0e-4a7e-9d0e-3a3f5a1b8c11\",\"name\":\"Notes\","
      "\"instance_name\":\"\",\"version\":{\"major\":1,\"minor\":0},\"usage\":\"user_data\","
      "\"source\":\"other\",\"level\":\"front_end\",\"capabilities\":1}");
  return STILLFRAME_OK;
}

/* The host fills in identity, instance and process. */
static int32_t notes_identify(void* me, const stillframe_call* call, stillframe_sink out,
                              stillframe_error* error) {
  const notes* self = me;
  (void)call;
  put(out, "{\"identity\":");
  notes_identity(me, out, error);
  put(out,
      ",\"instance\":\"00000000-0000-0000-0000-000000000000\",\"process\":{\"pid\":0,\"uid\":0},"
      "\"restore\":{\"method\":\"restore_if_can_replace\",\"events\":\"never\"},\"schema\":16,"
      "\"components\":[{\"type\":\"file_group\",\"name\":\"notes\",\"caption\":\"All notes\","
      "\"files\":[{\"path\":\"");
  put(out, self->directory);
  put(out, "\",\"pattern\":\"*\",\"recursive\":true}]}]}");
  return STILLFRAME_OK;
}

static int32_t notes_prepare_snapshot(void* me, const stillframe_call* call, const char* set_json,
                                      stillframe_error* error) {
  notes* self = me;
  char path[DIRECTORY_BYTES_MAX + 16];
  (void)call;
  (void)set_json;
  errno = 0;
  if (self->lock >= 0) return STILLFRAME_OK;
  snprintf(path, sizeof path, "%s/.lock", self->directory);
  self->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (self->lock < 0) return fail(error, STILLFRAME_WRITER_RETRYABLE, "cannot open", path);
  return STILLFRAME_OK;
}

/* Waits for the writes under way, but not longer than the answer is wanted. */
static int32_t notes_freeze(void* me, const stillframe_call* call, stillframe_error* error) {
  notes* self = me;
  errno = 0;
  if (self->lock < 0) return fail(error, STILLFRAME_WRONG_STATE, "not prepared:", self->directory);
  while (flock(self->lock, LOCK_EX | LOCK_NB) != 0) {
    const struct timespec pause = {0, 1000000};
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail(error, STILLFRAME_WRITER_RETRYABLE, "cannot lock", self->directory);
    }
    if (call->cancelled(call->host) || boot_now_ns() >= call->deadline_ns) {
      errno = 0;
      return fail(error, STILLFRAME_TIMED_OUT, "writes did not end in time in", self->directory);
    }
    nanosleep(&pause, NULL);
  }
  return STILLFRAME_OK;
}

/* May come twice, and without a hold: giving back a lock that is not held is harmless. */
static int32_t notes_thaw(void* me, const stillframe_call* call, stillframe_hold* hold,
                          stillframe_error* error) {
  notes* self = me;
  (void)call;
  (void)error;
  if (self->lock >= 0) {
    close(self->lock); /* gives the lock back, too */
    self->lock = -1;
    hold->unbroken = 1;
  }
  return STILLFRAME_OK;
}

static void notes_abort(void* me, const stillframe_call* call) {
  stillframe_hold ignored;
  stillframe_error error;
  notes_thaw(me, call, &ignored, &error);
}

static void notes_destroy(void* me) {
  notes_abort(me, NULL);
  free(me);
}

static int32_t make_writer(const char* config_json, stillframe_writer* writer,
                           stillframe_error* error) {
  notes* self = calloc(1, sizeof *self);
  errno = 0;
  if (self == NULL) return fail(error, STILLFRAME_OUT_OF_RESOURCES, "no memory for", "a writer");
  self->lock = -1;
  if (read_config(config_json, self, error) != STILLFRAME_OK) {
    free(self);
    return error->code;
  }
  writer->size = sizeof *writer;
  writer->self = self;
  writer->destroy = notes_destroy;
  writer->identity = notes_identity;
  writer->identify = notes_identify;
  writer->prepare_snapshot = notes_prepare_snapshot;
  writer->freeze = notes_freeze;
  writer->thaw = notes_thaw;
  writer->abort = notes_abort;
  return STILLFRAME_OK;
}

__attribute__((visibility("default"))) const stillframe_plugin* stillframe_plugin_entry(
    uint32_t host_abi_major, uint32_t host_abi_minor) {
  static const stillframe_plugin plugin = {
      sizeof plugin, STILLFRAME_PLUGIN_ABI_MAJOR, STILLFRAME_PLUGIN_ABI_MINOR, "notes", make_writer,
      NULL};
  (void)host_abi_minor;
  return host_abi_major == STILLFRAME_PLUGIN_ABI_MAJOR ? &plugin : NULL;
}
