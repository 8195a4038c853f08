/* A requestor in C: the whole of one backup, stopping at the first failure. */
#include <stdio.h>
#include <string.h>

#include <stillframe/requestor.h>

int32_t backup_from_c(const char* socket, const char* receipt_json, char* trace,
                      uint64_t trace_bytes, stillframe_error* error);

int32_t backup_from_c(const char* socket, const char* receipt_json, char* trace,
                      uint64_t trace_bytes, stillframe_error* error) {
  stillframe_client* client = NULL;
  stillframe_backup* backup = NULL;
  char* text = NULL;
  int32_t code = stillframe_connect(socket, "c-test", 5000, &client, error);
  if (code == STILLFRAME_OK) {
    code = stillframe_begin_backup(client, "{\"type\":\"copy\"}", &backup, error);
  }
  stillframe_client_free(client); /* the session keeps what it needs */
  if (code == STILLFRAME_OK) code = stillframe_backup_gather(backup, &text, error);
  if (code == STILLFRAME_OK) {
    snprintf(trace, trace_bytes, "%s", text);
    stillframe_text_free(text);
    code = stillframe_backup_select(backup, "[{\"component\":\"*\"}]", error);
  }
  if (code == STILLFRAME_OK) code = stillframe_backup_prepare(backup, NULL, error);
  if (code == STILLFRAME_OK) {
    code = stillframe_backup_create_snapshots(backup, "{\"attributes\":{}}", NULL, error);
  }
  if (code == STILLFRAME_OK) {
    code = stillframe_backup_complete(backup, receipt_json, "[]", NULL, error);
  }
  if (code == STILLFRAME_OK) code = stillframe_backup_end(backup, NULL, error);
  stillframe_backup_free(backup);
  return code;
}
