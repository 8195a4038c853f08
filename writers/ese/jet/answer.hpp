// What calls answer: a number of JET's, and for those who ask the sentence behind it.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

namespace stillframe::ese::jet {

// 0 or a warning; otherwise an error whose number jet_number() tells.
using Answer = Result<JET_ERR>;

// An error that callers know by `number`.
Error jet_error(JET_ERR number, std::string what);

// The engine's errors carry their number; for others it is the one that comes closest.
JET_ERR jet_number(const Error& error) noexcept;

// The last error of this thread in words, if its number was `number`; otherwise what is generally
// known of the number.
std::string describe(JET_ERR number);
// Notes the error for describe(), and is its number.
JET_ERR note_error(const Error& error) noexcept;
// The same for what nobody expected to be thrown.
JET_ERR note_exception(const std::exception& cause) noexcept;

inline JET_ERR finish(const Answer& answer) noexcept {
  return answer.ok() ? answer.value() : note_error(answer.error());
}
inline JET_ERR finish(const Status& status) noexcept {
  return status.ok() ? JET_errSuccess : note_error(status.error());
}

// Runs what a C function does. Nothing is thrown out of one.
template <class Call>
JET_ERR answer(Call&& call) noexcept {
  try {
    return finish(std::forward<Call>(call)());
  } catch (const std::bad_alloc&) {
    return JET_errOutOfMemory;
  } catch (const std::exception& cause) {
    return note_exception(cause);
  }
}

inline Answer success() {
  return Answer(JET_ERR{JET_errSuccess});
}
inline Answer answer_of(const Status& status) {
  return status.ok() ? success() : Answer(status.error());
}

}  // namespace stillframe::ese::jet
