// Errors as values. Every fallible call of the public API returns a Result or a Status; exceptions
// never cross it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace stillframe {

// Callers branch on the code; people read the message. The set is closed: a new code needs a caller
// that treats it differently from every code already here. The numbers cross the wire and the C ABI
// and never change.
enum class Errc : int {
  // The caller's program is wrong; repeating the call cannot help.
  invalid_argument = 1,
  wrong_state = 2,  // message names the current state and the calls it permits
  already_exists = 3,
  not_found = 4,
  not_supported = 5,
  access_denied = 6,

  // Stored or received bytes are wrong.
  corrupt = 10,         // they lie: a checksum, a signature or a rule is broken
  truncated = 11,       // they end too early: whoever wrote them died here
  future_version = 12,  // a newer major version than this program understands

  // The input must change before another try.
  no_space = 20,
  limit_reached = 21,
  inconsistent_snapshot = 22,  // the set lacks a volume that a component needs
  chain_broken = 23,           // the base of an incremental is unknown, degraded or someone else's
  volume_not_supported = 24,   // no provider takes the volume with these attributes

  // Somebody else must finish first.
  in_progress = 30,  // message names the holder
  in_use = 31,       // a volume or target is busy and force was not given
  interlocked = 32,  // a registered restore forbids this; message names the way out

  // Worth another try later.
  timed_out = 40,
  out_of_resources = 41,
  writer_retryable = 42,
  provider_veto = 43,
  provider_failed = 44,
  disconnected = 45,
  io = 46,

  // This writer's data cannot be had in this set.
  writer_fatal = 50,
  writer_gone = 51,
  partial_failure = 52,  // some components failed; each says why
  recovery_failed = 53,
  hold_broken = 54,  // the hold did not cover a cut

  cancelled = 60,
  internal = 61,  // an invariant of ours broke; the message is for a bug report
};

enum class RetryClass {
  retry_later,        // transient: the whole session again, after `delay`, at most `tries` times
  retry_when_free,    // wait for the named holder, then again
  change_then_retry,  // the input must change first (add a volume, free space, take a full backup)
  fatal_for_writer,   // skip this writer or abort, by policy
  programming_error,  // the same call will fail again
};

struct RetryAdvice {
  RetryClass kind = RetryClass::programming_error;
  std::chrono::seconds delay{0};
  int tries = 0;
};

// What a caller that knows nothing else should do after `code`.
RetryAdvice retry_advice(Errc code) noexcept;

// The code's stable name as logs, documents and the wire spell it, such as "hold_broken".
std::string_view to_string(Errc code) noexcept;
std::string_view to_string(RetryClass kind) noexcept;

// The code that bears `number`, or Errc::internal when a newer peer sent one this program lacks.
Errc errc_from_number(int number) noexcept;

class Error {
 public:
  Error(Errc code, std::string what, std::int32_t application_code = 0)
      : code_(code), what_(std::move(what)), application_code_(application_code) {}
  Errc code() const noexcept { return code_; }
  const std::string& what() const noexcept { return what_; }
  // The number by which the application itself knows the failure; 0 if it has none. Nobody but the
  // application's own tools branches on it.
  std::int32_t application_code() const noexcept { return application_code_; }
  RetryAdvice retry_advice() const noexcept { return stillframe::retry_advice(code_); }

  // Says what we were doing when it failed; the cause stays at the end of the line.
  Error while_doing(std::string_view task) const {
    return {code_, std::string(task) + ": " + what_, application_code_};
  }

  friend bool operator==(const Error&, const Error&) = default;

 private:
  Errc code_;
  std::string what_;
  std::int32_t application_code_;
};

// A value, or the reason there is none. Stands in for std::expected, which g++ 12 lacks.
template <class T>
class [[nodiscard]] Result {
 public:
  Result() : state_(Error(Errc::wrong_state, "no result yet")) {}  // co_spawn() needs a default
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const noexcept { return std::holds_alternative<T>(state_); }
  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Ok {
  friend bool operator==(const Ok&, const Ok&) = default;
};
using Status = Result<Ok>;

}  // namespace stillframe
