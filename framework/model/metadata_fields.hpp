// The fields of the writer metadata document; docs/schemas/writer-metadata.schema.json says the
// same for other programs.
#pragma once

#include "framework/model/json_fields.hpp"

namespace stillframe {

template <class Io>
void fields(Io& io, typename Io::template Ref<Version> v) {
  io.number("major", v.major);
  io.number("minor", v.minor);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ComponentName> v) {
  io.text("logical_path", v.logical_path, Need::optional);
  io.text("name", v.name, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<FileSet> v) {
  io.path("path", v.path, Need::required);
  io.path("pattern", v.pattern, Need::required);
  io.flag("recursive", v.recursive, false);
  io.path("alternate_path", v.alternate_path);
  io.number("mask", v.mask.bits, std::optional(TypeMask::kDefault));
  io.flag("is_log", v.is_log, false);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Dependency> v) {
  io.id("writer_class", v.writer_class, Need::required);
  fields(io, v.component);
  io.text("host", v.host, Need::optional);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Component> v) {
  io.name_of("type", v.type);
  fields(io, v.name);
  io.text("caption", v.caption, Need::optional);
  io.picture("icon", v.icon);
  io.flag("selectable_for_backup", v.selectable_for_backup, true);
  io.flag("selectable_for_restore", v.selectable_for_restore, false);
  io.flag("backup_recovery", v.backup_recovery, false);
  io.flag("rollback_recovery", v.rollback_recovery, false);
  io.flag("not_system_state", v.not_system_state, false);
  io.list("files", v.files);
  io.list("dependencies", v.dependencies);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestorePolicy> v) {
  io.name_of("method", v.method);
  io.text("service", v.service, Need::optional);
  io.text("user_procedure", v.user_procedure, Need::optional);
  io.name_of("events", v.events, std::optional(RestoreEvents::always));
  io.flag("reboot_required", v.reboot_required, false);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ExcludedFiles> v) {
  io.path("path", v.path, Need::required);
  io.path("pattern", v.pattern, Need::required);
  io.flag("recursive", v.recursive, false);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<AlternateMapping> v) {
  io.path("path", v.path, Need::required);
  io.path("pattern", v.pattern, Need::required);
  io.flag("recursive", v.recursive, false);
  io.path("destination", v.destination, Need::required);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<WriterIdentity> v) {
  io.id("class_id", v.class_id, Need::required);
  io.text("name", v.name, Need::required);
  io.text("instance_name", v.instance_name, Need::optional);
  io.object("version", v.version);
  io.name_of("usage", v.usage);
  io.name_of("source", v.source);
  io.name_of("level", v.level, std::optional(FreezeLevel::front_end));
  io.number("capabilities", v.capabilities.bits);
  io.milliseconds("hold_limit_ms", v.hold_limit);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<WriterProcess> v) {
  io.number("pid", v.pid);
  io.number("uid", v.uid);
  io.path("executable", v.executable, Need::optional);
  io.text("unit", v.unit, Need::optional);
  io.text("user", v.user, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<WriterMetadata> v) {
  io.object("identity", v.identity);
  io.id("instance", v.instance, Need::optional);
  io.object("process", v.process);
  io.object("restore", v.restore);
  io.number("schema", v.schema.bits);
  io.list("components", v.components);
  io.list("exclude", v.exclude);
  io.list("exclude_from_snapshot", v.exclude_from_snapshot);
  io.list("alternate_mappings", v.alternate_mappings);
  io.unknown(v.unknown);
}

}  // namespace stillframe
