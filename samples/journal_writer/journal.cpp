#include "samples/journal_writer/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace journal {

using stillframe::Errc;
using stillframe::Error;
using stillframe::Ok;

namespace {

Status make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return Ok{};
  return Error(Errc::io, "cannot make '" + path + "': " + std::strerror(errno));
}

Status sync_directory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int why = errno;
  if (fd >= 0) close(fd);
  if (synced) return Ok{};
  return Error(Errc::io, "cannot sync '" + path + "': " + std::strerror(why));
}

// A record is its entry's number, a colon and the text.
std::string make_record(std::uint64_t number, std::string_view text) {
  return std::to_string(number) + ":" + std::string(text);
}

std::uint64_t number_of(std::string_view record) {
  std::uint64_t number = 0;
  std::from_chars(record.data(), record.data() + record.size(), number);
  return number;
}

// Watches that entry numbers rise by one: data first, then logs, which may repeat what data has.
class Sequence {
 public:
  void data(std::string_view record) { take(number_of(record)); }
  // Whether the data file lacks it.
  bool log(std::string_view record) {
    const std::uint64_t number = number_of(record);
    if (number <= last_) return false;
    take(number);
    return true;
  }
  std::uint64_t last() const { return last_; }
  Status status() const {
    if (gap_ == 0) return Ok{};
    return Error(Errc::recovery_failed, "entry " + std::to_string(gap_) +
                                            " is in neither the data file nor a log: a log file is "
                                            "missing; restore it from a backup");
  }

 private:
  void take(std::uint64_t number) {
    if (number != last_ + 1 && gap_ == 0) gap_ = last_ + 1;
    last_ = number;
  }
  std::uint64_t last_ = 0, gap_ = 0;
};

}  // namespace

std::string Place::log_file(std::uint64_t generation) const {
  char name[32];
  std::snprintf(name, sizeof name, "/%08llu.log", static_cast<unsigned long long>(generation));
  return log_dir() + name;
}

Result<std::vector<std::uint64_t>> log_generations(const Place& place) {
  std::vector<std::uint64_t> generations;
  std::error_code error;
  for (std::filesystem::directory_iterator it(place.log_dir(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename();
    std::uint64_t generation = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), generation);
    if (std::string_view(parsed.ptr) == ".log") generations.push_back(generation);
  }
  if (error) return Error(Errc::io, "cannot list '" + place.log_dir() + "': " + error.message());
  std::sort(generations.begin(), generations.end());
  return generations;
}

Result<std::unique_ptr<Journal>> Journal::open(const Place& place) {
  for (const auto& directory : {place.dir, place.data_dir(), place.log_dir()}) {
    if (Status s = make_directory(directory); !s.ok()) return s.error();
  }
  std::unique_ptr<Journal> journal(new Journal(place));
  if (Status s = journal->load(); !s.ok()) {
    return s.error().while_doing("opening journal '" + place.dir + "'");
  }
  return journal;
}

Status Journal::load() {
  Sequence sequence;
  auto data =
      RecordFile::open(place_.data_file(), [&](std::string_view record) { sequence.data(record); });
  if (!data.ok()) return data.error();
  data_ = std::move(data).value();

  auto generations = log_generations(place_);
  if (!generations.ok()) return generations.error();
  const auto replay = [&](std::string_view record) {
    if (sequence.log(record)) not_in_data_.emplace_back(record);
  };
  for (const std::uint64_t generation : generations.value()) {
    auto log = RecordFile::open(place_.log_file(generation), replay);
    if (!log.ok()) return log.error();
    generation_ = generation;
    log_ = std::move(log).value();
  }
  if (generations.value().empty()) {
    auto log = RecordFile::open(place_.log_file(generation_), {});
    if (!log.ok()) return log.error();
    log_ = std::move(log).value();
  }
  last_ = sequence.last();
  if (Status s = sequence.status(); !s.ok()) return s;
  return sync_directory(place_.log_dir());
}

Status Journal::append_to_log(std::string_view record) {
  if (Status s = log_.append(record); !s.ok()) return s;
  return log_.sync();
}

Status Journal::put(std::string_view text) {
  std::unique_lock lock(mutex_);
  released_.wait(lock, [&] { return !held_; });
  std::string record = make_record(last_ + 1, text);
  if (Status s = append_to_log(record); !s.ok()) return s;
  ++last_;
  not_in_data_.push_back(std::move(record));
  return Ok{};
}

std::uint64_t Journal::last_entry() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

Status Journal::checkpoint() {
  const std::lock_guard lock(mutex_);
  return checkpoint_locked();
}

Status Journal::checkpoint_locked() {
  for (const auto& record : not_in_data_) {
    if (Status s = data_.append(record); !s.ok()) return s;
  }
  if (Status s = data_.sync(); !s.ok()) return s;
  not_in_data_.clear();
  return Ok{};
}

Result<std::uint64_t> Journal::roll() {
  const std::lock_guard lock(mutex_);
  auto next = RecordFile::open(place_.log_file(generation_ + 1), {});
  if (!next.ok()) return next.error();
  if (Status s = sync_directory(place_.log_dir()); !s.ok()) return s.error();
  log_ = std::move(next).value();
  return generation_++;
}

Status Journal::remove_logs_through(std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  // What a log has must be in the data file before the log may go.
  if (Status s = checkpoint_locked(); !s.ok()) return s;
  auto generations = log_generations(place_);
  if (!generations.ok()) return generations.error();
  for (const std::uint64_t candidate : generations.value()) {
    if (candidate > generation || candidate == generation_) continue;
    if (unlink(place_.log_file(candidate).c_str()) != 0 && errno != ENOENT) {
      return Error(Errc::io, "cannot remove '" + place_.log_file(candidate) + "'");
    }
  }
  return sync_directory(place_.log_dir());
}

void Journal::hold() {
  const std::lock_guard lock(mutex_);  // put() has it as long as it writes
  held_ = true;
}

void Journal::release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  released_.notify_all();
}

Result<std::uint64_t> inspect(const Place& place) {
  Sequence sequence;
  Status data =
      RecordFile::scan(place.data_file(), [&](std::string_view record) { sequence.data(record); });
  if (!data.ok()) return data.error();
  auto generations = log_generations(place);
  if (!generations.ok()) return generations.error();
  for (const std::uint64_t generation : generations.value()) {
    Status log = RecordFile::scan(place.log_file(generation),
                                  [&](std::string_view record) { sequence.log(record); });
    const bool torn_at_end = !log.ok() && log.error().code() == Errc::truncated &&
                             generation == generations.value().back();
    if (!log.ok() && !torn_at_end) return log.error();
  }
  if (Status s = sequence.status(); !s.ok()) return s.error();
  return sequence.last();
}

}  // namespace journal
