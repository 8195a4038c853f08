#include "writers/ese/bench/measure.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/remove_tree.hpp"

namespace stillframe::ese::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kCacheBytesMin = std::size_t{8} << 20;
constexpr std::size_t kCheckpointBytes = std::size_t{256} << 20;
constexpr std::size_t kNoCheckpoint = std::size_t{1} << 40;
constexpr std::uint64_t kRowsARound = 10'000;  // between two looks at the progress

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Measuring {
 public:
  Measuring(const MakeStore& make, const MeasureOptions& options)
      : make_(make), options_(options) {}

  Result<std::vector<Figure>> run() {
    Status done = measure_whole();
    if (done.ok() && options_.wants(Measure::cold_reads)) done = measure_cold();
    if (done.ok() && options_.wants(Measure::recovery)) done = measure_recovery();
    if (!done.ok()) return done.error();
    return std::move(figures_);
  }

 private:
  Status open(std::size_t cache_bytes, MeasuredStore::After after = MeasuredStore::After::close,
              std::size_t checkpoint_bytes = kCheckpointBytes) {
    store_ = make_();
    return store_->open({options_.folder, cache_bytes, checkpoint_bytes}, after);
  }

  Status close() {
    Status closed = store_->close();
    store_.reset();
    return closed;
  }

  void progress(Measure measure, std::uint64_t done, std::uint64_t total) const {
    if (!options_.progress || done % kRowsARound != 0) return;
    options_.progress(std::string(store_->name()) + ": " + std::string(name_of(measure)), done,
                      total);
  }

  void add(Measure measure, std::uint64_t count, double seconds) {
    if (options_.wants(measure)) {
      figures_.push_back({measure, static_cast<double>(count) / seconds});
    }
  }

  // With all rows in memory.
  Status measure_whole() {
    if (Status s = open(whole_cache_bytes(options_.rows)); !s.ok()) return s;
    if (Status s = load(); !s.ok()) return s.error().while_doing("loading");
    if (options_.wants(Measure::warm_reads)) {
      if (Status s = read(Measure::warm_reads, options_.rows); !s.ok()) return s;
    }
    if (options_.wants(Measure::scans)) {
      if (Status s = scan(); !s.ok()) return s;
    }
    for (const auto& [measure, threads] :
         {std::pair{Measure::commits_alone, 1U},
          std::pair{Measure::commits_together, kThreadsTogether}}) {
      if (!options_.wants(measure)) continue;
      if (Status s = commit(measure, threads); !s.ok()) return s;
    }
    return close();
  }

  // `change` is done to rows 0, 1, ... in transactions of kRowsACommit.
  template <class Change>
  Status change_all(Measure measure, const Change& change) {
    auto session = store_->session();
    if (!session.ok()) return session.error();
    MeasuredSession& here = *session.value();
    for (std::uint64_t number = 0; number < options_.rows; ++number) {
      if (number % kRowsACommit == 0) {
        if (Status s = here.begin(); !s.ok()) return s;
      }
      if (Status s = change(here, number); !s.ok()) return s;
      const bool last = number + 1 == options_.rows || (number + 1) % kRowsACommit == 0;
      if (!last) continue;
      if (Status s = here.commit(); !s.ok()) return s;
      progress(measure, number + 1, options_.rows);
    }
    return Ok{};
  }

  Status load() {
    const auto begin = Clock::now();
    Status loaded = change_all(Measure::load, [](MeasuredSession& session, std::uint64_t number) {
      return session.insert(row_of(number));
    });
    if (loaded.ok()) add(Measure::load, options_.rows, seconds_since(begin));
    return loaded;
  }

  // Some engines keep pages for each session.
  Status warm_up(MeasuredSession& session) {
    std::uint64_t sum = 0;
    if (Status s = session.begin(); !s.ok()) return s;
    const std::array<std::byte, kKeyBytes> lowest{};
    const auto all = session.scan(lowest, options_.rows, sum);
    if (!all.ok()) return all.error().while_doing("reading all rows");
    if (all.value() != options_.rows) return Error(Errc::corrupt, "rows are missing");
    return session.commit();
  }

  Status read(Measure measure, std::uint64_t reads) {
    auto session = store_->session();
    if (!session.ok()) return session.error();
    MeasuredSession& here = *session.value();
    if (measure == Measure::warm_reads) {
      if (Status s = warm_up(here); !s.ok()) return s;
    }
    Chance chance(1);
    Row found{};
    const auto begin = Clock::now();
    for (std::uint64_t i = 0; i < reads; ++i) {
      if (i % kRowsACommit == 0) {
        if (Status s = here.begin(); !s.ok()) return s;
      }
      const std::uint64_t number = chance.below(options_.rows);
      if (Status s = here.read(key_of(number), found.value); !s.ok()) {
        return s.error().while_doing("reading row " + std::to_string(number));
      }
      const bool checked = i % kRowsACommit == 0;  // now and then: it costs more than some reads
      if (checked && found.value != row_of(number).value) {
        return Error(Errc::corrupt, "row " + std::to_string(number) + " is not what was written");
      }
      if (i + 1 != reads && (i + 1) % kRowsACommit != 0) continue;
      if (Status s = here.commit(); !s.ok()) return s;
      progress(measure, i + 1, reads);
    }
    add(measure, reads, seconds_since(begin));
    return Ok{};
  }

  Status scan() {
    auto session = store_->session();
    if (!session.ok()) return session.error();
    MeasuredSession& here = *session.value();
    Chance chance(2);
    std::uint64_t sum = 0, rows = 0;
    const std::uint64_t wanted = 2 * options_.rows;
    const auto begin = Clock::now();
    while (rows < wanted) {
      if (Status s = here.begin(); !s.ok()) return s;
      const auto some = here.scan(key_of(chance.below(options_.rows)), kRowsAScan, sum);
      if (!some.ok()) return some.error().while_doing("scanning");
      if (some.value() == 0) return Error(Errc::corrupt, "a scan that begins at a row finds none");
      rows += some.value();
      if (Status s = here.commit(); !s.ok()) return s;
    }
    add(Measure::scans, rows, seconds_since(begin));
    return Ok{};
  }

  // New rows, each in a transaction of its own.
  Status commit(Measure measure, unsigned threads) {
    std::atomic<std::uint64_t> done{0};
    std::vector<std::unique_ptr<MeasuredSession>> sessions;
    for (unsigned t = 0; t < threads; ++t) {
      auto session = store_->session();
      if (!session.ok()) return session.error();
      sessions.push_back(std::move(session).value());
    }
    std::vector<std::optional<Error>> failures(threads);
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::duration<double>(options_.commit_seconds);
    std::vector<std::thread> running;
    for (unsigned t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        for (; Clock::now() < end && !failures[t]; ++done) {
          const Status inserted = sessions[t]->insert_alone(row_of(next_row_.fetch_add(1)));
          if (!inserted.ok()) failures[t] = inserted.error();
        }
      });
    }
    for (std::thread& thread : running) thread.join();
    for (const auto& failure : failures) {
      if (failure) return failure->while_doing("committing");
    }
    add(measure, done, seconds_since(begin));
    return Ok{};
  }

  Status measure_cold() {
    if (Status s = open(tenth_cache_bytes(options_.rows)); !s.ok()) return s;
    if (Status s = read(Measure::cold_reads, std::max<std::uint64_t>(options_.rows / 4, 1000));
        !s.ok()) {
      return s;
    }
    return close();
  }

  Status measure_recovery() {
    if (Status s = update_and_die(); !s.ok()) return s.error().while_doing("updating all rows");
    const auto begin = Clock::now();
    if (Status s = open(whole_cache_bytes(options_.rows), MeasuredStore::After::crash); !s.ok()) {
      return s.error().while_doing("recovering");
    }
    add(Measure::recovery, options_.rows, seconds_since(begin));
    if (Status s = check_updated(); !s.ok()) return s;
    return close();
  }

  // In a process of its own, which ends as by SIGKILL: nothing that is only in its memory survives.
  Status update_and_die() {
    const pid_t child = ::fork();
    if (child < 0) return posix_error(errno, "start a process", {});
    if (child == 0) {
      Status updated =
          open(whole_cache_bytes(options_.rows), MeasuredStore::After::close, kNoCheckpoint);
      if (updated.ok()) {
        updated = change_all(Measure::recovery, [](MeasuredSession& session, std::uint64_t number) {
          return session.update(row_of(number, 1));
        });
      }
      if (!updated.ok()) std::fprintf(stderr, "%s\n", updated.error().what().c_str());
      ::_exit(updated.ok() ? 0 : 1);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
      if (errno != EINTR) return posix_error(errno, "wait for a process", {});
    }
    const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return done ? Status(Ok{}) : Status(Error(Errc::io, "the process that updates rows failed"));
  }

  Status check_updated() {
    auto session = store_->session();
    if (!session.ok()) return session.error();
    MeasuredSession& here = *session.value();
    if (Status s = here.begin(); !s.ok()) return s;
    Row found{};
    for (std::uint64_t number = 0; number < options_.rows; number += kRowsACommit) {
      if (Status s = here.read(key_of(number), found.value); !s.ok()) return s;
      if (found.value == row_of(number, 1).value) continue;
      return Error(Errc::corrupt,
                   "row " + std::to_string(number) + " lost its update to the crash");
    }
    return here.commit();
  }

  const MakeStore& make_;
  const MeasureOptions& options_;
  std::unique_ptr<MeasuredStore> store_;
  std::atomic<std::uint64_t> next_row_{options_.rows};
  std::vector<Figure> figures_;
};

}  // namespace

