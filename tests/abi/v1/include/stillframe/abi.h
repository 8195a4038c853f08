/* What the C interfaces share: error codes, errors, text that is handed over. C11 and C++.
 *
 * Rules of ownership, everywhere in plugin.h and requestor.h: what a caller passes in is borrowed
 * until the call returns; what a callee hands out goes through a stillframe_sink or into a struct
 * of the caller's; nobody frees what another allocated, except where a function named ..._free says
 * so. No call throws or unwinds. Text is UTF-8 and ends with a zero byte, and holds no other. Paths
 * are in the escape of <stillframe/byte_path.hpp> wherever they are inside JSON, and bytes
 * elsewhere.
 */
#ifndef STILLFRAME_ABI_H
#define STILLFRAME_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define STILLFRAME_ASSERT_SIZE(type, bytes) \
  static_assert(sizeof(type) == (bytes), "ABI: size of " #type)
#else
#define STILLFRAME_ASSERT_SIZE(type, bytes) \
  _Static_assert(sizeof(type) == (bytes), "ABI: size of " #type)
#endif

/* The structs with function pointers have this size on 64-bit machines, which are the only ones
 * supported. */
#define STILLFRAME_ASSERT_TABLE(type, members) STILLFRAME_ASSERT_SIZE(type, 16 + 8 * (members))

/* Every fallible call answers one of these; 0 is success. The numbers are those of Errc in
 * <stillframe/result.hpp>, which says what each asks of the caller, and never change. */
enum {
  STILLFRAME_OK = 0,
  STILLFRAME_INVALID_ARGUMENT = 1,
  STILLFRAME_WRONG_STATE = 2,
  STILLFRAME_ALREADY_EXISTS = 3,
  STILLFRAME_NOT_FOUND = 4,
  STILLFRAME_NOT_SUPPORTED = 5,
  STILLFRAME_ACCESS_DENIED = 6,
  STILLFRAME_CORRUPT = 10,
  STILLFRAME_TRUNCATED = 11,
  STILLFRAME_FUTURE_VERSION = 12,
  STILLFRAME_NO_SPACE = 20,
  STILLFRAME_LIMIT_REACHED = 21,
  STILLFRAME_INCONSISTENT_SNAPSHOT = 22,
  STILLFRAME_CHAIN_BROKEN = 23,
  STILLFRAME_VOLUME_NOT_SUPPORTED = 24,
  STILLFRAME_IN_PROGRESS = 30,
  STILLFRAME_IN_USE = 31,
  STILLFRAME_INTERLOCKED = 32,
  STILLFRAME_TIMED_OUT = 40,
  STILLFRAME_OUT_OF_RESOURCES = 41,
  STILLFRAME_WRITER_RETRYABLE = 42,
  STILLFRAME_PROVIDER_VETO = 43,
  STILLFRAME_PROVIDER_FAILED = 44,
  STILLFRAME_DISCONNECTED = 45,
  STILLFRAME_IO = 46,
  STILLFRAME_WRITER_FATAL = 50,
  STILLFRAME_WRITER_GONE = 51,
  STILLFRAME_PARTIAL_FAILURE = 52,
  STILLFRAME_RECOVERY_FAILED = 53,
  STILLFRAME_HOLD_BROKEN = 54,
  STILLFRAME_CANCELLED = 60,
  STILLFRAME_INTERNAL = 61
};

/* Why a call failed; the caller's memory, filled in by the callee only when it fails. */
typedef struct stillframe_error {
  int32_t code;
  int32_t application_code; /* the writer's own number; 0: none */
  char message[1016];       /* names object, operation, cause and next step; cut off if longer */
} stillframe_error;
STILLFRAME_ASSERT_SIZE(stillframe_error, 1024);

/* Where a callee puts text. It may call put() several times; the pieces add up. `data` is borrowed
 * for the call. */
typedef struct stillframe_sink {
  void* to;
  void (*put)(void* to, const char* data, uint64_t bytes);
} stillframe_sink;
STILLFRAME_ASSERT_SIZE(stillframe_sink, 16);

/* An id: the 16 bytes of a UUID in the order of its text. All zero: none. */
typedef struct stillframe_id {
  uint8_t bytes[16];
} stillframe_id;
STILLFRAME_ASSERT_SIZE(stillframe_id, 16);

#ifdef __cplusplus
}
#endif
#endif
