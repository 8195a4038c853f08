// What a resident session child is told and what it may answer: one line each way.
//
//   HELLO 1              -> OK
//   PREPARE SET          -> OK, or a refusal     flush, checkpoint, take slow locks
//   FREEZE               -> OK, or a refusal     from here nothing changes
//   THAW                 -> HELD [stall_ms=N]    it held since FREEZE, unbroken, until now
//                           BROKEN reason        it did not
//   ABORT                -> OK                   whatever was taken is released
//   END                  -> the child exits with 0
//
// A refusal is VETO, RETRY, TIMEOUT, RESOURCES or INCONSISTENT, each followed by a reason for
// people.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

namespace stillframe::script {

inline constexpr std::size_t kSessionLineBytesMax = 4096;

struct SessionAnswer {
  enum class Kind { ok, held, broken, refused };
  Kind kind = Kind::ok;
  Errc code = Errc::writer_fatal;  // of a refusal
  std::string reason;              // printable, on one line
  std::optional<Duration> stall;   // of HELD
};

// corrupt for a line that is no answer.
Result<SessionAnswer> parse_session_answer(std::string_view line);

// What the exit code of a command means. ok for 0; else an error that says what happened and quotes
// `complaints`. docs/declarative_writers.md has the table.
Status status_of_exit(int code, int signal, const std::string& command,
                      const std::string& complaints);

}  // namespace stillframe::script
