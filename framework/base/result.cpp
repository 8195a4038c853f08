#include <stillframe/result.hpp>

namespace stillframe {
namespace {

// One row a code: its name and what a caller should do. The order is that of the header.
struct CodeRow {
  Errc code;
  std::string_view name;
  RetryAdvice advice;
};

// What backup products do by habit: ten minutes, three times, the whole session from a new object.
constexpr RetryAdvice kLater{RetryClass::retry_later, std::chrono::minutes(10), 3};
// A lost connection comes back within one restart of a service.
constexpr RetryAdvice kSoon{RetryClass::retry_later, std::chrono::seconds(10), 3};
constexpr RetryAdvice kWhenFree{RetryClass::retry_when_free, {}, 1};
constexpr RetryAdvice kChange{RetryClass::change_then_retry, {}, 1};
constexpr RetryAdvice kFatal{RetryClass::fatal_for_writer, {}, 0};
constexpr RetryAdvice kNever{RetryClass::programming_error, {}, 0};

constexpr CodeRow kCodes[] = {
    {Errc::invalid_argument, "invalid_argument", kNever},
    {Errc::wrong_state, "wrong_state", kNever},
    {Errc::already_exists, "already_exists", kNever},
    {Errc::not_found, "not_found", kNever},
    {Errc::not_supported, "not_supported", kNever},
    {Errc::access_denied, "access_denied", kNever},
    // Another copy of the bytes, or a newer program, may do; these bytes and this program will not.
    {Errc::corrupt, "corrupt", kChange},
    {Errc::truncated, "truncated", kChange},
    {Errc::future_version, "future_version", kChange},
    {Errc::no_space, "no_space", kChange},
    {Errc::limit_reached, "limit_reached", kChange},
    {Errc::inconsistent_snapshot, "inconsistent_snapshot", kChange},
    {Errc::chain_broken, "chain_broken", kChange},
    {Errc::volume_not_supported, "volume_not_supported", kChange},
    {Errc::in_progress, "in_progress", kWhenFree},
    {Errc::in_use, "in_use", kWhenFree},
    {Errc::interlocked, "interlocked", kWhenFree},
    {Errc::timed_out, "timed_out", kLater},
    {Errc::out_of_resources, "out_of_resources", kLater},
    {Errc::writer_retryable, "writer_retryable", kLater},
    {Errc::provider_veto, "provider_veto", kLater},
    {Errc::provider_failed, "provider_failed", kLater},
    {Errc::disconnected, "disconnected", kSoon},
    {Errc::io, "io", kLater},
    {Errc::writer_fatal, "writer_fatal", kFatal},
    {Errc::writer_gone, "writer_gone", kFatal},
    {Errc::partial_failure, "partial_failure", kFatal},
    {Errc::recovery_failed, "recovery_failed", kFatal},
    // The hold ran out or broke: the same as a freeze that took too long.
    {Errc::hold_broken, "hold_broken", kLater},
    // Somebody wanted it to end: a program that tries again by itself would ignore them.
    {Errc::cancelled, "cancelled", kNever},
    {Errc::internal, "internal", kNever},
};

const CodeRow& row_of(Errc code) noexcept {
  const CodeRow* found = nullptr;
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
    if (row.code == Errc::internal) found = &row;
  }
  return *found;
}

}  // namespace

RetryAdvice retry_advice(Errc code) noexcept {
  return row_of(code).advice;
}

std::string_view to_string(Errc code) noexcept {
  return row_of(code).name;
}

std::string_view to_string(RetryClass kind) noexcept {
  switch (kind) {
    case RetryClass::retry_later:
      return "retry_later";
    case RetryClass::retry_when_free:
      return "retry_when_free";
    case RetryClass::change_then_retry:
      return "change_then_retry";
    case RetryClass::fatal_for_writer:
      return "fatal_for_writer";
    case RetryClass::programming_error:
      return "programming_error";
  }
  return "programming_error";
}

Errc errc_from_number(int number) noexcept {
  for (const CodeRow& row : kCodes) {
    if (static_cast<int>(row.code) == number) return row.code;
  }
  return Errc::internal;
}

}  // namespace stillframe
