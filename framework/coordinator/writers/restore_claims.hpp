// Which writers are being restored. One that does not promise parallel restores gets one at a time.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

namespace stillframe::coordinator {

// Thread-safe.
class RestoreClaims {
 public:
  // Ok when the session has the writer for itself, also when it had it already. in_progress names
  // the requestor that has it.
  Status claim(const WriterInstanceId& writer, const SessionId& session,
               const std::string& requestor);
  void release(const SessionId& session);

 private:
  struct Holder {
    SessionId session;
    std::string requestor;
  };
  std::mutex mutex_;
  std::map<WriterInstanceId, Holder> holders_;
};

}  // namespace stillframe::coordinator
