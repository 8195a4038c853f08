#include "writers/ese/backup/freezable_files.hpp"

#include <utility>

namespace stillframe::ese {

namespace {

class HeldChange {
 public:
  explicit HeldChange(ChangeGate& gate) : gate_(gate) { gate_.enter(); }
  ~HeldChange() { gate_.leave(); }
  HeldChange(const HeldChange&) = delete;
  HeldChange& operator=(const HeldChange&) = delete;

 private:
  ChangeGate& gate_;
};

class FreezableFile final : public File {
 public:
  FreezableFile(std::unique_ptr<File> under, ChangeGate& gate)
      : under_(std::move(under)), gate_(gate) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    return under_->read(offset, into);
  }
  Status write(std::uint64_t offset, Bytes from) override {
    const HeldChange change(gate_);
    return under_->write(offset, from);
  }
  // Who commits is not told that it is durable while a snapshot may be made without it.
  Status sync() override {
    const HeldChange change(gate_);
    return under_->sync();
  }
  void write_back(std::uint64_t offset, std::uint64_t bytes) noexcept override {
    under_->write_back(offset, bytes);
  }
  Result<std::uint64_t> size() const override { return under_->size(); }
  Status resize(std::uint64_t bytes) override {
    const HeldChange change(gate_);
    return under_->resize(bytes);
  }
  const BytePath& path() const override { return under_->path(); }

 private:
  const std::unique_ptr<File> under_;
  ChangeGate& gate_;
};

Result<std::unique_ptr<File>> freezable(Result<std::unique_ptr<File>> file, ChangeGate& gate) {
  if (!file.ok()) return file;
  return std::unique_ptr<File>(std::make_unique<FreezableFile>(std::move(file).value(), gate));
}

}  // namespace

// ---- The gate

void ChangeGate::enter() {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.wait(lock, [this] { return !closed_; });
  --waiting_;
  ++inside_;
}

void ChangeGate::leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  if (closed_ && inside_ == 0) changed_.notify_all();
}

void ChangeGate::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  changed_.wait(lock, [this] { return inside_ == 0; });
}

void ChangeGate::open() {
  const std::lock_guard lock(mutex_);
  closed_ = false;
  changed_.notify_all();
}

std::size_t ChangeGate::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

// ---- Files

Result<std::unique_ptr<File>> FreezableFiles::open(const BytePath& path, FileAccess access) {
  return freezable(under_.open(path, access), gate_);
}

Result<std::unique_ptr<File>> FreezableFiles::create(const BytePath& path) {
  const HeldChange change(gate_);
  return freezable(under_.create(path), gate_);
}

Status FreezableFiles::rename(const BytePath& from, const BytePath& to) {
  const HeldChange change(gate_);
  return under_.rename(from, to);
}

Status FreezableFiles::remove(const BytePath& path) {
  const HeldChange change(gate_);
  return under_.remove(path);
}

Status FreezableFiles::make_directory(const BytePath& path) {
  const HeldChange change(gate_);
  return under_.make_directory(path);
}

Status FreezableFiles::sync_directory(const BytePath& path) {
  const HeldChange change(gate_);
  return under_.sync_directory(path);
}

}  // namespace stillframe::ese
