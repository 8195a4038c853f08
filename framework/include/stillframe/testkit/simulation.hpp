// Tests of your own writer without a machine to break: whole backup and restore sessions in virtual
// time, with the real session machine, simulated company, and faults where you want them.
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
};

struct WriterOutcome {
  WriterState state = WriterState::unknown;  // in this session, at its end
  std::vector<std::string> verbs;            // as they were said to it, in order
  std::vector<ComponentOutcome> components;
};

struct Outcome {
  bool completed = false;  // the requestor's last wish was granted
  std::string phase;       // where the session stands: "ended" unless something is badly wrong
  std::string violation;   // which invariant broke; empty when all held
  std::vector<WriterOutcome> writers;  // yours, in the order they were added
  std::string trace;                   // every step, for people
};

// Single-threaded: your writer's verbs are called from run_backup() and run_restore(), one at a
// time, in virtual time. The SDK's part is played as well: a hold limit and a lease that thaw by
// themselves, and a thaw before the abort or shutdown of a writer that is still frozen.
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

  // Something goes wrong once in the next run: `what` at `where` - a verb, a provider's step, an
  // operation or a phase. `victim` picks the writer or provider; yours come first.
  // invalid_argument names what is possible.
  Status fault(std::string_view what, std::string_view where, int victim = 0);

  // One session from begin to end, then faults are forgotten. What is frozen when it ends, or
  // leaks, is a violation.
  Outcome run_backup(BackupType type);
  Outcome run_hold();
  Outcome run_restore();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillframe::testkit
