// What backups and restores of the ESE engine cost: a streaming backup that verifies every page and
// log, and a restore, against cp of the same files, each until they are durable and turn by turn in
// one run; and what a snapshot adds to the commits of 16 threads. Fails when the backup has less
// than 0.8 of the throughput of cp.
//
//   ese_backup_bench DIRECTORY [MIB] [ROUNDS] [SECONDS]
//
// Zero rounds or seconds leave out what they are of. Fewer MIB than 128 are not judged.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/ese/backup/directory_backup.hpp"
#include "writers/ese/backup/directory_restore.hpp"
#include "writers/ese/backup/snapshot_session.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kGoal = 0.8;
// Below that what does not depend on the size is most of it.
constexpr std::uint64_t kJudgedBytes = std::uint64_t{128} << 20;
// The database, its set, a copy of that and what is restored from it, for a byte loaded.
constexpr std::uint64_t kRoomForEachByte = 7;
constexpr std::size_t kBlobBytes = 6000, kCommitted = 200;
constexpr std::uint64_t kFirstLoaded = std::uint64_t{1} << 40;  // smaller ones are committed later
constexpr unsigned kCommitters = 16;
constexpr auto kBetweenSnapshots = std::chrono::milliseconds(200);
constexpr auto kAfterDeleting = std::chrono::seconds(1);
constexpr ColumnId kNumber{kFixedFirst}, kBlob{kTaggedFirst};

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}
void need(const Status& status) {
  if (!status.ok()) stop(status.error().what());
}
template <class T>
T need(Result<T> result) {
  if (!result.ok()) stop(result.error().what());
  return std::move(result).value();
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Value number_value(std::uint64_t number) {
  Value value(sizeof number);
  store_le(value.data(), number);
  return value;
}

// An instance with one database of rows, most of each a long value.
class MeasuredInstance {
 public:
  explicit MeasuredInstance(BytePath folder) : folder_(std::move(folder)) {
    options_.logs = folder_ + "/log";
    options_.log_bytes = 16U << 20;
    options_.circular = true;  // the logs of a full backup alone are needed
    for (const char* part : {"/log", "/db"}) need(files_->make_directory(folder_ + part));
    instance_ = need(Instance::start(freezable_, options_));
    database_ = need(instance_->create_database(folder_ + "/db/rows.edb"));
    auto session = need(instance_->open_session());
    const auto transaction = session.begin();
    TableSpec spec;
    spec.name = "rows";
    spec.columns = {{.name = "number", .type = ColumnType::currency, .flags = kColumnNotNull},
                    {.name = "blob", .type = ColumnType::long_binary}};
    spec.indexes = {
        {.name = "number", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"number"}}}};
    (void)need(database_->catalog().create_table(*transaction, spec));
    need(transaction->commit());
  }

  Files& files() { return *files_; }
  FreezableFiles& freezable() { return freezable_; }
  Instance& instance() { return *instance_; }
  const InstanceOptions& options() const { return options_; }

  void insert(Session& session, std::uint64_t first, std::uint64_t count, std::size_t bytes) {
    const auto transaction = session.begin();
    {
      const auto use = need(database_->catalog().open_table(*transaction, "rows"));
      TableRows rows(use.table(), *transaction);
      for (std::uint64_t number = first; number < first + count; ++number) {
        Value blob(bytes);
        for (std::size_t i = 0; i + sizeof number <= bytes; i += sizeof number) {
          store_le(blob.data() + i, number * 0x9E3779B97F4A7C15U + i);
        }
        (void)need(rows.insert({{kNumber, {number_value(number)}}, {kBlob, {std::move(blob)}}}));
      }
    }
    need(transaction->commit());
  }

  void load(std::uint64_t bytes) {
    auto session = need(instance_->open_session());
    for (std::uint64_t loaded = 0; loaded < bytes; loaded += kCommitted * kBlobBytes) {
      insert(session, kFirstLoaded + loaded / kBlobBytes, kCommitted, kBlobBytes);
    }
    need(instance_->flush());
  }

 private:
  const BytePath folder_;
  std::unique_ptr<Files> files_ = posix_files();
  FreezableFiles freezable_{*files_};
  InstanceOptions options_;
  std::unique_ptr<Instance> instance_;
  InstanceDatabase* database_ = nullptr;
};

