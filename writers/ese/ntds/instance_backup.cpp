// A backup of an instance that runs, through its external backup.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/ntds/expiry_token.hpp"
#include "writers/ese/ntds/host_rules.hpp"
#include "writers/ese/ntds/instance_service.hpp"
#include "writers/ese/ntds/ntds_error.hpp"

namespace stillframe::ese::ntds {

namespace {

// Three pages of the largest size, and more; the engine reads into memory that is aligned.
constexpr std::size_t kReadBytes = std::size_t{256} << 10, kReadAlignment = 4096;

struct OpenFile {
  BackupFile number{};
  BytePath path;
  std::size_t begin = 0, end = 0;  // of what was read and not given yet
  bool read_all = false;
};

class InstanceBackup final : public StagedBackup {
 public:
  InstanceBackup(std::shared_ptr<jet::JetInstance> instance, std::vector<std::byte> token)
      : instance_(std::move(instance)),
        token_(std::move(token)),
        buffer_(static_cast<std::byte*>(std::aligned_alloc(kReadAlignment, kReadBytes))) {
    if (buffer_ == nullptr) throw std::bad_alloc();
  }
  ~InstanceBackup() override {
    if (!ended_) (void)end_as(true);  // whole or not, nobody has said so
    std::free(buffer_);
  }
  InstanceBackup(const InstanceBackup&) = delete;
  InstanceBackup& operator=(const InstanceBackup&) = delete;

  Status begin() {
    return inside([this](StreamingBackup& backup) -> Status {
      if (Status s = backup.begin(BackupContents::full); !s.ok()) return s;
      ended_ = false;
      const auto paths = backup.attach_info();
      if (!paths.ok()) return paths.error();
      databases_ = paths.value();
      return Ok{};
    });
  }

  std::vector<std::byte> token() const override { return token_; }

  Result<std::vector<ListedFile>> databases() override {
    if (Status s = check_between_files(); !s.ok()) return s.error();
    if (logs_) return out_of_order("databases come before logs");
    return listed(databases_, BFT_NTDS_DATABASE);
  }

  Result<std::vector<ListedFile>> logs() override {
    if (Status s = check_between_files(); !s.ok()) return s.error();
    const Status asked = inside([this](StreamingBackup& backup) -> Status {
      const auto list = backup.log_info();
      if (!list.ok()) return list.error();
      logs_ = list.value().files;
      return Ok{};
    });
    if (!asked.ok()) return asked.error();
    return listed(*logs_, BFT_LOG);
  }

  Result<std::vector<ListedFile>> locations() override {
    return locations_of(*instance_, databases_);
  }

  Result<std::uint64_t> open(const BytePath& path) override {
    if (Status s = check_between_files(); !s.ok()) return s.error();
    if (Status s = check_name(path); !s.ok()) return s.error();
    std::uint64_t bytes = 0;
    const Status opened = inside([&](StreamingBackup& backup) -> Status {
      const auto file = backup.open(path);
      if (!file.ok()) return file.error();
      open_ = OpenFile{file.value().file, path};
      bytes = file.value().bytes;
      return Ok{};
    });
    if (opened.ok()) return bytes;
    const bool no_log = is_log(path) && is(opened.error(), EseErr::file_not_found);
    return no_log ? ds_error(hrLogFileNotFound, opened.error().what()) : opened.error();
  }

  Result<std::size_t> read(MutableBytes into) override {
    if (!open_) return none_open();
    if (open_->begin == open_->end) {
      if (Status s = fill(); !s.ok()) return s.error();
    }
    const std::size_t given = std::min(into.size(), open_->end - open_->begin);
    std::memcpy(into.data(), buffer_ + open_->begin, given);
    open_->begin += given;
    return given;
  }

  Status close() override {
    if (!open_) return none_open();
    const OpenFile file = *std::exchange(open_, std::nullopt);
    if (file.read_all) read_.insert(file.path);
    return inside([&](StreamingBackup& backup) { return backup.close(file.number); });
  }

