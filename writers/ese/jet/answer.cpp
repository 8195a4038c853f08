#include "writers/ese/jet/answer.hpp"

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese::jet {

namespace {

struct LastError {
  JET_ERR number = JET_errSuccess;
  std::string what;
};
thread_local LastError last_error;

// For errors that say nothing of JET: of files, and of limits.
struct Row {
  Errc code;
  JET_ERR number;
};
constexpr Row kRows[] = {
    {Errc::invalid_argument, JET_errInvalidParameter},
    {Errc::wrong_state, JET_errInstanceUnavailable},
    {Errc::already_exists, JET_errFileAlreadyExists},
    {Errc::not_found, JET_errFileNotFound},
    {Errc::not_supported, JET_errFeatureNotAvailable},
    {Errc::access_denied, JET_errFileAccessDenied},
    {Errc::corrupt, JET_errDatabaseCorrupted},
    {Errc::truncated, JET_errDiskIO},
    {Errc::no_space, JET_errDiskFull},
    {Errc::limit_reached, JET_errOutOfMemory},
    {Errc::in_use, JET_errTooManyActiveUsers},
    {Errc::out_of_resources, JET_errOutOfMemory},
    {Errc::io, JET_errDiskIO},
};

}  // namespace

Error jet_error(JET_ERR number, std::string what) {
  what += " (" + std::to_string(number) + ")";
  return {Errc::invalid_argument, std::move(what), number};
}

JET_ERR jet_number(const Error& error) noexcept {
  if (error.application_code() != 0) return error.application_code();
  for (const Row& row : kRows) {
    if (row.code == error.code()) return row.number;
  }
  return JET_errInternalError;
}

JET_ERR note_error(const Error& error) noexcept {
  const JET_ERR number = jet_number(error);
  try {
    last_error = {number, error.what()};
  } catch (const std::bad_alloc&) {
    last_error.number = JET_errSuccess;  // the number has to do
  }
  return number;
}

JET_ERR note_exception(const std::exception& cause) noexcept {
  try {
    return note_error(Error(Errc::internal, "an unexpected failure: " + std::string(cause.what())));
  } catch (const std::bad_alloc&) {
    return JET_errOutOfMemory;
  }
}

std::string describe(JET_ERR number) {
  if (number != JET_errSuccess && number == last_error.number) return last_error.what;
  if (number == JET_errSuccess) return "JET_errSuccess";
  const std::string_view name = name_of(EseErr{number});
  if (name == "Unknown") return (number < 0 ? "error " : "warning ") + std::to_string(number);
  return "JET_err" + std::string(name);
}

}  // namespace stillframe::ese::jet
