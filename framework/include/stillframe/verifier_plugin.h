/* A verifier as a shared object: checks that need a writer's knowledge, of files that a requestor
 * copies (`stillframe backup --verifier FILE`). C11 and C++. The calls are those of
 * <stillframe/verifier.hpp>; they come in a process of the requestor's that has no rights. What
 * abi.h says of ownership and of throwing holds here too. A file may be a plug-in of plugin.h as
 * well. */
#ifndef STILLFRAME_VERIFIER_PLUGIN_H
#define STILLFRAME_VERIFIER_PLUGIN_H

#include <stillframe/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STILLFRAME_VERIFIER_ABI_MAJOR 1u

/* No member may be null. A later minor version is longer. */
typedef struct stillframe_verifier {
  uint32_t size;
  uint32_t abi_major;
  const char* name; /* lives as long as the object is loaded */

  /* Whether it knows files of this writer and component by this name: `writer_json` is the
   * writer's identity, `component` its full name ("Stores/EU/Mailbox"), `file` an absolute path. */
  int32_t (*wants)(const char* writer_json, const char* component, const char* file);
  /* The check of one file, ended by close(), however far it came. */
  int32_t (*open)(const char* file, uint64_t bytes, void** check, stillframe_error* error);
  /* Bytes in order and without gaps. STILLFRAME_CORRUPT names offset and cause. */
  int32_t (*feed)(void* check, const void* data, uint64_t bytes, stillframe_error* error);
  /* Once, after the last byte. */
  int32_t (*finish)(void* check, stillframe_error* error);
  void (*close)(void* check);
} stillframe_verifier;
STILLFRAME_ASSERT_SIZE(stillframe_verifier, 56);

/* The symbol that a verifier exports. Called once. Null when it cannot work with this host. */
const stillframe_verifier* stillframe_verifier_entry(uint32_t host_abi_major);
typedef const stillframe_verifier* (*stillframe_verifier_entry_function)(uint32_t host_abi_major);

#ifdef __cplusplus
}
#endif
#endif
