// One call on its way through a writer's thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "framework/sdk/writer_runner.hpp"

namespace stillframe {

class CallToken : public CancelToken {
 public:
  CallToken(const Clock& clock, BootTime deadline) : clock_(clock), deadline_(deadline) {}
  bool cancelled() const noexcept override { return asked_ || clock_.now() >= deadline_; }
  void ask() { asked_ = true; }
  bool asked() const { return asked_; }

 private:
  const Clock& clock_;
  const BootTime deadline_;
  std::atomic<bool> asked_{false};
};

class ProgressReporter : public ProgressSink {
 public:
  ProgressReporter(Verb verb, WriterRunner::ProgressHandler handler)
      : verb_(verb), handler_(std::move(handler)) {}
  void report(std::uint64_t done, std::uint64_t total, std::string_view what) override {
    if (handler_) handler_(verb_, done, total, std::string(what));
  }

 private:
  const Verb verb_;
  const WriterRunner::ProgressHandler handler_;
};

// A call on its way through the strand.
struct PendingCall {
  WriterCall call;
  WriterRunner::AnswerHandler done;
  BootTime received;
  std::shared_ptr<CallToken> token;
  std::optional<Error> dropped;  // answered with this instead of being run
};

inline WriterAnswer failed_answer(Error error) {
  WriterAnswer answer;
  answer.status = std::move(error);
  return answer;
}

}  // namespace stillframe
