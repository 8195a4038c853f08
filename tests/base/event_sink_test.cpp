#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "framework/base/json_lines_event_sink.hpp"
#include "framework/base/memory_event_sink.hpp"

namespace stillframe {
namespace {

EventRecord event(int id) {
  EventRecord record;
  record.id = id;
  record.source = "coordinator";
  record.level = EventLevel::warning;
  record.message = "thawed by its own timer";
  record.fields = {{"writer", "Orders"}};
  record.when = WallTime(std::chrono::nanoseconds(1'700'000'000'123'456'789));
  return record;
}

TEST(MemoryEventSink, KeepsTheLatestAndCountsTheRest) {
  MemoryEventSink sink(3);
  for (int id = 1; id <= 5; ++id) sink.emit(event(id));
  const auto kept = sink.events();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept.front().id, 3);
  EXPECT_EQ(kept.back().id, 5);
  EXPECT_EQ(sink.dropped(), 2u);
}

TEST(JsonLinesEventSink, ALineHoldsTheWholeEvent) {
  EXPECT_EQ(to_json_line(event(41)),
            R"({"event_id":41,"source":"coordinator","level":"warning",)"
            R"("message":"thawed by its own timer","fields":{"writer":"Orders"},)"
            R"("when":1700000000123456789})");
}

TEST(JsonLinesEventSink, BytesThatAreNoUtf8DoNotBreakTheLine) {
  EventRecord record = event(1);
  record.message = "bad \xff name\n";
  const std::string line = to_json_line(record);
  EXPECT_NE(line.find("bad \xef\xbf\xbd name\\n"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

struct Pipe {
  Descriptor read_end, write_end;
};

Pipe make_pipe() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  return {Descriptor(fds[0]), Descriptor(fds[1])};
}

std::string read_all(const Descriptor& from) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(from.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

TEST(JsonLinesEventSink, WritesEveryEventInOrderBeforeItIsDestroyed) {
  Pipe pipe = make_pipe();
  {
    auto sink = JsonLinesEventSink::start(std::move(pipe.write_end));
    ASSERT_TRUE(sink.ok()) << sink.error().what();
    sink.value()->emit(event(1));
    sink.value()->emit(event(2));
    sink.value()->flush();
    sink.value()->emit(event(3));
  }
  EXPECT_EQ(read_all(pipe.read_end), to_json_line(event(1)) + "\n" + to_json_line(event(2)) + "\n" +
                                         to_json_line(event(3)) + "\n");
}

// A full pipe stands for a held file system: the thread waits in write(), the callers do not.
TEST(JsonLinesEventSink, NobodyWaitsForAHeldDescriptorAndTheLossIsSaid) {
  Pipe pipe = make_pipe();
  const std::string filler(1 << 20, '.');
  const int flags = ::fcntl(pipe.write_end.get(), F_GETFL);
  ASSERT_EQ(::fcntl(pipe.write_end.get(), F_SETFL, flags | O_NONBLOCK), 0);
  std::size_t filled = 0;
  for (ssize_t n; (n = ::write(pipe.write_end.get(), filler.data(), filler.size())) > 0;) {
    filled += static_cast<std::size_t>(n);
  }
  ASSERT_EQ(::fcntl(pipe.write_end.get(), F_SETFL, flags), 0);

  std::string text;
  {
    auto sink = JsonLinesEventSink::start(std::move(pipe.write_end), 8);
    ASSERT_TRUE(sink.ok());
    for (int id = 1; id <= 1000; ++id) sink.value()->emit(event(id));
    // At most one line is in the thread's hands, at most eight wait.
    EXPECT_GE(sink.value()->lost(), 1000u - 9u);
    text.resize(filled);
    for (std::size_t at = 0; at < filled;) {
      const ssize_t n = ::read(pipe.read_end.get(), text.data() + at, filled - at);
      ASSERT_GT(n, 0);
      at += static_cast<std::size_t>(n);
    }
    sink.value()->flush();
  }
  text = read_all(pipe.read_end);
  EXPECT_NE(text.find("{\"lost_events\":"), std::string::npos) << text;
  EXPECT_NE(text.find("\"event_id\":1000,"), std::string::npos);
}

TEST(JsonLinesEventSink, AClosedDescriptorIsRefused) {
  auto sink = JsonLinesEventSink::start(Descriptor());
  ASSERT_FALSE(sink.ok());
  EXPECT_EQ(sink.error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace stillframe
