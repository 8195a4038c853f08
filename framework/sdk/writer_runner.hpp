// Runs one Writer: its verbs, its hold timer, its streams. Both the link inside one process and
// the connection to a coordinator elsewhere stand on it.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include <stillframe/writer.hpp>

#include "framework/model/writer_call.hpp"
#include "framework/sdk/alarm.hpp"
#include "framework/transport/io_thread.hpp"

namespace stillframe {

struct WriterRunnerOptions {
  // Upper bounds of this process; those of a call and of the writer's identity can only be lower.
  Duration hold_limit = std::chrono::seconds(60);
  Duration lease = std::chrono::seconds(5);
  // Off for transports that cannot carry descriptors: then `read` delivers the bytes.
  bool streams_through_pipes = true;
  // Whose thread the verbs of a backup run on, if the writer agrees (Writer::any_thread).
  std::shared_ptr<IoThread> loop;
  std::function<void(std::string_view)> log;

  // The world; tests put their own in its place.
  const Clock* clock = &system_clock();
  AlarmFactory alarm = make_system_alarm;
  std::function<Duration()> time_suspended = stillframe::time_suspended;
};

class WriterRunner {
 public:
  using AnswerHandler = std::function<void(WriterAnswer)>;
  using ProgressHandler =
      std::function<void(Verb, std::uint64_t done, std::uint64_t total, std::string what)>;

  // The writer must outlive the runner.
  static Result<std::unique_ptr<WriterRunner>> start(Writer& writer,
                                                     WriterRunnerOptions options = {});
  // Thaws, ends every session, joins. Calls that still wait are answered `cancelled`.
  virtual ~WriterRunner() = default;

  virtual const WriterIdentity& identity() const = 0;
  virtual WriterInstanceId instance() const = 0;

  // Any thread. Each call is answered once, in order, from the writer's thread; the handler must
  // not block. A hold's limit and lease count from here, wherever the call waits.
  virtual void call(WriterCall call, AnswerHandler done) = 0;
  // Calls of the session that run or wait are told to give up, except those that undo.
  virtual void cancel(const SessionId& session) = 0;
  virtual void heartbeat(const SessionId& session) = 0;
  // The coordinator is gone: thaws at once, ends every session, and answers what waits with
  // `disconnected`.
  virtual void coordinator_lost(std::string_view why) = 0;
  virtual void on_progress(ProgressHandler handler) = 0;
};

}  // namespace stillframe
