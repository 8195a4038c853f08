// A session is aborted late, while the next one holds the writer: the order that a writer meets
// which keeps no account of whose hold it is in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stillframe/testkit/simulation.hpp>

namespace stillframe::testkit {
namespace {

using testing::HasSubstr;

// Which verb of another session ends the hold, by mistake.
enum class Mistake { none, abort, shutdown };

class Register final : public Writer {
 public:
  explicit Register(Mistake mistake) : mistake_(mistake) {}
  WriterIdentity identity() const override {
    WriterIdentity identity;
    identity.name = identity.instance_name = "register";
    return identity;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    metadata.components.emplace_back().name.name = "Sales";
    return metadata;
  }
  Status freeze(const CallContext& call) override {
    held_for_ = call.session;
    frozen_ = true;
    return Ok{};
  }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = frozen_;
    frozen_ = false;
    return statement;
  }
  void abort(const CallContext& call) override {
    if (frozen_ && held_for_ != call.session) ++late_aborts;
    ends(call, Mistake::abort);
  }
  void shutdown(const CallContext& call, const SetId&) override { ends(call, Mistake::shutdown); }

  int late_aborts = 0;

 private:
  void ends(const CallContext& call, Mistake here) {
    if (held_for_ == call.session || mistake_ == here) frozen_ = false;
  }

  const Mistake mistake_;
  SessionId held_for_;
  bool frozen_ = false;
};

// Takes the snapshots of one session, and aborts it within the hold of another.
Status abort_within_hold(SimulatedCoordinator& coordinator) {
  auto channel = coordinator.connect();
  if (!channel.ok()) return channel.error();
  Client client(std::move(channel).value());
  BackupOptions options;
  options.type = BackupType::full;
  auto first = client.begin_backup(options);
  if (!first.ok()) return first.error();
  ComponentSelector sales;
  sales.writer = "register";
  sales.component = "Sales";
  if (auto writers = first.value().gather(); !writers.ok()) return writers.error();
  if (Status s = first.value().select({sales}); !s.ok()) return s;
  if (auto prepared = first.value().prepare(); !prepared.ok()) return prepared.error();
  if (auto set = first.value().create_snapshots(); !set.ok()) return set.error();
  auto held = client.hold(options, {sales}, [&](Deadline) {
    const Status aborted = first.value().abort("the disk of the backup is full");
    return aborted.ok() && first.value().end().ok() ? 0 : 1;
  });
  if (!held.ok()) return held.error();
  return held.value().command_status == 0 ? Status(Ok{})
                                          : Status(Error(Errc::internal, "the abort failed"));
}

struct Played {
  Status status = Error(Errc::wrong_state, "nobody played");
  RunOutcome run;
  int late_aborts = 0;
};

Played play(std::uint64_t seed, Mistake mistake) {
  Played played;
  Register writer(mistake);
  Simulation simulation(seed);
  simulation.add_writer(writer).add_company(1);
  simulation.add_requestor(
      [&](SimulatedCoordinator& coordinator) { played.status = abort_within_hold(coordinator); });
  played.run = simulation.run();
  played.late_aborts = writer.late_aborts;
  return played;
}

TEST(LateAbort, ANextSessionsHoldIsNoneOfItsBusiness) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Played played = play(seed, Mistake::none);
    EXPECT_TRUE(played.status.ok()) << played.status.error().what() << "\n" << played.run.trace;
    EXPECT_EQ(played.run.violation, "") << "seed " << seed << "\n" << played.run.trace;
    EXPECT_EQ(played.late_aborts, 1) << "seed " << seed << ": the order was not played";
  }
}

TEST(LateAbort, AWriterThatEndsItsHoldInAnothersAbortOrShutdownIsCaught) {
  for (const Mistake mistake : {Mistake::abort, Mistake::shutdown})
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const Played played = play(seed, mistake);
      EXPECT_THAT(played.run.violation, HasSubstr("abort or shutdown of another session"))
          << "seed " << seed << "\n"
          << played.run.trace;
    }
}

}  // namespace
}  // namespace stillframe::testkit
