// What the opaque handles of <stillframe/requestor.h> are.
#pragma once

#include <memory>

#include <stillframe/requestor.h>
#include <stillframe/requestor.hpp>

#include "requestor/capi/glue.hpp"

struct stillframe_client {
  explicit stillframe_client(std::shared_ptr<stillframe::RequestorChannel> to)
      : channel(std::move(to)), client(channel) {}
  std::shared_ptr<stillframe::RequestorChannel> channel;
  stillframe::Client client;
};

struct stillframe_backup {
  stillframe::BackupSession session;
};

struct stillframe_restore {
  stillframe::RestoreSession session;
};

namespace stillframe::capi {

inline const char* name_of(const stillframe_client*) noexcept {
  return "client";
}
inline const char* name_of(const stillframe_backup*) noexcept {
  return "backup";
}
inline const char* name_of(const stillframe_restore*) noexcept {
  return "restore";
}

// A call on a handle. The null of a handle that was never made, because its maker failed, is the
// caller's mistake and no crash.
template <class Handle, class Call>
std::int32_t guarded(const Handle* handle, stillframe_error* error, Call call) noexcept {
  return guarded(error, [&]() -> Status {
    if (handle != nullptr) return call();
    return Error(Errc::invalid_argument,
                 std::string("the ") + name_of(handle) +
                     " is null: the call that makes it failed, or was not made");
  });
}

}  // namespace stillframe::capi
