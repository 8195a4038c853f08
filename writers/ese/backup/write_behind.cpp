#include "writers/ese/backup/write_behind.hpp"

#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "framework/base/check.hpp"
#include "framework/base/path.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kPieceAlignment = 4096;
constexpr std::size_t kPiecesMax = 4;
// Enough for the disk to be busy, and for a file to lie in few places.
constexpr std::uint64_t kStartedAtOnceBytes = std::uint64_t{8} << 20;
// Syncs of many files in a row cost little more than one, since a file system commits them
// together; but each is open until then.
constexpr std::size_t kUnsyncedFilesMax = 16;

}  // namespace

void WriteBehind::FreePiece::operator()(std::byte* bytes) const {
  std::free(bytes);
}

WriteBehind::~WriteBehind() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// ---- The caller

Status WriteBehind::start() {
  if (thread_.joinable()) return Ok{};
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& e) {
    return Error(Errc::out_of_resources,
                 std::string("cannot start a thread that writes: ") + e.what());
  }
  return Ok{};
}

void WriteBehind::ask(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

Status WriteBehind::begin(const BytePath& path) {
  if (Status s = start(); !s.ok()) return s;
  ask([this, path] { return create(path); });
  return Ok{};
}

Result<MutableBytes> WriteBehind::room() {
  if (current_ == nullptr) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock,
                  [this] { return !free_.empty() || pieces_ < kPiecesMax || !outcome_.ok(); });
    if (!outcome_.ok()) return outcome_.error();
    if (free_.empty()) {
      free_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(kPieceAlignment, kPieceBytes)));
      STILLFRAME_CHECK(free_.back() != nullptr, "no memory for a piece of a backup");
      ++pieces_;
    }
    current_ = std::move(free_.back());
    free_.pop_back();
  }
  return MutableBytes(current_.get(), kPieceBytes);
}

void WriteBehind::put(std::size_t bytes) {
  STILLFRAME_CHECK(current_ != nullptr && bytes <= kPieceBytes, "put() without room()");
  // std::function wants to be copied.
  auto piece = std::make_shared<Piece>(std::move(current_));
  ask([this, piece, bytes] { return write(std::move(*piece), bytes); });
}

Status WriteBehind::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && !working_; });
  return outcome_;
}

Status WriteBehind::settle() {
  if (thread_.joinable()) ask([this] { return sync_all(); });
  return wait();
}

Status WriteBehind::discard() {
  (void)wait();
  Status removed = Ok{};
  for (std::unique_ptr<File>& file : begun_) {
    const BytePath path = file->path();
    file.reset();
    const Status gone = files_.remove(path);
    if (removed.ok()) removed = gone;
  }
  begun_.clear();
  return removed;
}

// ---- The thread

// After the first failure the rest is given up, piece by piece.
void WriteBehind::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !jobs_.empty() || ending_; });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    working_ = true;
    const bool given_up = !outcome_.ok();
    lock.unlock();
    const Status done = given_up ? Status(Ok{}) : job();
    lock.lock();
    if (!done.ok()) outcome_ = done;
    working_ = false;
    changed_.notify_all();
  }
}

Status WriteBehind::create(const BytePath& path) {
  if (begun_.size() >= kUnsyncedFilesMax) {
    if (Status s = sync_all(); !s.ok()) return s;
  }
  start_writing();
  auto file = files_.create(path);
  if (!file.ok()) return file.error();
  begun_.push_back(std::move(file).value());
  at_ = started_ = 0;
  return Ok{};
}

Status WriteBehind::write(Piece piece, std::size_t bytes) {
  Status written = begun_.back()->write(at_, Bytes(piece.get(), bytes));
  at_ += bytes;
  if (at_ - started_ >= kStartedAtOnceBytes) start_writing();
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(piece));
  }
  changed_.notify_all();
  return written;
}

// The disk works on what is there while more is read.
void WriteBehind::start_writing() {
  if (at_ > started_) begun_.back()->start_writing(started_, at_ - started_);
  started_ = at_;
}

Status WriteBehind::sync_all() {
  start_writing();
  for (const std::unique_ptr<File>& file : begun_) {
    if (Status s = file->sync(); !s.ok()) return s;
  }
  begun_.clear();
  at_ = started_ = 0;
  return Ok{};
}

}  // namespace stillframe::ese
