#include "tests/ese/support/instance_checks.hpp"

#include <atomic>
#include <utility>

#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese::tests {

namespace {

// A second more at every call.
LogTime time_of(std::uint32_t seconds) {
  LogTime time;
  time.seconds = static_cast<std::uint8_t>(seconds % 60);
  time.minutes = static_cast<std::uint8_t>(seconds / 60 % 60);
  time.hours = static_cast<std::uint8_t>(seconds / 3600 % 24);
  time.day = static_cast<std::uint8_t>(1 + seconds / 86400 % 28);
  time.month = 1;
  time.years_since_1900 = 126;
  return time;
}

}  // namespace

InstanceOptions small_instance(std::uint32_t page_bytes) {
  // Shared by all that run after each other on the same files: time goes on, chance too.
  const auto calls = std::make_shared<std::atomic<std::uint32_t>>(0);
  InstanceOptions options;
  options.logs = "/log";
  options.reserves = 1;
  options.log_bytes = 128 << 10;
  options.page_bytes = page_bytes;
  options.database_pages = 48;
  options.cache_bytes = std::size_t{48} * page_bytes;
  options.checkpoint_depth = 96 << 10;
  options.background_pause = std::chrono::milliseconds(0);
  options.clock = [calls] { return time_of(calls->fetch_add(1)); };
  options.random = [calls] { return calls->fetch_add(1) * 2654435761U + 1; };
  return options;
}

std::unique_ptr<Instance> started(Files& files, const InstanceOptions& options) {
  auto instance = Instance::start(files, options);
  if (instance.ok()) return std::move(instance).value();
  ADD_FAILURE() << instance.error().what();
  return nullptr;
}

DatabaseHeader header_of(Files& files, const BytePath& database) {
  const auto found = read_database_header(files, database);
  if (found.ok() && found.value()) return found.value()->header;
  ADD_FAILURE() << (found.ok() ? "there is no '" + database + "'" : found.error().what());
  return {};
}

VerifyReport expect_sound(Files& files, const BytePath& database) {
  const DatabaseHeader header = header_of(files, database);
  auto file = files.open(database, FileAccess::read);
  if (!file.ok()) {
    ADD_FAILURE() << file.error().what();
    return {};
  }
  const DatabaseStore pages(std::move(file).value(), header.page_size());
  VerifyOptions options;
  options.threads = 1;
  auto report = verify_database(pages, header, options);
  if (!report.ok()) {
    ADD_FAILURE() << report.error().what();
    return {};
  }
  for (const Finding& finding : report.value().findings) {
    ADD_FAILURE() << database << ": " << finding.what;
  }
  EXPECT_EQ(report.value().findings_total, 0U);
  return std::move(report).value();
}

LintCounts expect_good_log(Files& files, const InstanceOptions& options) {
  const auto set = read_log_set(files, options.logs, options.base);
  if (!set.ok() || set.value().chain.logs.empty()) {
    ADD_FAILURE() << (set.ok() ? "there are no logs" : set.error().what());
    return {};
  }
  const LogChain& chain = set.value().chain;
  EXPECT_TRUE(chain.whole()) << chain.findings.front().what;
  LogReader reader([&](Generation generation,
                       bool last) { return read_generation(files, set.value(), generation, last); },
                   chain.usable_from(), chain.newest());
  LogLinter linter;
  for (;;) {
    const auto record = reader.next();
    if (!record.ok()) {
      ADD_FAILURE() << record.error().what();
      break;
    }
    if (!record.value()) break;
    linter.add(*record.value());
  }
  for (const LintFinding& finding : linter.findings()) {
    ADD_FAILURE() << to_text(finding.at) << ": " << finding.what;
  }
  return linter.counts();
}

}  // namespace stillframe::ese::tests
