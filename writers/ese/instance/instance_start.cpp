// How an instance finds its log, or begins one.
#include <algorithm>
#include <cstring>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/instance/start_gate.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kFramesMin = 32;

template <std::size_t N>
void put_text(std::array<char, N>& field, const std::string& text) {
  std::memcpy(field.data(), text.data(), std::min(text.size(), N - 1));
}

}  // namespace

// The log as recovery goes on with it; the instance keeps it.
class Instance::Continuation final : public ContinuedLog {
 public:
  explicit Continuation(Instance& instance) : instance_(instance) {}

  Status resume(const LogStreamEnd& end, std::vector<Attachment> attached) override {
    // Where recovery begins until its end is known: as it did this time.
    instance_.attachments_.set_recovering(std::move(attached), {});
    auto log = LogStream::resume(instance_.files_, instance_.log_options(), end,
                                 instance_.attachments_, instance_.options_.clock);
    if (!log.ok()) return log.error();
    instance_.log_ = std::move(log).value();
    return Ok{};
  }
  Result<Lgpos> append(Bytes record) override {
    const auto appended = instance_.log_->append(record, LogRoom::reserve);
    return appended.ok() ? Result<Lgpos>(appended.value().at) : appended.error();
  }
  Status make_durable() override { return instance_.log_->make_all_durable(); }
  void ended(Lgpos) override { instance_.attachments_.set_recovered(); }

 private:
  Instance& instance_;
};

LogStreamOptions Instance::log_options() const {
  LogStreamOptions options;
  options.directory.path = options_.logs;
  options.directory.base = options_.base;
  options.directory.extensions = options_.extensions;
  options.directory.eight_digits = options_.eight_digits;
  options.directory.reserves = options_.reserves;
  options.file_bytes = options_.log_bytes;
  options.page_bytes = static_cast<std::uint16_t>(options_.page_bytes);
  options.circular = options_.circular;
  return options;
}

RecoveryOptions Instance::recovery_options() const {
  RecoveryOptions options;
  options.logs = options_.logs;
  options.system = options_.system;
  options.base = options_.base;
  options.databases = options_.databases;
  options.missing = options_.missing;
  options.progress = options_.progress;
  options.accept_lost_commits = options_.accept_lost_commits;
  options.cache_bytes = options_.cache_bytes;
  options.identity = new_signature();
  options.now = options_.clock();
  return options;
}

Signature Instance::new_signature() const {
  return Signature{options_.random(), options_.clock(), {}};
}

LogEnvironment Instance::environment() const {
  LogEnvironment environment;
  put_text(environment.system_path, options_.system.empty() ? options_.logs : options_.system);
  put_text(environment.log_path, options_.logs);
  environment.flags = options_.circular ? LogEnvironment::kCircular : 0;
  environment.log_file_segments = log_->header().fields.file_segments;
  environment.cache_pages_max = static_cast<std::uint32_t>(cache_->frames());
  return environment;
}

Status Instance::pass_gate() {
  if (options_.gate != nullptr) return options_.gate->open(files_, options_);
  const BytePath record = join_path(options_.logs, kRestoreRecordName);
  if (!files_.exists(record)) return Ok{};
  return ese_error(EseErr::restore_in_progress,
                   "'" + escape_path(record) + "' says that a restore was registered");
}

Status Instance::leave_gate() {
  return options_.gate == nullptr ? Status(Ok{}) : options_.gate->started(files_, options_);
}

Status Instance::begin_log() {
  auto log = LogStream::begin(files_, log_options(), new_signature(), attachments_, options_.clock);
  if (!log.ok()) return log.error();
  log_ = std::move(log).value();
  return Ok{};
}

Status Instance::continue_log() {
  const auto found = read_log_set(files_, options_.logs, options_.base);
  if (!found.ok()) return found.error();
  const LogChain& chain = found.value().chain;
  if (chain.logs.empty() && found.value().bad.empty()) return begin_log();
  if (!chain.logs.empty() && chain.logs.back().header.fields.page_size() != options_.page_bytes) {
    return ese_error(EseErr::page_size_mismatch,
                     "the logs are of databases with pages of " +
                         std::to_string(chain.logs.back().header.fields.page_size()) +
                         " bytes, not " + std::to_string(options_.page_bytes));
  }
  Continuation log(*this);
  auto report = recover(files_, recovery_options(), &log);
  if (!report.ok()) return report.error();
  recovered_ = std::move(report).value();
  return Ok{};
}

// Nothing is attached yet, so this is where the next recovery begins.
Status Instance::begin_run() {
  attachments_.set_recovered();
  cache_ = std::make_unique<PageCache>(
      PageCacheOptions{
          options_.page_bytes,
          std::max<std::size_t>(kFramesMin, options_.cache_bytes / options_.page_bytes)},
      *log_);
  InitRecord2 init;
  init.environment = environment();
  init.time = options_.clock();
  const auto begun = log_->append(encode_record(init));
  if (!begun.ok()) return begun.error();
  run_begun_ = begun.value().at;
  if (Status s = log_->make_durable(run_begun_); !s.ok()) return s;
  return write_checkpoint(run_begun_, false);
}

}  // namespace stillframe::ese
