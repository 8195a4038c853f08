// Tests of your own writer or requestor without a machine to break: whole backup and restore
// sessions in virtual time, with the real session machine, simulated company, and faults where you
// want them.
//
//   stillframe::testkit::Simulation simulation(7);
//   simulation.add_writer(my_writer).add_company(2);
//   simulation.fault("requestor_vanishes", "freezing");
//   auto outcome = simulation.run_backup(BackupType::full);
//   EXPECT_EQ(outcome.violation, "");
//   EXPECT_FALSE(my_writer.is_frozen());
//
// Names of faults and of the places they fit are those that `stillframe-sim --coverage 1` prints.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/requestor.hpp>

namespace stillframe::testkit {

// What came of one component of one of your writers.
struct ComponentOutcome {
  ComponentName name;
  Consistency label = Consistency::failed;
  bool truncated = false;
  std::uint64_t streamed_bytes = 0;  // what its writer delivered itself
};

struct WriterOutcome {
  WriterState state = WriterState::unknown;  // in this session, at its end
  std::vector<std::string> verbs;            // as this session said them to it, in order
  std::vector<ComponentOutcome> components;  // those that were selected
};

struct Outcome {
  bool completed = false;  // the requestor's last wish was granted
  std::string phase;       // where the session stands: "ended" unless something is badly wrong
  std::string violation;   // which invariant broke in the run; empty when all held
  std::vector<WriterOutcome> writers;  // yours, in the order they were added
  std::string trace;                   // every step of the run, for people
};

struct RunOutcome {
  std::string violation;
  std::string trace;
  // Of the simulated requestors, in the order they were added; then of your own, one after the
  // other, what each has begun. `violation` and `trace` are the run's.
  std::vector<Outcome> sessions;
};

// What a simulated requestor does.
enum class SessionScript { backup, stream, backup_and_stream, hold, restore };
struct SessionWish {
  SessionScript script = SessionScript::backup;
  BackupType type = BackupType::full;
  Duration start{0};  // after the run's begin
};

// The coordinator as a requestor of your own meets it. Use it, and all that comes from it, on the
// thread it was given to, and not after the run.
class SimulatedCoordinator {
 public:
  virtual ~SimulatedCoordinator() = default;
  // A connection, for a Client. disconnected while the coordinator is down; the channel answers so
  // for good once it was lost, and the next connect() may find a coordinator that started again.
  virtual Result<std::unique_ptr<RequestorChannel>> connect() = 0;
  // What copying would take: returns when so much virtual time has passed.
  virtual void let_time_pass(Duration time) = 0;
  virtual BootTime now() const = 0;
};
using OwnRequestor = std::function<void(SimulatedCoordinator&)>;

// One run plays all its sessions at once, in virtual time. Your writers' verbs are called one at a
// time from the run; your requestors have a thread each, and only one of all these threads ever
// moves. The SDK's part is played as well: a hold limit and a lease that thaw by themselves, a thaw
// before the abort or shutdown of a writer that is still frozen, streams read to their end.
class Simulation {
 public:
  // Equal seeds and equal calls play equal stories.
  explicit Simulation(std::uint64_t seed);
  Simulation(Simulation&&) noexcept;
  Simulation& operator=(Simulation&&) noexcept;
  ~Simulation();

  // Must outlive the simulation. identity() and identify() are called at once, to know components.
  Simulation& add_writer(Writer& writer, ConsistencyPolicy policy = ConsistencyPolicy::require);
  // Simulated writers that tolerate every failure of their own.
  Simulation& add_company(int writers);
  // Where files lie, and where a requestor of yours finds their snapshot: any folder of your
  // making. A component lies where the longest mount point says that holds a file set of it.
  // Without a call there are two volumes without content. At most eight.
  Simulation& add_volume(const BytePath& mount_point, const BytePath& snapshot_root);

  // For the next run: a session of a simulated requestor, or a requestor of your own, who may begin
  // up to four sessions, one after the other or at once.
  Simulation& add_session(const SessionWish& wish);
  Simulation& add_requestor(OwnRequestor requestor);

  // Something goes wrong once in the next run: `what` at `where` - a verb, a provider's step, an
  // operation or a phase. `victim` picks the writer or provider; yours come first. `session` counts
  // the sessions that were added, then the requestors. invalid_argument names what is possible.
  Status fault(std::string_view what, std::string_view where, int victim = 0, int session = 0);

  // Plays everything from begin to end, then sessions, requestors and faults are forgotten. What is
  // frozen when it ends, or leaks, is a violation. At the end every call of a requestor of yours
  // that still waits answers `cancelled`; the run is over when its function has returned.
  RunOutcome run();

  // run() with one session of a simulated requestor more, and what came of that one.
  Outcome run_backup(BackupType type);
  Outcome run_stream(BackupType type);
  Outcome run_hold();
  Outcome run_restore();

 private:
  Outcome run_alone(SessionScript script, BackupType type);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillframe::testkit
