// What the verbs do that a writer does not override.
#include <stillframe/writer.hpp>

namespace stillframe {
namespace {

Error not_overridden(const char* verb) {
  return Error(Errc::not_supported, std::string("this writer announces ") + verb +
                                        " by a capability but does not override it");
}

}  // namespace

Status Writer::prepare_backup(const CallContext&, BackupView&) {
  return Ok{};
}
Status Writer::prepare_snapshot(const CallContext&, const SnapshotSetView&) {
  return Ok{};
}
Status Writer::freeze(const CallContext&) {
  return Ok{};
}

// Nobody said that anything was held, so nothing may be called consistent by it.
Result<HoldStatement> Writer::thaw(const CallContext&) {
  HoldStatement statement;
  statement.broken_because = "the writer does not override thaw() and so vouches for nothing";
  return statement;
}

Status Writer::post_snapshot(const CallContext&, const SnapshotSetView&, BackupView&) {
  return Ok{};
}
Status Writer::backup_complete(const CallContext&, const BackupView&, const Receipt&) {
  return Ok{};
}
void Writer::abort(const CallContext&) {}
void Writer::shutdown(const CallContext&, const SetId&) {}

Result<StreamInfo> Writer::open_stream(const CallContext&, const StreamRequest&) {
  return not_overridden("open_stream");
}
Result<std::size_t> Writer::read(const CallContext&, std::uint64_t, std::span<std::byte>) {
  return not_overridden("read");
}
Status Writer::close(const CallContext&, std::uint64_t) {
  return not_overridden("close");
}
Result<LogList> Writer::list_logs(const CallContext&, const ComponentName&) {
  return not_overridden("list_logs");
}
Status Writer::truncate_logs(const CallContext&, const ComponentName&, const Receipt&) {
  return not_overridden("truncate_logs");
}

Status Writer::pre_restore(const CallContext&, RestoreView&) {
  return Ok{};
}
Status Writer::restore_prepare(const CallContext&, const RestoreAuthority&) {
  return not_overridden("restore_prepare");
}
Result<std::vector<RestoreLocation>> Writer::restore_locations(const CallContext&,
                                                               const ComponentName&) {
  return not_overridden("restore_locations");
}
Status Writer::restore_register(const CallContext&, const RestoreAuthority&,
                                const RestoreRegistration&) {
  return not_overridden("restore_register");
}
Status Writer::restore_complete(const CallContext&, const ComponentName&, const Status&) {
  return not_overridden("restore_complete");
}
Status Writer::post_restore(const CallContext&, const RestoreView&) {
  return Ok{};
}
void Writer::restore_end(const CallContext&) {}

Result<VerifyReport> Writer::verify(const CallContext&, const VerifyRequest&) {
  return not_overridden("verify");
}

}  // namespace stillframe
