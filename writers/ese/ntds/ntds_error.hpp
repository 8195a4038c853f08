// What the calls answer. An Error of this interface carries its HRESULT as application_code().
#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include <stillframe/ntds/ntdsbcli.h>
#include <stillframe/result.hpp>

namespace stillframe::ese::ntds {

inline Error ds_error(HRESULT code, std::string what) {
  return {Errc::invalid_argument, std::move(what), code};
}
inline Error invalid_parameter(std::string what) {
  return ds_error(ERROR_INVALID_PARAMETER, std::move(what));
}

// Errors of the engine and of files get the code that callers know them by.
HRESULT hresult_of(const Error& error) noexcept;

// Runs what a C function does. Nothing is thrown out of one.
template <class Call>
HRESULT answer_hresult(Call&& call) noexcept {
  try {
    const Status done = std::forward<Call>(call)();
    return done.ok() ? hrNone : hresult_of(done.error());
  } catch (const std::bad_alloc&) {
    return ERROR_NOT_ENOUGH_MEMORY;
  } catch (const std::exception&) {
    return hrError;
  }
}

}  // namespace stillframe::ese::ntds
