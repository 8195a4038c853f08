#include <unistd.h>

#include "framework/sdk/local_writer_link.hpp"
#include "tests/sdk/runner_fixture.hpp"
#include "tests/wire/sample_values.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;

class Runner : public tests::RunnerTest {
 protected:
  static std::string read_to_end(int fd) {
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }
};

TEST_F(Runner, EveryVerbReachesTheWriterAndComesBack) {
  for (WriterCall call : tests::sample_calls()) {
    SCOPED_TRACE(to_string(call.verb));
    if (call.verb == Verb::read || call.verb == Verb::close) continue;  // need an open stream
    call.session = session_;
    call.deadline = clock_.now() + 600s;
    const WriterAnswer answer = begin(call).get();
    EXPECT_TRUE(answer.status.ok()) << answer.status.error().what();
    if (call.verb == Verb::restore_complete) {
      EXPECT_EQ(writer_.count("restore_complete failed"), 1u);
    } else {
      EXPECT_GE(writer_.count(std::string(to_string(call.verb))), 1u);
    }
  }
}

TEST_F(Runner, IdentifyIsCompletedByTheSdk) {
  const WriterAnswer answer = ask(Verb::identify);
  ASSERT_TRUE(answer.status.ok());
  const auto& metadata = std::get<WriterMetadata>(answer.payload);
  EXPECT_EQ(metadata.identity, writer_.identity_);
  EXPECT_EQ(metadata.instance, runner_->instance());
  EXPECT_EQ(metadata.process.pid, ::getpid());
  EXPECT_EQ(metadata.components.size(), 1u);
}

TEST_F(Runner, PathsLeaveTheProcessWithItsVariablesReplaced) {
  ASSERT_EQ(::setenv("STILLFRAME_TEST_STATE", "/var/lib", 1), 0);
  writer_.files.emplace_back().path = "${STILLFRAME_TEST_STATE}/orders";
  WriterAnswer answer = ask(Verb::identify);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error().what();
  EXPECT_EQ(std::get<WriterMetadata>(answer.payload).components[0].files[0].path,
            "/var/lib/orders");

  ASSERT_EQ(::unsetenv("STILLFRAME_TEST_STATE"), 0);
  answer = ask(Verb::identify);
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code(), Errc::not_found);
  EXPECT_NE(answer.status.error().what().find("STILLFRAME_TEST_STATE"), std::string::npos);
}

TEST_F(Runner, EditsOfTheWriterComeBack) {
  BackupView view;
  view.components.emplace_back();
  const WriterAnswer answer = ask(Verb::prepare_backup, view);
  EXPECT_EQ(std::get<BackupView>(answer.payload).components[0].stamp, "stamped");
}

TEST_F(Runner, VerbWithoutItsCapabilityIsNeverSaid) {
  runner_.reset();
  writer_.identity_.capabilities = Capabilities{};
  start();
  EXPECT_EQ(ask(Verb::verify, VerifyRequest{}).status.error().code(), Errc::not_supported);
  EXPECT_EQ(ask(Verb::open_stream, StreamRequest{}).status.error().code(), Errc::not_supported);
  EXPECT_TRUE(writer_.calls().empty());
}

TEST_F(Runner, ArgumentsOfAnotherVerbAreRefused) {
  EXPECT_EQ(ask(Verb::verify, NoArgs{}).status.error().code(), Errc::invalid_argument);
  EXPECT_TRUE(writer_.calls().empty());
}

TEST_F(Runner, WhateverAWriterThrowsIsItsFailure) {
  writer_.on("identify", [](const CallContext&) -> Status { throw 7; });
  const WriterAnswer answer = ask(Verb::identify);
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code(), Errc::writer_fatal);
}

TEST_F(Runner, VerbsRunOneAtATimeOnOneThreadInOrder) {
  std::vector<std::future<WriterAnswer>> answers;
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  writer_.on("identify", [&](const CallContext&) -> Status {
    if (++inside != 1) overlapped = true;
    std::this_thread::yield();
    --inside;
    return Ok{};
  });
  for (int i = 0; i < 200; ++i) answers.push_back(begin(Verb::identify));
  for (auto& answer : answers) EXPECT_TRUE(answer.get().status.ok());
  EXPECT_FALSE(overlapped);
}

