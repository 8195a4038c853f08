// An application that writes a record every 10 ms and makes each durable, and lets itself be held
// still between two records. Its file says, to anybody who reads it later, when it could write.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/writer.hpp>

namespace stillframe::tests {

// A line of the file. `at` is CLOCK_BOOTTIME in nanoseconds, when the line before it was durable.
struct Tick {
  std::uint64_t number = 0;
  std::uint64_t at = 0;
};
// All whole lines; a torn last one is left out.
std::vector<Tick> read_ticks(const std::string& path);

// What the application itself knows of its holds: written beside the volume that is cut.
struct HoldTruth {
  std::uint64_t last_number = 0;  // of the last record before it stood still
  std::uint64_t from = 0;
  std::uint64_t until = 0;  // 0: no end was written down
};
std::vector<HoldTruth> read_truth(const std::string& path);

struct TickingAppOptions {
  std::string name;                                   // its instance name
  std::string folder;                                 // on the volume; the file is NAME.ticks
  std::string truth;                                  // file for what it knows of its holds
  std::function<void(const std::string& step)> tell;  // each verb as it begins
};

class TickingApp final : public Writer {
 public:
  explicit TickingApp(TickingAppOptions options);
  ~TickingApp() override;
  TickingApp(const TickingApp&) = delete;
  TickingApp& operator=(const TickingApp&) = delete;

  WriterIdentity identity() const override;
  // Some keep to their own thread and some do not care: sessions have both.
  bool any_thread() const override { return identity().instance_name == "beta"; }
  Result<WriterMetadata> identify(const CallContext& call) override;
  Status prepare_backup(const CallContext& call, BackupView& backup) override;
  Status prepare_snapshot(const CallContext& call, const SnapshotSetView& set) override;
  Status freeze(const CallContext& call) override;
  Result<HoldStatement> thaw(const CallContext& call) override;
  Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                       BackupView& backup) override;
  Status backup_complete(const CallContext& call, const BackupView& backup,
                         const Receipt& receipt) override;
  void abort(const CallContext& call) override;
  void shutdown(const CallContext& call, const SetId& set) override;

 private:
  void tick();
  bool release();
  void note(const char* what, std::uint64_t number) const;

  const TickingAppOptions options_;
  Descriptor file_, truth_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_still_ = false;  // the next record waits
  SessionId wanted_by_;
  bool writing_ = false;
  std::uint64_t number_ = 0;  // of the last record
  bool ending_ = false;
  std::thread thread_;
};

std::uint64_t boot_ns();

}  // namespace stillframe::tests
