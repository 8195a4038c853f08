#include "framework/daemon/observe/event_output.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

NumberedEvent sample(std::uint64_t sequence = 7, const std::string& message = "hello") {
  NumberedEvent event;
  event.sequence = sequence;
  event.record.id = 2026;
  event.record.source = "coordinator";
  event.record.level = EventLevel::warning;
  event.record.message = message;
  event.record.fields = {{"session", "abc"}, {"hold_ms", "12.5"}};
  event.record.when = WallTime(Duration(1'700'000'000'000'000'000));
  return event;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(FileOutput, AppendsOneJsonObjectALineThatOthersMayNotRead) {
  const tests::TemporaryDirectory directory("observe");
  const std::string path = directory.path() + "/events.jsonl";
  auto output = make_file_output(path);
  ASSERT_TRUE(output->write(sample(1)).ok());
  ASSERT_TRUE(output->write(sample(2, "bad \xff bytes\n")).ok());
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 2u);
  const auto first = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(first["seq"], 1);
  EXPECT_EQ(first["event_id"], 2026);
  EXPECT_EQ(first["fields"]["hold_ms"], "12.5");
  EXPECT_EQ(nlohmann::json::parse(lines[1])["message"], "bad \xef\xbf\xbd bytes\n");
  EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::others_all,
            std::filesystem::perms::none);
}

TEST(FileOutput, ALogThatWasRenamedIsLetGoWhenReopened) {
  const tests::TemporaryDirectory directory("observe");
  const std::string path = directory.path() + "/events.jsonl";
  auto output = make_file_output(path);
  ASSERT_TRUE(output->write(sample(1)).ok());
  std::filesystem::rename(path, path + ".1");
  ASSERT_TRUE(output->write(sample(2)).ok());
  output->reopen();
  ASSERT_TRUE(output->write(sample(3)).ok());
  EXPECT_EQ(lines_of(path + ".1").size(), 2u);
  EXPECT_EQ(lines_of(path).size(), 1u);
}

// RLIMIT_FSIZE ends a write in the middle, as a full disk does.
TEST(FileOutput, AfterATornLineTheNextOneStartsOnALineOfItsOwn) {
  const tests::TemporaryDirectory directory("observe");
  const std::string path = directory.path() + "/events.jsonl";
  auto output = make_file_output(path);
  ASSERT_TRUE(output->write(sample(1)).ok());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = std::filesystem::file_size(path) + 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status torn = output->write(sample(2));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(torn.ok());
  EXPECT_THAT(torn.error().what(), ::testing::HasSubstr("events.jsonl"));
  ASSERT_TRUE(output->write(sample(2)).ok());
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1].size(), 20u) << "what the first try left";
  EXPECT_EQ(nlohmann::json::parse(lines[2])["seq"], 2);
}

// What journald does with a datagram, from its published format.
std::map<std::string, std::string> fields_of(const std::string& datagram) {
  std::map<std::string, std::string> fields;
  for (std::size_t at = 0; at < datagram.size();) {
    const std::size_t end = datagram.find('\n', at);
    const std::string line = datagram.substr(at, end - at);
    if (const auto equals = line.find('='); equals != std::string::npos) {
      fields[line.substr(0, equals)] = line.substr(equals + 1);
      at = end + 1;
      continue;
    }
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < 8; ++i)
      bytes |= std::uint64_t{static_cast<unsigned char>(datagram.at(end + 1 + i))} << 8 * i;
    fields[line] = datagram.substr(end + 9, bytes);
    at = end + 9 + bytes + 1;
  }
  return fields;
}

struct JournalSocket {
  explicit JournalSocket(const std::string& path) : fd(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof(name.sun_path) - 1);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  }
  std::string receive() const {
    std::string datagram(200'000, '\0');
    const ssize_t n = recv(fd.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
    datagram.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return datagram;
  }
  Descriptor fd;
};

TEST(JournaldOutput, SendsTheFieldsThatJournalctlFiltersBy) {
  const tests::TemporaryDirectory directory("observe");
  const JournalSocket journal(directory.path() + "/socket");
  auto output = make_journald_output(directory.path() + "/socket", "stillframed");
  ASSERT_TRUE(output->write(sample(7, "two\nlines")).ok());
  const auto fields = fields_of(journal.receive());
  EXPECT_EQ(fields.at("MESSAGE"), "two\nlines");
  EXPECT_EQ(fields.at("PRIORITY"), "4");
  EXPECT_EQ(fields.at("SYSLOG_IDENTIFIER"), "stillframed");
  EXPECT_EQ(fields.at("STILLFRAME_EVENT_ID"), "2026");
  EXPECT_EQ(fields.at("STILLFRAME_SESSION"), "abc");
  EXPECT_EQ(fields.at("STILLFRAME_HOLD_MS"), "12.5");
}

TEST(JournaldOutput, WhereNobodyListensItIsQuietlyNotUsed) {
  auto output = make_journald_output("/nonexistent/socket", "stillframed");
  EXPECT_TRUE(output->write(sample()).ok());
}

TEST(JournaldOutput, AJournalThatDoesNotReadNeverBlocksAndGiantValuesAreCut) {
  const tests::TemporaryDirectory directory("observe");
  const JournalSocket journal(directory.path() + "/socket");
  auto output = make_journald_output(directory.path() + "/socket", "stillframed");
  ASSERT_TRUE(output->write(sample(1, std::string(1 << 20, 'x'))).ok());
  EXPECT_EQ(fields_of(journal.receive()).at("MESSAGE").size(), 16u << 10);
  for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(output->write(sample()).ok());
}

}  // namespace
}  // namespace stillframe::daemon
