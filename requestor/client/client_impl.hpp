// The sessions behind the public classes. For the .cpp files of this folder only.
#pragma once

#include "requestor/client/session_state.hpp"

namespace stillframe {

class BackupSession::Impl {
 public:
  Impl(std::shared_ptr<RequestorCalls> core, const SessionId& session)
      : calls(std::move(core), session, "backup") {}
  ~Impl();

  Result<HoldResult> hold_around(const BackupOptions& options,
                                 const std::function<int(Deadline)>& while_held);

  // The pipe of an open stream, and how much of it is still to come.
  struct Stream {
    Descriptor pipe;
    std::uint64_t left = 0;
  };
  using StreamKey = std::pair<WriterInstanceId, std::uint64_t>;

  SessionCalls calls;
  std::map<StreamKey, Stream> streams;
  bool finished = false;  // completed or aborted: the destructor has nothing to abort
};

class RestoreSession::Impl {
 public:
  Impl(std::shared_ptr<RequestorCalls> core, const SessionId& session)
      : calls(std::move(core), session, "restore") {}
  ~Impl();

  SessionCalls calls;
};

}  // namespace stillframe