TEST_F(Runner, CallThatWaitedBeyondItsDeadlineIsNotSaid) {
  tests::Gate gate;
  writer_.on("identify", [&](const CallContext&) -> Status {
    gate.pass();
    return Ok{};
  });
  auto busy = begin(Verb::identify);
  gate.wait_until_reached();
  WriterCall late = call_of(Verb::prepare_snapshot, SnapshotArgs{});
  late.deadline = clock_.now() + 1s;
  auto answer = begin(late);
  clock_.advance(2s);
  gate.open();
  EXPECT_EQ(answer.get().status.error().code(), Errc::timed_out);
  EXPECT_EQ(writer_.count("prepare_snapshot"), 0u);
  busy.get();
}

TEST_F(Runner, CancelReachesWaitingCallsOfItsSessionOnly) {
  tests::Gate gate;
  writer_.on("identify", [&](const CallContext&) -> Status {
    gate.pass();
    return Ok{};
  });
  WriterCall outside = call_of(Verb::identify);
  outside.session = SessionId::generate();
  auto busy = begin(outside);
  gate.wait_until_reached();
  auto mine = begin(Verb::prepare_snapshot, SnapshotArgs{});
  auto undo = begin(Verb::abort);
  WriterCall other = call_of(Verb::prepare_snapshot, SnapshotArgs{});
  other.session = SessionId::generate();
  auto others = begin(other);
  runner_->cancel(session_);
  gate.open();
  EXPECT_EQ(mine.get().status.error().code(), Errc::cancelled);
  EXPECT_TRUE(undo.get().status.ok());
  EXPECT_TRUE(others.get().status.ok());
  EXPECT_TRUE(busy.get().status.ok());
}

TEST_F(Runner, ProgressNamesTheVerb) {
  std::promise<std::pair<Verb, std::uint64_t>> told;
  runner_->on_progress([&](Verb verb, std::uint64_t done, std::uint64_t, std::string) {
    told.set_value({verb, done});
  });
  writer_.on("verify", [](const CallContext& context) -> Status {
    context.progress->report(3, 10, "pages");
    return Ok{};
  });
  EXPECT_TRUE(ask(Verb::verify, VerifyRequest{{"", "a"}, "/"}).status.ok());
  EXPECT_EQ(told.get_future().get(), (std::pair<Verb, std::uint64_t>{Verb::verify, 3}));
}

TEST_F(Runner, StreamFlowsThroughItsPipeWhileOtherVerbsRun) {
  writer_.content.assign(3 << 20, 'x');
  writer_.content[2 << 20] = 'y';
  WriterAnswer opened = ask(Verb::open_stream, StreamRequest{{"", "data"}, "f"});
  ASSERT_TRUE(opened.status.ok());
  ASSERT_EQ(opened.descriptors.size(), 1u);
  const StreamInfo info = std::get<StreamInfo>(opened.payload);
  EXPECT_EQ(info.size, writer_.content.size());
  // Nobody reads yet: the pipe is full, and the writer's thread is free all the same.
  writer_.wait_for("read", 1);
  EXPECT_TRUE(ask(Verb::identify).status.ok());
  EXPECT_EQ(read_to_end(opened.descriptors[0].get()), writer_.content);
  EXPECT_TRUE(ask(Verb::close, CloseArgs{info.handle}).status.ok());
  EXPECT_EQ(writer_.count("close"), 1u);
}

TEST_F(Runner, StreamThatEndsEarlyIsToldAtClose) {
  writer_.announced_size = writer_.content.size() + 5;
  WriterAnswer opened = ask(Verb::open_stream, StreamRequest{{"", "data"}, "f"});
  ASSERT_TRUE(opened.status.ok());
  EXPECT_EQ(read_to_end(opened.descriptors[0].get()), writer_.content);
  const auto handle = std::get<StreamInfo>(opened.payload).handle;
  EXPECT_EQ(ask(Verb::close, CloseArgs{handle}).status.error().code(), Errc::truncated);
}

TEST_F(Runner, StreamThatFailsIsToldAtClose) {
  writer_.on("read", [](const CallContext&) -> Status { return Error(Errc::io, "bad sector"); });
  WriterAnswer opened = ask(Verb::open_stream, StreamRequest{{"", "data"}, "f"});
  ASSERT_TRUE(opened.status.ok());
  EXPECT_EQ(read_to_end(opened.descriptors[0].get()), "");
  const auto handle = std::get<StreamInfo>(opened.payload).handle;
  EXPECT_EQ(ask(Verb::close, CloseArgs{handle}).status.error().code(), Errc::io);
}