// ---- Throughput

std::uint64_t bytes_in(const BytePath& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder)) bytes += entry.file_size();
  return bytes;
}

void copy_by_cp(const BytePath& from, const BytePath& to) {
  fs::create_directory(to);
  if (tests::run_program({"cp", "-r", "--reflink=never", from + "/.", to}) != 0) stop("cp failed");
}

void sync_files(const BytePath& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || ::fsync(file) != 0) stop("cannot sync " + entry.path().string());
    ::close(file);
  }
}

struct Throughput {
  std::vector<double> cp, durable_cp, backup, restore;  // seconds
  std::uint64_t bytes = 0;
};

// A disk that is told of what was deleted has work of its own for a while, and whatever came next
// would pay for it: so all of a round goes before the next one, and nothing in between.
void clear(const std::vector<BytePath>& folders) {
  for (const BytePath& folder : folders) fs::remove_all(folder);
  ::sync();
  std::this_thread::sleep_for(kAfterDeleting);
}

Throughput measure_throughput(MeasuredInstance& measured, const BytePath& folder, int rounds) {
  Throughput all;
  const BytePath set = folder + "/set", copy = folder + "/copy", back = folder + "/back";
  StreamingBackup backup(measured.instance());
  for (int round = 0; round < rounds; ++round) {
    clear({set, copy, back});
    fs::create_directory(set);
    all.backup.push_back(seconds_of([&] {
      DirectoryBackup how{.directory = set};
      need(back_up_to_directory(backup, how));
    }));
    all.bytes = bytes_in(set);
    ::sync();
    double copied = seconds_of([&] { copy_by_cp(set, copy); });
    all.cp.push_back(copied);
    copied += seconds_of([&] { sync_files(copy); });
    all.durable_cp.push_back(copied);
    for (const char* part : {"", "/log", "/db"}) fs::create_directory(back + part);
    InstanceOptions options = measured.options();
    options.logs = back + "/log";
    options.clock = log_time_now;
    options.random = random_number;
    ::sync();
    all.restore.push_back(seconds_of([&] {
      DirectoryRestore how;
      how.directory = set;
      how.destination = back + "/db";
      (void)need(restore_from_directory(measured.files(), options, how));
    }));
  }
  return all;
}

// The ratio that is judged.
double print_throughput(const Throughput& all) {
  const auto print = [&](const char* what, const std::vector<double>& times) {
    const double rate = static_cast<double>(all.bytes) / median(times) / 1e6;
    std::printf("%-28s %8.0f MB/s\n", what, rate);
  };
  std::printf("%.0f MB of databases and logs, medians of %zu\n",
              static_cast<double>(all.bytes) / 1e6, all.cp.size());
  print("cp", all.cp);
  print("cp and fsync", all.durable_cp);
  print("backup, verified and synced", all.backup);
  print("restore, recovered", all.restore);
  const double ratio = median(all.durable_cp) / median(all.backup);
  std::printf("backup / cp and fsync: %.2f (goal %.1f)\n", ratio, kGoal);
  std::printf("restore / cp and fsync: %.2f\n", median(all.durable_cp) / median(all.restore));
  return ratio;
}

// ---- Stalls

struct Latencies {
  std::vector<double> commits;  // ms, sorted, and not empty
  double at(double part) const {
    return commits[static_cast<std::size_t>(part * static_cast<double>(commits.size() - 1))];
  }
};

