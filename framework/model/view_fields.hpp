// The fields of what writers are told and answer, of provider values and of the interlock record.
#pragma once

#include <stillframe/provider.hpp>
#include <stillframe/writer.hpp>
#include <stillframe/writer_host.hpp>

#include "framework/model/backup_fields.hpp"
#include "framework/model/evidence_fields.hpp"

namespace stillframe {

template <class Io>
void fields(Io& io, typename Io::template Ref<BackupView> v) {
  io.id("set", v.set, Need::optional);
  io.name_of("type", v.type);
  io.flag("component_mode", v.component_mode, true);
  io.flag("bootable_system_state", v.bootable_system_state, false);
  io.flag("partial_file_support", v.partial_file_support, false);
  io.list("components", v.components);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<VolumeInSet> v) {
  io.path("mount_point", v.mount_point, Need::required);
  io.id("snapshot", v.snapshot, Need::required);
  io.path("snapshot_root", v.snapshot_root, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SnapshotSetView> v) {
  io.id("set", v.set, Need::required);
  io.flag("for_rollback", v.for_rollback, false);
  io.list("volumes", v.volumes);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<StreamRequest> v) {
  io.object("component", v.component);
  io.path("file", v.file, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<StreamInfo> v) {
  io.number("handle", v.handle);
  io.number("size", v.size);
  io.number("read_unit", v.read_unit, std::optional<std::uint32_t>(1));
}

template <class Io>
void fields(Io& io, typename Io::template Ref<LogFile> v) {
  io.path("path", v.path, Need::required);
  io.number("generation", v.generation);
  io.flag("required", v.required, false);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<LogList> v) {
  io.number("low", v.low);
  io.number("high", v.high);
  io.list("files", v.files);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<VerifyRequest> v) {
  io.object("component", v.component);
  io.path("root", v.root, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<VerifyReport> v) {
  io.name_of("verdict", v.verdict);
  io.text("detail", v.detail, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreAuthority> v) {
  io.bytes("token", v.token, Need::optional);
  io.number("uid", v.uid, std::optional<std::int64_t>(-1));
  io.time("expires", v.expires);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreView> v) {
  io.name_of("type", v.type);
  io.list("components", v.components);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreLocation> v) {
  io.object("component", v.component);
  io.text("what", v.what, Need::required);
  io.path("path", v.path, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreRegistration> v) {
  io.object("component", v.component);
  io.path("checkpoint_path", v.checkpoint_path, Need::optional);
  io.path("log_path", v.log_path, Need::optional);
  io.list("moved", v.moved);
  io.path("backup_log_path", v.backup_log_path, Need::optional);
  io.number("low", v.low, std::optional<std::uint64_t>(0));
  io.number("high", v.high, std::optional<std::uint64_t>(0));
}

template <class Io>
void fields(Io& io, typename Io::template Ref<InterlockRecord> v) {
  io.name_of("state", v.state);
  io.id("session", v.session, Need::required);
  io.text("target", v.target, Need::optional);
  io.object("registration", v.registration);
  io.time("since", v.since);
  io.text("failure", v.failure, Need::optional);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Volume> v) {
  io.text("id", v.id, Need::required);
  io.path("mount_point", v.mount_point, Need::required);
  io.path("mount_root", v.mount_root, Need::optional);
  io.path("device", v.device, Need::optional);
  io.text("fs_type", v.fs_type, Need::optional);
  io.text("fs_uuid", v.fs_uuid, Need::optional);
  io.number("st_dev", v.st_dev, std::optional<std::uint64_t>(0));
  io.number("subvolume_id", v.subvolume_id, std::optional<std::uint64_t>(0));
  io.flag("read_only", v.read_only, false);
  io.path("backing_image", v.backing_image, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ProviderInfo> v) {
  io.id("id", v.id, Need::required);
  io.text("name", v.name, Need::required);
  io.object("version", v.version);
  io.name_of("atomicity", v.atomicity);
  io.number("capabilities", v.capabilities.bits);
  io.flag("freezes_file_system", v.freezes_file_system, false);
  io.number("preference", v.preference, std::optional(0));
  io.milliseconds("expected_commit_ms", v.expected_commit);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SnapshotAttributes> v) {
  io.flag("persistent", v.persistent, false);
  io.flag("auto_recovery", v.auto_recovery, true);
  io.flag("for_rollback", v.for_rollback, false);
  io.flag("differential", v.differential, false);
  io.flag("clone", v.clone, false);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CutRequest> v) {
  io.id("set", v.set, Need::required);
  io.id("snapshot", v.snapshot, Need::required);
  io.object("volume", v.volume);
  io.object("attributes", v.attributes);
  io.list("files", v.files);
  io.list("exclude", v.exclude);
  io.number("bytes_limit", v.bytes_limit, std::optional<std::uint64_t>(0));
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CutEstimate> v) {
  io.number("bytes_needed", v.bytes_needed);
  io.number("bytes_available", v.bytes_available);
  io.number("files", v.files, std::optional<std::uint64_t>(0));
  io.nanoseconds("commit_ns", v.commit);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SnapshotInfo> v) {
  io.id("snapshot", v.snapshot, Need::required);
  io.id("set", v.set, Need::optional);
  io.id("provider", v.provider, Need::optional);
  io.text("provider_name", v.provider_name, Need::optional);
  io.object("volume", v.volume);
  io.object("attributes", v.attributes);
  io.name_of("state", v.state);
  io.time("created", v.created);
  io.path("root", v.root, Need::optional);
  io.path("exposed_at", v.exposed_at, Need::optional);
  io.text("host", v.host, Need::optional);
  io.text("reason_unusable", v.reason_unusable, Need::optional);
}

}  // namespace stillframe
