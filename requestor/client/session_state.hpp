// What BackupSession and RestoreSession have in common: an id, the channel and cancel().
// For the .cpp files of this folder only.
#pragma once

#include <atomic>

#include <sys/eventfd.h>
#include <unistd.h>

#include "requestor/client/channel_call.hpp"

namespace stillframe {

class SessionCalls {
 public:
  SessionCalls(std::shared_ptr<RequestorCalls> calls, SessionId session, std::string prefix)
      : calls_(std::move(calls)),
        session_(session),
        prefix_(std::move(prefix)),
        cancel_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  const SessionId& id() const noexcept { return session_; }

  // "backup" + ".prepare", say. After cancel() everything but the ends answers `cancelled`.
  Result<nlohmann::json> call(const char* verb, nlohmann::json params = nlohmann::json::object(),
                              std::vector<Descriptor>* descriptors = nullptr) {
    if (cancelled_.load()) return cancelled_error();
    return call_even_if_cancelled(verb, std::move(params), descriptors);
  }

  Result<nlohmann::json> call_even_if_cancelled(const char* verb, nlohmann::json params,
                                                std::vector<Descriptor>* descriptors = nullptr) {
    params["session"] = session_.to_string();
    return calls_->call(method(verb), params, descriptors);
  }

  std::string method(const char* verb) const { return prefix_ + "." + verb; }

  void subscribe(ProgressHandler handler) { calls_->subscribe(session_, std::move(handler)); }

  // Any thread.
  void cancel() {
    if (cancelled_.exchange(true)) return;
    const std::uint64_t one = 1;
    (void)!::write(cancel_event_.get(), &one, sizeof one);
    // A coordinator that is gone has cancelled the session by itself.
    (void)call_even_if_cancelled("cancel", nlohmann::json::object());
  }
  bool cancelled() const noexcept { return cancelled_.load(); }
  int cancel_fd() const noexcept { return cancel_event_.get(); }  // readable once cancelled

  Error cancelled_error() const {
    return {Errc::cancelled, prefix_ + " session " + session_.to_string() + " was cancelled"};
  }

  // For the ends of a session: each is said once.
  bool ended = false;

 private:
  const std::shared_ptr<RequestorCalls> calls_;  // outlives the Client that made the session
  const SessionId session_;
  const std::string prefix_;
  const Descriptor cancel_event_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace stillframe
