// Broken invariants stop the process. Never used on input, peers, disk or plug-ins: those get a
// Status.
#pragma once

namespace stillframe {

// Prints where and what on stderr, then aborts.
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line) noexcept;

}  // namespace stillframe

// Always on: for checks that cost next to nothing. `message` is a string literal that says what the
// reader of the core dump needs to know.
#define STILLFRAME_CHECK(condition, message) \
  ((condition) ? static_cast<void>(0)        \
               : ::stillframe::check_failed(#condition, message, __FILE__, __LINE__))

// Debug builds only: for checks that would be felt.
#ifdef NDEBUG
#define STILLFRAME_DCHECK(condition, message) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define STILLFRAME_DCHECK(condition, message) STILLFRAME_CHECK(condition, message)
#endif
