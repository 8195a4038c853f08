// A staged restore of an instance that does not run: what the caller does with files lies between
// two changes of the record beside its logs.
#include <chrono>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/ntds/expiry_token.hpp"
#include "writers/ese/ntds/host_rules.hpp"
#include "writers/ese/ntds/instance_service.hpp"
#include "writers/ese/ntds/ntds_error.hpp"
#include "writers/ese/ntds/target_files.hpp"

namespace stillframe::ese::ntds {

namespace {

constexpr int kFolderTries = 20;
constexpr std::chrono::milliseconds kFolderPause{50};

RestoreId new_restore_id() {
  std::random_device random;
  return RestoreId{(std::uint64_t{random()} << 32) | random()};
}

Status check_authority_of(std::optional<uid_t> user, const BytePath& logs) {
  return user ? check_restore_authority(*user, logs) : check_restore_authority(logs);
}

Error is_online() {
  return ds_error(hrAfterInitialization, "the server runs: a restore needs it in restore mode");
}

class InstanceRestore final : public StagedRestore {
 public:
  InstanceRestore(std::shared_ptr<jet::JetInstance> instance, bool trusted,
                  std::optional<uid_t> user)
      : instance_(std::move(instance)), trusted_(trusted), user_(user) {}

  Result<std::vector<ListedFile>> locations() override {
    const auto databases = databases_in_log(*files_, options());
    if (!databases.ok()) return databases.error();
    return locations_of(*instance_, databases.value());
  }

  Status register_restore(const RestoreArguments& arguments) override {
    auto record = record_of(arguments);
    if (!record.ok()) return record.error();
    const BytePath logs = options().logs;
    if (Status s = check_authority_of(user_, logs); !s.ok()) return s;
    if (!trusted_) {
      return ds_error(hrMissingExpiryToken,
                      "the restore was prepared without the token of its backup, or with one that "
                      "is damaged or another server's");
    }
    const auto held = hold_folder(logs);
    if (!held.ok()) return held.error();
    const Status written = ese::register_restore(*files_, record.value());
    if (!written.ok()) return of_record(written.error());
    registered_ = record.value().id;
    return Ok{};
  }

  Status complete(std::uint32_t result) override {
    if (!registered_) {
      return invalid_parameter("this handle has registered no restore, or has completed it");
    }
    const BytePath logs = options().logs;
    const auto held = hold_folder(logs);
    if (!held.ok()) return held.error();
    const Status written = complete_restore(*files_, logs, *registered_, result);
    if (written.ok()) registered_.reset();
    return written;
  }

 private:
  InstanceOptions options() const {
    return jet::options_from(instance_->parameters(), jet::Process::get().parameters());
  }

  static Error of_record(const Error& error) {
    if (!is(error, EseErr::restore_in_progress)) return error;
    return ds_error(hrRestoreInProgress, error.what());
  }

  Result<RestoreRecord> record_of(const RestoreArguments& arguments) const {
    const InstanceOptions its = options();
    const BytePath& system = its.system.empty() ? its.logs : its.system;
    if (arguments.logs != its.logs || arguments.checkpoint != system) {
      return invalid_parameter("the folders of logs and checkpoint are those of the server, '" +
                               escape_path(its.logs) + "' and '" + escape_path(system) + "'");
    }
    std::set<BytePath> places;
    for (const RestoredPath& each : arguments.databases) {
      if (places.insert(each.file).second) continue;
      return invalid_parameter("two databases are to be restored as '" + escape_path(each.file) +
                               "'");
    }
    RestoreRecord record;
    record.id = new_restore_id();
    record.base = its.base;
    record.checkpoint = arguments.checkpoint;
    record.logs = arguments.logs;
    record.set = arguments.set;
    record.low = Generation{static_cast<std::int32_t>(arguments.low)};
    record.high = Generation{static_cast<std::int32_t>(arguments.high)};
    record.databases = arguments.databases;
    const auto fits = encode_restore_record(record);
    return fits.ok() ? Result<RestoreRecord>(record) : invalid_parameter(fits.error().what());
  }

  // Who else registers or completes has it for a moment, an instance that runs has it for good. An
  // instance that could not start, because of this restore maybe, does not stand in its way.
  Result<jet::PathLock> hold_folder(const BytePath& logs) const {
    for (int tries = 1;; ++tries) {
      if (!instance_->created_only() && !instance_->ended()) return is_online();
      auto held = jet::PathLock::take(logs, JET_errLogFilePathInUse);
      if (held.ok() || jet::jet_number(held.error()) != JET_errLogFilePathInUse) return held;
      if (tries == kFolderTries) return is_online();
      std::this_thread::sleep_for(kFolderPause);
    }
  }

  const std::shared_ptr<jet::JetInstance> instance_;
  const bool trusted_;
  const std::optional<uid_t> user_;
  const std::unique_ptr<Files> files_ = posix_files();
  std::optional<RestoreId> registered_;
};

}  // namespace

Result<std::unique_ptr<StagedRestore>> restore_instance(std::shared_ptr<jet::JetInstance> instance,
                                                        Bytes token, std::optional<uid_t> user) {
  if (!instance->created_only()) return is_online();
  const BytePath logs = jet::absolute_path(instance->parameters().text(JET_paramLogFilePath));
  if (Status s = check_authority_of(user, logs); !s.ok()) return s.error();
  const TokenVerdict verdict = judge_token(token, instance->name(), host_rules().now());
  if (verdict == TokenVerdict::unknown) {
    return ds_error(hrUnknownExpiryTokenFormat, "the token is none of this interface");
  }
  if (verdict == TokenVerdict::expired) {
    return ds_error(hrContentsExpired, "the backup is older than its token lets it become");
  }
  const bool trusted = verdict == TokenVerdict::good;
  return std::unique_ptr<StagedRestore>(
      std::make_unique<InstanceRestore>(std::move(instance), trusted, user));
}

}  // namespace stillframe::ese::ntds
