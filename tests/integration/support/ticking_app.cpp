#include "tests/integration/support/ticking_app.hpp"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLineBytes = 42;  // two numbers of 20 digits, a blank, a newline

std::string line_of(const Tick& tick) {
  char line[kLineBytes + 1];
  std::snprintf(line, sizeof line, "%020" PRIu64 " %020" PRIu64 "\n", tick.number, tick.at);
  return line;
}

}  // namespace

std::uint64_t boot_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::vector<Tick> read_ticks(const std::string& path) {
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<Tick> ticks;
  for (std::size_t at = 0; at + kLineBytes <= text.size(); at += kLineBytes) {
    Tick tick;
    if (std::sscanf(text.c_str() + at, "%" SCNu64 " %" SCNu64, &tick.number, &tick.at) == 2)
      ticks.push_back(tick);
  }
  return ticks;
}

std::vector<HoldTruth> read_truth(const std::string& path) {
  std::ifstream in(path);
  std::vector<HoldTruth> holds;
  std::string what;
  std::uint64_t number = 0, at = 0;
  while (in >> what >> number >> at) {
    if (what == "held") holds.push_back({number, at, 0});
    if (what == "released" && !holds.empty() && holds.back().until == 0) holds.back().until = at;
  }
  return holds;
}

TickingApp::TickingApp(TickingAppOptions options)
    : options_(std::move(options)),
      file_(::open((options_.folder + "/" + options_.name + ".ticks").c_str(),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)),
      truth_(::open(options_.truth.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  const auto before = read_ticks(options_.folder + "/" + options_.name + ".ticks");
  // A kill may have torn the last line.
  if (::ftruncate(file_.get(), static_cast<off_t>(before.size() * kLineBytes)) == 0 &&
      !before.empty())
    number_ = before.back().number;
  thread_ = std::thread([this] { tick(); });
}

TickingApp::~TickingApp() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    wanted_still_ = false;
    changed_.notify_all();
  }
  thread_.join();
}

void TickingApp::tick() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait(lock, [this] { return !wanted_still_ || ending_; });
    writing_ = true;
    const std::string line = line_of({number_ + 1, boot_ns()});
    lock.unlock();
    const bool written =
        ::write(file_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
        ::fdatasync(file_.get()) == 0;
    lock.lock();
    writing_ = false;
    if (written) ++number_;
    changed_.notify_all();
    changed_.wait_for(lock, 10ms, [this] { return ending_; });
  }
}

void TickingApp::note(const char* what, std::uint64_t number) const {
  char line[96];
  const int size =
      std::snprintf(line, sizeof line, "%s %" PRIu64 " %" PRIu64 "\n", what, number, boot_ns());
  [[maybe_unused]] const auto written = ::write(truth_.get(), line, static_cast<std::size_t>(size));
}

WriterIdentity TickingApp::identity() const {
  WriterIdentity who;
  who.class_id = WriterClassId::parse("2b6f5d5c-58a4-4f0f-9a57-6e1c7d0a9b31").value();
  who.name = "Ticking";
  who.instance_name = options_.name;
  return who;
}

Result<WriterMetadata> TickingApp::identify(const CallContext&) {
  options_.tell("identify");
  FileSet files;
  files.path = options_.folder;
  files.pattern = options_.name + ".ticks";
  Component ticks;
  ticks.name.name = options_.name;
  ticks.files = {files};
  WriterMetadata metadata;
  metadata.components = {ticks};
  return metadata;
}

Status TickingApp::prepare_backup(const CallContext&, BackupView&) {
  options_.tell("prepare_backup");
  return Ok{};
}

Status TickingApp::prepare_snapshot(const CallContext&, const SnapshotSetView&) {
  options_.tell("prepare_snapshot");
  return Ok{};
}

Status TickingApp::freeze(const CallContext& call) {
  options_.tell("freeze");
  std::unique_lock lock(mutex_);
  wanted_still_ = true;
  wanted_by_ = call.session;
  if (!changed_.wait_for(lock, 2s, [this] { return !writing_; })) {
    wanted_still_ = false;
    return Error(Errc::timed_out, "a record takes too long to write");
  }
  note("held", number_);
  options_.tell("frozen");
  return Ok{};
}

bool TickingApp::release() {
  const std::lock_guard lock(mutex_);
  const bool was_still = wanted_still_ && !ending_;
  if (was_still) note("released", number_);  // before the next record can be written
  wanted_still_ = false;
  changed_.notify_all();
  return was_still;
}

Result<HoldStatement> TickingApp::thaw(const CallContext&) {
  options_.tell("thaw");
  HoldStatement statement;
  statement.unbroken = release();
  return statement;
}

Status TickingApp::post_snapshot(const CallContext&, const SnapshotSetView&, BackupView&) {
  options_.tell("post_snapshot");
  return Ok{};
}

Status TickingApp::backup_complete(const CallContext&, const BackupView&, const Receipt&) {
  options_.tell("backup_complete");
  return Ok{};
}

// Another session may hold it by now.
void TickingApp::abort(const CallContext& call) {
  options_.tell("abort");
  if (call.session == wanted_by_) (void)release();
}

void TickingApp::shutdown(const CallContext&, const SetId&) {
  options_.tell("shutdown");
}

}  // namespace stillframe::tests
