// One session in real time: hands every event to the session machine, one at a time on a strand,
// and carries out what it asks for. What is particular to backups and restores is in the classes
// below.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "framework/coordinator/machine/machine.hpp"
#include "framework/coordinator/session/services.hpp"
#include "framework/coordinator/session/session_events.hpp"
#include "framework/coordinator/session/session_timers.hpp"
#include "framework/coordinator/session/timeline.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::coordinator {

// Who opened a session and where its events go.
struct SessionOwner {
  ConnectionId connection{};
  std::string requestor;
  std::int64_t uid = -1;
  RequestorHandler::EventPush push;
  std::function<bool()> redirects_restores;  // RequestorPeer's
  bool only_looks = false;                   // nothing is told of a session that lists writers
};

// One gathered writer. Indices are those of the machine.
struct SessionWriter {
  std::shared_ptr<WriterLink> link;  // shared with the registry; null for one that never was there
  std::optional<WriterMetadata> metadata;
  std::vector<std::string> warnings;  // what the requestor must answer for
  std::optional<Error> error;
  std::optional<HoldStatement> hold;
  WriterRegistry::Subscription subscription;
};

inline machine::Event make_event(machine::EventKind kind,
                                 machine::WriterIndex writer = machine::kNone) {
  machine::Event event;
  event.kind = kind;
  event.writer = writer;
  return event;
}

class SessionDriver : public std::enable_shared_from_this<SessionDriver> {
 public:
  using Done = std::function<void(const Status&)>;

  virtual ~SessionDriver();

  const SessionId& id() const noexcept { return id_; }
  const SessionOwner& owner() const noexcept { return owner_; }
  const Strand& strand() const noexcept { return strand_; }
  BootTime since() const noexcept { return since_; }

  // ---- any thread
  SessionInfo info() const;
  void requestor_gone();
  bool ended() const noexcept { return ended_; }
  bool over() const noexcept { return over_; }  // ended, and nothing is under way any more
  // Told once, on the strand, when over() becomes true.
  void on_over(std::function<void()> handler) { on_over_ = std::move(handler); }

  // ---- on the strand
  void abort(const std::string& reason, Done done);
  std::vector<WriterStatus> writer_statuses() const;

 protected:
  SessionDriver(const Services& services, SessionOwner owner, std::string kind);
  Status start(machine::State state);

  // The machine's events and the driver's book-keeping around them.
  void feed(const machine::Event& event);
  machine::RequestId expect(machine::EventKind kind, Done done);
  void set_done(machine::RequestId request, machine::WriterIndex writer, Done done);
  // Builds an event for a request that `done` is told about.
  void request(machine::Event event, Done done);

  // What the writer answered to the request that is about to be replied to.
  WriterAnswer* answer_of(machine::RequestId request);
  void gather_writers(std::vector<std::shared_ptr<WriterLink>> links, Done done);

  // ---- what backups and restores do differently
  virtual WriterArgs arguments(const machine::Action& call) = 0;
  // Takes over what a writer answered; an error makes the answer a failed one.
  virtual Status absorb(Verb verb, machine::WriterIndex writer, machine::ComponentIndex component,
                        WriterAnswer& answer) = 0;
  virtual void call_provider(const machine::Action& action) = 0;
  virtual void flush(const machine::Action& action) = 0;
  virtual void take_turns(const machine::Action& action) = 0;
  virtual std::function<Status(Journal&)> journal_entry(const machine::Action& action) = 0;
  virtual std::string group_name(machine::GroupIndex group) const = 0;
  virtual std::string outcome() const = 0;
  virtual EventFields facts() const { return {}; }  // that its events bear
  virtual void tell_result() {}  // it is ready: what was made, and how good it is

  // Posts `work` to the strand, where it runs only while the session lives.
  template <class Work>
  std::function<void()> guarded(Work work) {
    return [weak = weak_from_this(), strand = strand_, work = std::move(work)]() mutable {
      strand.post([weak, work = std::move(work)]() mutable {
        if (auto self = weak.lock()) work();
      });
    };
  }

  // Takes over the document that identify was answered with.
  Status take_metadata(machine::WriterIndex writer, WriterAnswer& answer);
  // Tells the machine when the writer goes, and the requestor how far its verbs are.
  void watch_writer(machine::WriterIndex writer);
  void push_event(const std::string& json) const;
  void push_waiting(const std::string& holder);
  Error describe(Errc code, machine::RequestId request) const;
  std::string writer_name(machine::WriterIndex writer) const;
  void note_operation_error(const Status& status);
  void tell_writer_failed(machine::WriterIndex writer, Verb verb, const Error& error);

  const Services& services_;
  const SessionId id_ = SessionId::generate();
  const SessionOwner owner_;
  const std::string kind_;
  const Strand strand_;
  machine::State state_;
  std::vector<SessionWriter> writers_;
  Timeline timeline_;
  std::string abort_reason_;
  std::map<machine::GroupIndex, Error> group_errors_;
  std::unique_ptr<SessionTimers> timers_;
  SessionEvents events_;

 private:
  struct Request {
    machine::EventKind kind = machine::EventKind::gather;
    machine::WriterIndex writer = machine::kNone;
    Done done;
    std::optional<WriterAnswer> answer;
  };

  void perform(const machine::Action& action);
  void call_writer(const machine::Action& action);
  void writer_answered(const machine::Action& call, WriterAnswer answer);
  void write_journal(const machine::Action& action);
  EventRecord unwritten_event(machine::Record record) const;
  void journal_written(machine::CallSeq seq, const Status& status);
  void reply(const machine::Action& action);
  void after_step(machine::Phase before);
  bool notice_suspend();
  void tell_begun();
  void tell_step();
  void tell_failed();
  void tell_ended();
  HoldFacts hold_facts() const;

  machine::RequestId last_request_ = 0;
  std::map<machine::RequestId, Request> requests_;
  machine::Phase told_phase_ = machine::Phase::created;
  bool failure_told_ = false;
  std::optional<Error> operation_error_;  // of the last flush, turn or journal write that failed
  std::optional<SuspendWatch> suspend_watch_;  // while writers are held
  std::function<void()> on_over_;
  std::atomic<bool> ended_{false}, over_{false};
  const BootTime since_;
  mutable std::mutex info_mutex_;
  std::string phase_name_;
};

}  // namespace stillframe::coordinator
