/* A requestor in C as it was written for the first version of <stillframe/requestor.h>: snapshots
 * of everything that writers have, and what was proven about them on standard output. It is never
 * changed: it stands for programs that nobody compiles again.
 *
 * usage: abi_v1_requestor SOCKET
 */
#include <stdio.h>

#include <stillframe/requestor.h>

static int fail(const char* doing, const stillframe_error* error) {
  fprintf(stderr, "%s: %s (%d)\n", doing, error->message, (int)error->code);
  return 1;
}

int main(int count, char** words) {
  stillframe_client* client = NULL;
  stillframe_backup* backup = NULL;
  stillframe_error error;
  char* text = NULL;
  if (count != 2) return 2;
  if (stillframe_connect(words[1], "abi-v1", 20000, &client, &error) != STILLFRAME_OK) {
    return fail("connect", &error);
  }
  if (stillframe_begin_backup(client, "{\"type\":\"copy\"}", &backup, &error) != STILLFRAME_OK) {
    return fail("begin", &error);
  }
  stillframe_client_free(client); /* the session keeps what it needs */
  if (stillframe_backup_gather(backup, &text, &error) != STILLFRAME_OK) {
    return fail("gather", &error);
  }
  stillframe_text_free(text);
  if (stillframe_backup_select(backup, "[{\"component\":\"*\"}]", &error) != STILLFRAME_OK) {
    return fail("select", &error);
  }
  if (stillframe_backup_prepare(backup, NULL, &error) != STILLFRAME_OK) {
    return fail("prepare", &error);
  }
  if (stillframe_backup_create_snapshots(backup, "{\"attributes\":{}}", NULL, &error) !=
      STILLFRAME_OK) {
    return fail("create snapshots", &error);
  }
  if (stillframe_backup_evidence(backup, &text, &error) != STILLFRAME_OK) {
    return fail("evidence", &error);
  }
  printf("%s\n", text);
  stillframe_text_free(text);
  if (stillframe_backup_abort(backup, "only looking", &error) != STILLFRAME_OK) {
    return fail("abort", &error);
  }
  stillframe_backup_free(backup);
  return 0;
}