std::string_view name_of(Measure measure) noexcept {
  switch (measure) {
    case Measure::load:
      return "load";
    case Measure::warm_reads:
      return "warm-reads";
    case Measure::cold_reads:
      return "cold-reads";
    case Measure::scans:
      return "scans";
    case Measure::commits_alone:
      return "commits-1";
    case Measure::commits_together:
      return "commits-16";
    case Measure::recovery:
      return "recovery";
  }
  return "unknown";
}

std::string_view unit_of(Measure measure) noexcept {
  switch (measure) {
    case Measure::load:
      return "rows/s in random order";
    case Measure::warm_reads:
      return "reads/s, all in memory";
    case Measure::cold_reads:
      return "reads/s, a tenth in memory";
    case Measure::scans:
      return "rows/s in ranges";
    case Measure::commits_alone:
      return "durable commits/s, 1 thread";
    case Measure::commits_together:
      return "durable commits/s, 16 threads";
    case Measure::recovery:
      return "updates/s redone";
  }
  return "unknown";
}

bool MeasureOptions::wants(Measure measure) const {
  return only.empty() || std::find(only.begin(), only.end(), measure) != only.end();
}

std::size_t whole_cache_bytes(std::uint64_t rows) {
  return std::max(kCacheBytesMin, static_cast<std::size_t>(rows) * kRowBytes * 5 / 2);
}

std::size_t tenth_cache_bytes(std::uint64_t rows) {
  return std::max(std::size_t{1} << 20, static_cast<std::size_t>(rows) * kRowBytes / 10);
}

Result<std::vector<Figure>> measure(const MakeStore& make, const MeasureOptions& options) {
  MeasureOptions own = options;
  own.folder = join_path(options.folder, "bench.XXXXXX");
  if (::mkdtemp(own.folder.data()) == nullptr) {
    return posix_error(errno, "make a folder in", options.folder);
  }
  auto figures = Measuring(make, own).run();
  Status removed = remove_tree(own.folder);
  if (figures.ok() && !removed.ok()) return removed.error();
  return figures;
}

}  // namespace stillframe::ese::bench
