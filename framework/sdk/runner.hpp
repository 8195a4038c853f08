// What stands behind WriterRunner: calls one after the other on the writer's thread, and beside
// them the hold, which ends by itself whatever that thread is doing.
#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <mutex>

#include "framework/sdk/call_in_progress.hpp"
#include "framework/sdk/hold.hpp"
#include "framework/sdk/strand.hpp"
#include "framework/sdk/writer_streams.hpp"

namespace stillframe {

class Runner : public WriterRunner {
 public:
  Runner(Writer& writer, WriterRunnerOptions options);
  Status start();
  ~Runner() override;
  const WriterIdentity& identity() const override;
  WriterInstanceId instance() const override;
  void call(WriterCall call, AnswerHandler done) override;
  void cancel(const SessionId& session) override;
  void heartbeat(const SessionId& session) override;
  void coordinator_lost(std::string_view why) override;
  void on_progress(ProgressHandler handler) override;

 private:
  struct Session {
    bool restore = false;
    bool completed = false;  // backup_complete was answered: no abort any more
    SetId set;
  };

  // ---- calls and sessions: writer_runner.cpp
  void run(const std::shared_ptr<PendingCall>& pending);
  WriterAnswer perform(PendingCall& pending);
  WriterAnswer say(const PendingCall& pending);
  WriterAnswer say(const WriterCall& call, const CallToken& token);
  WriterAnswer say_for(const SessionId& session, Verb verb, WriterArgs args = NoArgs{});
  WriterAnswer identify(const PendingCall& pending);
  WriterAnswer read_stream(const WriterCall& call, const WriterStreams::Say& say);
  WriterAnswer close_stream(const WriterCall& call, const WriterStreams::Say& say);
  WriterAnswer complete(const PendingCall& pending);
  void open_session(const WriterCall& call);
  WriterAnswer end(const PendingCall& pending);
  void end_all_sessions();
  bool check(Verb verb) const;
  void lose_coordinator(const Error& why, SelfThaw cause);

  // ---- the hold: runner_hold.cpp
  WriterAnswer freeze(const PendingCall& pending);
  WriterAnswer thaw(const PendingCall& pending);
  void ring();
  void self_thaw(SelfThaw cause);
  void thaw_now(SelfThaw cause);
  void wait_for_self_thaw(std::unique_lock<std::mutex>& lock);
  void thaw_if_held(const SessionId& session);

  void log(const std::string& line) const;

  Writer& writer_;
  const WriterRunnerOptions options_;
  const Clock& clock_;
  WriterIdentity identity_;
  const WriterInstanceId instance_ = WriterInstanceId::generate();

  std::mutex mutex_;  // guards what follows; never held while the writer or a handler is called
  std::condition_variable thawed_;
  std::list<std::shared_ptr<PendingCall>> pending_;  // run or wait, in order
  std::map<SessionId, Session> sessions_;
  std::optional<Hold> hold_;
  std::uint64_t holds_begun_ = 0;
  ProgressHandler on_progress_;

  Strand strand_;
  std::unique_ptr<Alarm> alarm_;
  WriterStreams streams_;  // the strand's own
};

}  // namespace stillframe
