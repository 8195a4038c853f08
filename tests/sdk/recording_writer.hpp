// A writer that writes down what it is told, and that a test can make refuse, throw, hang or lie.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <stillframe/writer.hpp>

namespace stillframe::tests {

// Where a verb waits until the test lets it go on.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

class RecordingWriter : public Writer {
 public:
  using Hook = std::function<Status(const CallContext&)>;

  explicit RecordingWriter(std::string name = "recorder") {
    identity_.class_id = WriterClassId::parse("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee").value();
    identity_.name = std::move(name);
    for (const Capability c : {Capability::streaming, Capability::logs, Capability::restore_events,
                               Capability::staged_restore, Capability::verify}) {
      identity_.capabilities.add(c);
    }
  }

  WriterIdentity identity_;
  std::string content = "the content of the stream";
  std::uint32_t read_unit = 1;
  HoldStatement says{{}, {}, true, false, Duration{0}, {}};

  // What a verb does before it answers.
  void on(const std::string& verb, Hook hook) {
    std::lock_guard lock(mutex_);
    hooks_[verb] = std::move(hook);
  }

  std::vector<std::string> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  std::size_t count(const std::string& verb) const {
    std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(calls_.begin(), calls_.end(), verb));
  }
  void wait_for(const std::string& verb, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::count(calls_.begin(), calls_.end(), verb) >= static_cast<std::ptrdiff_t>(times);
    });
  }
  // The thread of the last call of `verb`.
  std::thread::id thread_of(const std::string& verb) const {
    std::lock_guard lock(mutex_);
    return threads_.at(verb);
  }

  WriterIdentity identity() const override { return identity_; }
#ifdef STILLFRAME_TEST_ANY_THREAD  // the same tests, on the thread that writers share
  bool any_thread() const override {
    return true;
  }
#endif
  Result<WriterMetadata> identify(const CallContext& c) override {
    if (Status s = note("identify", c); !s.ok()) return s.error();
    WriterMetadata metadata;
    metadata.components.emplace_back().name = {"", "data"};
    metadata.components[0].files = files;
    return metadata;
  }
  Status prepare_backup(const CallContext& c, BackupView& v) override {
    for (auto& component : v.components) component.stamp = "stamped";
    return note("prepare_backup", c);
  }
  Status prepare_snapshot(const CallContext& c, const SnapshotSetView&) override {
    return note("prepare_snapshot", c);
  }
  Status freeze(const CallContext& c) override {
    return note("freeze", c);
  }
  Result<HoldStatement> thaw(const CallContext& c) override {
    if (Status s = note("thaw", c); !s.ok()) return s.error();
    return says;
  }
  Status post_snapshot(const CallContext& c, const SnapshotSetView&, BackupView&) override {
    return note("post_snapshot", c);
  }
  Status backup_complete(const CallContext& c, const BackupView&, const Receipt&) override {
    return note("backup_complete", c);
  }
  void abort(const CallContext& c) override {
    (void)note("abort", c);
  }
  void shutdown(const CallContext& c, const SetId&) override {
    (void)note("shutdown", c);
  }

  Result<StreamInfo> open_stream(const CallContext& c, const StreamRequest&) override {
    if (Status s = note("open_stream", c); !s.ok()) return s.error();
    position_ = 0;
    return StreamInfo{++last_handle_, announced_size.value_or(content.size()), read_unit};
  }
  Result<std::size_t> read(const CallContext& c, std::uint64_t,
                           std::span<std::byte> buffer) override {
    if (Status s = note("read", c); !s.ok()) return s.error();
    const std::size_t n = std::min(buffer.size(), content.size() - position_);
    std::transform(content.begin() + static_cast<std::ptrdiff_t>(position_),
                   content.begin() + static_cast<std::ptrdiff_t>(position_ + n), buffer.begin(),
                   [](char b) { return static_cast<std::byte>(b); });
    position_ += n;
    return n;
  }
  Status close(const CallContext& c, std::uint64_t) override {
    return note("close", c);
  }
  Result<LogList> list_logs(const CallContext& c, const ComponentName&) override {
    if (Status s = note("list_logs", c); !s.ok()) return s.error();
    return LogList{1, 2, {{"/log/1", 1, true}, {"/log/2", 2, false}}};
  }
  Status truncate_logs(const CallContext& c, const ComponentName&, const Receipt&) override {
    return note("truncate_logs", c);
  }
  Status pre_restore(const CallContext& c, RestoreView&) override {
    return note("pre_restore", c);
  }
  Status restore_prepare(const CallContext& c, const RestoreAuthority&) override {
    return note("restore_prepare", c);
  }
  Result<std::vector<RestoreLocation>> restore_locations(const CallContext& c,
                                                         const ComponentName& name) override {
    if (Status s = note("restore_locations", c); !s.ok()) return s.error();
    return std::vector<RestoreLocation>{{name, "database", "/db"}};
  }
  Status restore_register(const CallContext& c, const RestoreAuthority&,
                          const RestoreRegistration&) override {
    return note("restore_register", c);
  }
  Status restore_complete(const CallContext& c, const ComponentName&,
                          const Status& copied) override {
    return note(copied.ok() ? "restore_complete ok" : "restore_complete failed", c);
  }
  Status post_restore(const CallContext& c, const RestoreView&) override {
    return note("post_restore", c);
  }
  void restore_end(const CallContext& c) override {
    (void)note("restore_end", c);
  }
  Result<VerifyReport> verify(const CallContext& c, const VerifyRequest&) override {
    if (Status s = note("verify", c); !s.ok()) return s.error();
    return VerifyReport{VerifyVerdict::good, "fine"};
  }

  std::optional<std::uint64_t> announced_size;
  std::vector<FileSet> files;  // of its one component

 private:
  Status note(const std::string& verb, const CallContext& context) {
    Hook hook;
    {
      std::lock_guard lock(mutex_);
      calls_.push_back(verb);
      threads_[verb] = std::this_thread::get_id();
      if (const auto it = hooks_.find(verb); it != hooks_.end()) hook = it->second;
      changed_.notify_all();
    }
    return hook ? hook(context) : Status(Ok{});
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> calls_;
  std::map<std::string, std::thread::id> threads_;
  std::map<std::string, Hook> hooks_;
  std::size_t position_ = 0;
  std::uint64_t last_handle_ = 0;
};

}  // namespace stillframe::tests
