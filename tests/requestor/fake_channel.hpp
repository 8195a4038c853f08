// A coordinator that says what the test wrote down: for the client alone, without the machine
// behind it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <stillframe/requestor.hpp>

namespace stillframe::tests {

class FakeChannel final : public RequestorChannel {
 public:
  using Answer = std::function<Result<ChannelReply>(std::string_view params_json)>;

  struct Call {
    std::string method;
    std::string params;
  };

  void answer(const std::string& method, std::string result_json) {
    answer(method, [result_json](std::string_view) {
      return Result<ChannelReply>(ChannelReply{result_json, {}});
    });
  }
  void fail(const std::string& method, Error error) {
    answer(method, [error](std::string_view) { return Result<ChannelReply>(error); });
  }
  void answer(const std::string& method, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[method] = std::move(answer);
  }

  // Methods without an answer of their own succeed with {}.
  Result<ChannelReply> call(std::string_view method, std::string_view params_json) override {
    Answer chosen;
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back({std::string(method), std::string(params_json)});
      const auto found = answers_.find(std::string(method));
      if (found != answers_.end()) chosen = found->second;
    }
    called_.notify_all();
    return chosen ? chosen(params_json) : Result<ChannelReply>(ChannelReply{"{}", {}});
  }

  void on_event(EventHandler handler) override {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void close() override {}

  void push(std::string_view event_json) {
    EventHandler handler;
    {
      const std::lock_guard lock(mutex_);
      handler = handler_;
    }
    if (handler) handler(event_json);
  }

  std::vector<std::string> methods() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const Call& call : calls_) names.push_back(call.method);
    return names;
  }
  std::string params_of(const std::string& method) const {
    const std::lock_guard lock(mutex_);
    for (auto it = calls_.rbegin(); it != calls_.rend(); ++it) {
      if (it->method == method) return it->params;
    }
    return "";
  }
  // Blocks until `method` was called.
  void wait_for(const std::string& method) {
    std::unique_lock lock(mutex_);
    called_.wait(lock, [&] {
      for (const Call& call : calls_) {
        if (call.method == method) return true;
      }
      return false;
    });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable called_;
  std::map<std::string, Answer> answers_;
  std::vector<Call> calls_;
  EventHandler handler_;
};

}  // namespace stillframe::tests
