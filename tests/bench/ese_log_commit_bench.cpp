// Durable commits a second through the ESE log, with 1 and 16 threads, against the least that any
// log can do for them: write the same bytes and fdatasync. The ratio with one thread says what the
// log costs, that with many what its groups win.
//
//   ese_log_commit_bench DIRECTORY [SECONDS]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kRowBytes = 100;

class NoDatabases final : public LogHost {
 public:
  Lgpos checkpoint() override { return {}; }
  std::vector<Attachment> attachments() override { return {}; }
  Status begun(Generation, LogTime) override { return Ok{}; }
};

[[noreturn]] void stop(const Error& error) {
  std::fprintf(stderr, "%s\n", error.what().c_str());
  std::exit(1);
}

template <class T>
T need(Result<T> result) {
  if (!result.ok()) stop(result.error());
  return std::move(result).value();
}

// What one transaction of one row logs.
std::vector<std::vector<std::byte>> transaction_of(unsigned thread) {
  const std::vector<std::byte> row(kRowBytes, static_cast<std::byte>(thread)), key(8);
  LevelRecord0 begin, commit;
  begin.type = RecordType::begin0;
  commit.type = RecordType::commit0;
  return {encode_record(begin), encode_record(InsertRecord{}, {Bytes{}, Bytes(key), Bytes(row)}),
          encode_record(commit)};
}

// How often a second `commit` is done by so many threads together.
double rate(unsigned threads, double seconds, const std::function<void(unsigned thread)>& commit) {
  std::atomic<std::uint64_t> done{0};
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  std::vector<std::thread> running;
  for (unsigned t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (; Clock::now() < end; ++done) commit(t);
    });
  }
  for (std::thread& thread : running) thread.join();
  const std::chrono::duration<double> took = Clock::now() - begin;
  return static_cast<double>(done) / took.count();
}

double rate_of_log(const BytePath& directory, unsigned threads, double seconds) {
  const auto files = posix_files();
  LogStreamOptions options;
  options.directory.path = join_path(directory, "log" + std::to_string(threads));
  options.directory.reserves = 0;
  options.file_bytes = 32 * 1024 * 1024;
  if (Status s = files->make_directory(options.directory.path); !s.ok()) stop(s.error());
  NoDatabases host;
  const auto log = need(LogStream::begin(*files, options, {}, host, [] { return LogTime{}; }));
  const double commits = rate(threads, seconds, [&](unsigned thread) {
    Lgpos at;
    for (const auto& record : transaction_of(thread)) at = need(log->append(record)).at;
    if (Status s = log->make_durable(at); !s.ok()) stop(s.error());
  });
  const LogStreamStats stats = log->stats();
  std::printf("  log:   %9.0f commits/s, %.2f commits a sync\n", commits,
              static_cast<double>(stats.records) / 3.0 / static_cast<double>(stats.syncs));
  return commits;
}

// Into a file whose bytes are there already, as a log's are.
double rate_of_plain_writes(const BytePath& directory, unsigned threads, double seconds) {
  const auto files = posix_files();
  const auto file = need(files->create(join_path(directory, "plain" + std::to_string(threads))));
  const std::vector<std::byte> zeros(32 * 1024 * 1024);
  if (Status s = file->write(0, zeros); !s.ok()) stop(s.error());
  if (Status s = file->sync(); !s.ok()) stop(s.error());
  std::vector<std::byte> bytes;
  for (const auto& record : transaction_of(1)) {
    bytes.insert(bytes.end(), record.begin(), record.end());
  }
  std::atomic<std::uint64_t> next{0};
  const double commits = rate(threads, seconds, [&](unsigned) {
    const std::uint64_t at = next.fetch_add(bytes.size()) % (zeros.size() - bytes.size());
    if (Status s = file->write(at, bytes); !s.ok()) stop(s.error());
    if (Status s = file->sync(); !s.ok()) stop(s.error());
  });
  std::printf("  plain: %9.0f writes and fdatasyncs/s\n", commits);
  return commits;
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: ese_log_commit_bench EMPTY_DIRECTORY [SECONDS]\n");
    return 2;
  }
  const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
  for (const unsigned threads : {1U, 16U}) {
    std::printf("%u threads\n", threads);
    const double plain = rate_of_plain_writes(argv[1], threads, seconds);
    const double log = rate_of_log(argv[1], threads, seconds);
    std::printf("  ratio: %9.2f\n", log / plain);
  }
  return 0;
}

}  // namespace
}  // namespace stillframe::ese

int main(int argc, char** argv) {
  return stillframe::ese::run(argc, argv);
}
