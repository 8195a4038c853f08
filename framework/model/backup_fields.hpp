// The fields of the backup document; docs/schemas/backup-document.schema.json says the same for
// other programs.
#pragma once

#include <utility>

#include <stillframe/backup_document.hpp>

#include "framework/model/metadata_fields.hpp"

namespace stillframe {

template <class Io>
void fields(Io& io, typename Io::template Ref<ByteRange> v) {
  io.number("offset", v.offset);
  io.number("length", v.length);
}

// One thing that moved from a place to another.
template <class Io>
void fields(Io& io, typename Io::template Ref<std::pair<BytePath, BytePath>> v) {
  io.path("from", v.first, Need::required);
  io.path("to", v.second, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<PartialFile> v) {
  io.path("path", v.path, Need::required);
  io.path("name", v.name, Need::required);
  io.list("ranges", v.ranges);
  io.path("ranges_file", v.ranges_file, Need::optional);
  io.bytes("metadata", v.metadata, Need::optional);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<DifferencedFiles> v) {
  io.path("path", v.path, Need::required);
  io.path("pattern", v.pattern, Need::required);
  io.flag("recursive", v.recursive, false);
  io.time("since", v.since);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<DirectedTarget> v) {
  io.path("source_path", v.source_path, Need::required);
  io.path("source_name", v.source_name, Need::required);
  io.list("source_ranges", v.source_ranges);
  io.path("destination_path", v.destination_path, Need::required);
  io.path("destination_name", v.destination_name, Need::required);
  io.list("destination_ranges", v.destination_ranges);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<NewTarget> v) {
  io.path("path", v.path, Need::required);
  io.path("pattern", v.pattern, Need::required);
  io.flag("recursive", v.recursive, false);
  io.path("destination", v.destination, Need::required);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ComponentFailure> v) {
  io.number("code", v.code);
  io.number("application_code", v.application_code, std::optional(0));
  io.text("message", v.message, Need::optional);
  io.text("phase", v.phase, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ChainBase> v) {
  io.id("backup", v.backup, Need::required);
  io.bytes("stamp", v.stamp, Need::optional);
  io.text("owner", v.owner, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ComponentRestore> v) {
  io.flag("selected", v.selected, false);
  io.list("subcomponents", v.subcomponents);
  io.id("target_instance", v.target_instance, Need::optional);
  io.bytes("options", v.options, Need::optional);
  io.list("new_targets", v.new_targets);
  io.flag("additional_restores", v.additional_restores, false);
  io.name_of("roll_forward", v.roll_forward);
  io.bytes("roll_forward_point", v.roll_forward_point, Need::optional);
  io.text("restore_name", v.restore_name, Need::optional);
  io.flag("authoritative", v.authoritative, false);
  io.name_of("target", v.target, std::optional(RestoreTarget::original));
  io.list("directed_targets", v.directed_targets);
  io.bytes("metadata", v.metadata, Need::optional);
  io.name_of("status", v.status, std::optional(FileRestoreStatus::undefined));
  io.list("mappings_used", v.mappings_used);
  io.list("moved_ranges_files", v.moved_ranges_files);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<BackupComponent> v) {
  io.id("writer_class", v.writer_class, Need::required);
  io.id("writer_instance", v.writer_instance, Need::optional);
  io.text("instance_name", v.instance_name, Need::optional);
  io.name_of("type", v.type);
  fields(io, v.name);
  io.name_of("policy", v.policy, std::optional(ConsistencyPolicy::require));
  io.bytes("options", v.options, Need::optional);
  io.object("base", v.base);
  io.bytes("stamp", v.stamp, Need::optional);
  io.bytes("metadata", v.metadata, Need::optional);
  io.list("partial_files", v.partial_files);
  io.list("differenced_files", v.differenced_files);
  io.list("failures", v.failures);
  io.flag("succeeded", v.succeeded, false);
  io.object("restore", v.restore);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<BackupDocument> v) {
  io.id("session", v.session, Need::required);
  io.id("backup", v.backup, Need::required);
  io.id("set", v.set, Need::optional);
  io.name_of("type", v.type);
  io.flag("component_mode", v.component_mode, true);
  io.flag("bootable_system_state", v.bootable_system_state, false);
  io.flag("partial_file_support", v.partial_file_support, false);
  io.flag("restore_mode", v.restore_mode, false);
  io.text("chain_owner", v.chain_owner, Need::optional);
  io.list("components", v.components);
  io.unknown(v.unknown);
}

}  // namespace stillframe