TEST_F(Runner, ReaderThatLeavesDisturbsNobody) {
  writer_.content.assign(8 << 20, 'x');
  WriterAnswer opened = ask(Verb::open_stream, StreamRequest{{"", "data"}, "f"});
  ASSERT_TRUE(opened.status.ok());
  opened.descriptors.clear();  // no SIGPIPE may kill this process
  const auto handle = std::get<StreamInfo>(opened.payload).handle;
  EXPECT_TRUE(ask(Verb::close, CloseArgs{handle}).status.ok());
}

TEST_F(Runner, EndOfTheSessionClosesItsStreams) {
  writer_.content.assign(8 << 20, 'x');
  WriterAnswer opened = ask(Verb::open_stream, StreamRequest{{"", "data"}, "f"});
  ASSERT_TRUE(opened.status.ok());
  (void)ask(Verb::shutdown, ShutdownArgs{});
  EXPECT_EQ(writer_.count("close"), 1u);
  EXPECT_LT(read_to_end(opened.descriptors[0].get()).size(), writer_.content.size());
}

TEST_F(Runner, HostileReadUnitIsRefusedAndTheStreamClosed) {
  for (const std::uint32_t unit : {0u, 0x80000000u}) {
    writer_.read_unit = unit;
    const WriterAnswer opened = ask(Verb::open_stream, StreamRequest{{"", "data"}, "f"});
    EXPECT_EQ(opened.status.error().code(), Errc::writer_fatal);
  }
  EXPECT_EQ(writer_.count("close"), 2u);
}

TEST_F(Runner, WithoutPipesReadDeliversTheBytes) {
  runner_.reset();
  streams_through_pipes_ = false;
  start();
  const WriterAnswer opened = ask(Verb::open_stream, StreamRequest{{"", "data"}, "f"});
  ASSERT_TRUE(opened.status.ok());
  EXPECT_TRUE(opened.descriptors.empty());
  const auto handle = std::get<StreamInfo>(opened.payload).handle;
  const WriterAnswer part = ask(Verb::read, ReadArgs{handle, 3});
  EXPECT_EQ(std::get<std::vector<std::byte>>(part.payload),
            (std::vector<std::byte>{std::byte{'t'}, std::byte{'h'}, std::byte{'e'}}));
  EXPECT_EQ(ask(Verb::read, ReadArgs{handle, std::uint64_t{1} << 40}).status.error().code(),
            Errc::limit_reached);
  EXPECT_TRUE(ask(Verb::close, CloseArgs{handle}).status.ok());
}

TEST_F(Runner, LostCoordinatorEndsRestoresWithoutAbort) {
  (void)ask(Verb::pre_restore, RestoreView{});
  runner_->coordinator_lost("gone");
  writer_.wait_for("restore_end");
  (void)ask(Verb::identify);
  EXPECT_EQ(writer_.count("abort"), 0u);
  EXPECT_EQ(writer_.count("shutdown"), 0u);
}

TEST_F(Runner, CompletedBackupIsShutDownButNotAborted) {
  (void)ask(Verb::backup_complete, CompleteArgs{});
  runner_->coordinator_lost("gone");
  writer_.wait_for("shutdown");
  EXPECT_EQ(writer_.count("abort"), 0u);
}

TEST_F(Runner, SessionThatEndedIsNotEndedAgain) {
  (void)ask(Verb::prepare_snapshot, SnapshotArgs{});
  (void)ask(Verb::shutdown, ShutdownArgs{});
  runner_.reset();
  EXPECT_EQ(writer_.count("shutdown"), 1u);
  EXPECT_EQ(writer_.count("abort"), 0u);
}

class Bare : public Writer {
 public:
  WriterIdentity identity() const override {
    WriterIdentity identity;
    identity.name = "bare";
    return identity;
  }
  Result<WriterMetadata> identify(const CallContext&) override { return WriterMetadata{}; }
};

TEST(BareWriter, VouchesForNothing) {
  Bare writer;
  auto link = link_locally(writer);
  ASSERT_TRUE(link.ok());
  auto ask = [&](Verb verb) {
    WriterCall call;
    call.verb = verb;
    call.session = SessionId(UuidBytes{1});
    call.deadline = system_clock().now() + 60s;
    std::promise<WriterAnswer> answer;
    link.value()->call(call, [&](WriterAnswer a) { answer.set_value(std::move(a)); });
    return answer.get_future().get();
  };
  EXPECT_TRUE(ask(Verb::freeze).status.ok());
  const WriterAnswer thawed = ask(Verb::thaw);
  EXPECT_FALSE(std::get<HoldStatement>(thawed.payload).unbroken);
  EXPECT_EQ(ask(Verb::list_logs).status.error().code(), Errc::not_supported);
}

}  // namespace
}  // namespace stillframe