Latencies commit_beside(MeasuredInstance& measured, std::uint64_t from, double seconds,
                        const std::function<void()>& meanwhile) {
  constexpr std::size_t kSmallRow = 100;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::vector<std::vector<double>> each(kCommitters);
  std::atomic<std::uint64_t> next{from};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kCommitters; ++i) {
    threads.emplace_back([&, i] {
      auto session = need(measured.instance().open_session());
      do {
        const std::uint64_t number = next++;
        each[i].push_back(1e3 *
                          seconds_of([&] { measured.insert(session, number, 1, kSmallRow); }));
      } while (Clock::now() < end);
    });
  }
  do {
    meanwhile();
  } while (Clock::now() < end);
  for (std::thread& thread : threads) thread.join();
  Latencies all;
  for (const auto& of : each) all.commits.insert(all.commits.end(), of.begin(), of.end());
  std::sort(all.commits.begin(), all.commits.end());
  return all;
}

void measure_stalls(MeasuredInstance& measured, double seconds) {
  const auto rest = [] { std::this_thread::sleep_for(kBetweenSnapshots); };
  std::vector<double> freezes, held;
  const Latencies alone = commit_beside(measured, 0, seconds, rest);
  const Latencies beside = commit_beside(measured, alone.commits.size() + 1000, seconds, [&] {
    rest();
    SnapshotSession session({.continue_after_thaw = true});
    need(session.add(measured.instance(), measured.freezable()));
    freezes.push_back(1e3 * seconds_of([&] { need(session.freeze(std::chrono::seconds(20))); }));
    held.push_back(1e3 * seconds_of([&] { need(session.thaw()); }));
    need(session.end());
  });
  const auto print = [](const char* what, const Latencies& all) {
    std::printf("%-28s %8zu commits, p50 %.2f ms, p99 %.2f ms, longest %.2f ms\n", what,
                all.commits.size(), all.at(0.5), all.at(0.99), all.commits.back());
  };
  print("16 threads", alone);
  print("beside snapshots", beside);
  std::printf("%zu snapshots: freeze %.2f ms, thaw %.2f ms; they add %.2f ms to p99\n",
              freezes.size(), median(freezes), median(held), beside.at(0.99) - alone.at(0.99));
}

struct Asked {
  BytePath folder;
  std::uint64_t bytes = 0;
  int rounds = 0;
  double seconds = 0;
};

double number_of(const char* text) {
  char* end = nullptr;
  const double number = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(number >= 0) || number > 1e6) {
    stop("'" + std::string(text) + "' is no number from 0 to 1,000,000");
  }
  return number;
}

Asked asked_for(int argc, char** argv) {
  const auto number = [&](int at, double otherwise) {
    return argc > at ? number_of(argv[at]) : otherwise;
  };
  const BytePath folder = argc > 1 ? argv[1] : fs::temp_directory_path().string();
  Asked asked{join_path(folder, "ese_backup_bench"),
              static_cast<std::uint64_t>(number(2, 256)) << 20, static_cast<int>(number(3, 5)),
              number(4, 5)};
  if (asked.bytes == 0) stop("there is nothing to measure with 0 MiB");
  return asked;
}

void need_room(const BytePath& folder, std::uint64_t bytes) {
  struct statvfs space {};
  if (::statvfs(folder.c_str(), &space) != 0) stop("cannot examine " + folder);
  const std::uint64_t room = std::uint64_t{space.f_bavail} * space.f_frsize;
  if (room >= bytes * kRoomForEachByte) return;
  stop(folder + " has room for " + std::to_string(room >> 20) + " MiB, and " +
       std::to_string((bytes * kRoomForEachByte) >> 20) + " are needed");
}

int run(int argc, char** argv) {
  const Asked asked = asked_for(argc, argv);
  fs::remove_all(asked.folder);
  fs::create_directories(asked.folder);
  need_room(asked.folder, asked.bytes);
  double ratio = kGoal;
  {
    MeasuredInstance measured(asked.folder);
    measured.load(asked.bytes);
    if (asked.rounds > 0) {
      ratio = print_throughput(measure_throughput(measured, asked.folder, asked.rounds));
    }
    if (asked.seconds > 0) measure_stalls(measured, asked.seconds);
    need(measured.instance().stop());
  }
  fs::remove_all(asked.folder);
  return ratio >= kGoal || asked.bytes < kJudgedBytes ? 0 : 1;
}

}  // namespace
}  // namespace stillframe::ese

int main(int argc, char** argv) {
  return stillframe::ese::run(argc, argv);
}