  Status truncate() override {
    if (Status s = check_between_files(); !s.ok()) return s;
    const Status done = inside([](StreamingBackup& backup) { return backup.truncate_log(); });
    truncated_ = truncated_ || done.ok();
    return done;
  }

  Status end() override { return end_as(!whole()); }

 private:
  Status end_as(bool aborted) {
    ended_ = true;
    open_.reset();
    BackupEnd how;
    how.aborted = aborted;
    return inside([&](StreamingBackup& backup) { return backup.end(how); });
  }
  static Error none_open() { return ds_error(hrInvalidHandle, "no file is open"); }
  static Error out_of_order(const char* what) { return ds_error(hrInvalidBackupSequence, what); }

  template <class Call>
  Status inside(const Call& call) {
    const auto use = jet::InstanceUse::enter_for_backup(instance_);
    if (!use.ok()) return use.error();
    return call(instance_->backups().external());
  }

  static std::vector<ListedFile> listed(const std::vector<BytePath>& paths, std::uint8_t kind) {
    std::vector<ListedFile> files;
    for (const BytePath& path : paths) files.push_back({kind, path});
    return files;
  }
  static bool has(const std::vector<BytePath>& paths, const BytePath& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  }
  bool is_log(const BytePath& path) {
    const std::string base = instance_->parameters().text(JET_paramBaseName);
    return parse_log_file_name(base, last_component(path)).has_value();
  }

  Status check_between_files() const {
    if (open_) return ds_error(hrAlreadyOpen, "'" + escape_path(open_->path) + "' is open");
    if (truncated_) return out_of_order("logs were removed: the backup can only be ended");
    return Ok{};
  }
  // The backup gives what it listed, and no other file of the machine.
  Status check_name(const BytePath& path) {
    if (has(databases_, path)) {
      return logs_ ? Status(out_of_order("databases come before logs")) : Status(Ok{});
    }
    if (logs_ && has(*logs_, path)) return Ok{};
    const std::string what = "'" + escape_path(path) + "' is in no list of this backup";
    if (!is_log(path)) return invalid_parameter(what);
    return logs_ ? ds_error(hrLogFileNotFound, what) : out_of_order("logs were not asked for yet");
  }

  Status fill() {
    std::size_t bytes = 0;
    const Status done = inside([&](StreamingBackup& backup) -> Status {
      const auto got = backup.read(open_->number, {buffer_, kReadBytes});
      if (!got.ok()) return got.error();
      bytes = got.value();
      return Ok{};
    });
    if (!done.ok()) return done;
    open_->begin = 0;
    open_->end = bytes;
    open_->read_all = bytes == 0;
    return Ok{};
  }

  bool whole() const {
    if (!logs_) return false;
    const auto was_read = [this](const BytePath& path) { return read_.contains(path); };
    return std::all_of(databases_.begin(), databases_.end(), was_read) &&
           std::all_of(logs_->begin(), logs_->end(), was_read);
  }

  const std::shared_ptr<jet::JetInstance> instance_;
  const std::vector<std::byte> token_;
  std::byte* const buffer_;
  std::vector<BytePath> databases_;
  std::optional<std::vector<BytePath>> logs_;
  std::optional<OpenFile> open_;
  std::set<BytePath> read_;
  bool truncated_ = false, ended_ = true;
};

}  // namespace

Result<std::unique_ptr<StagedBackup>> back_up_instance(std::shared_ptr<jet::JetInstance> instance) {
  const HostRules rules = host_rules();
  auto token = encode_token({rules.now(), rules.token_days, instance->name()});
  auto backup = std::make_unique<InstanceBackup>(std::move(instance), std::move(token));
  if (Status s = backup->begin(); !s.ok()) return s.error();
  return std::unique_ptr<StagedBackup>(std::move(backup));
}

}  // namespace stillframe::ese::ntds
