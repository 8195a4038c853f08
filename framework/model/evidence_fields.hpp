// The fields of evidence, receipt and restore report; docs/schemas/ says the same for other
// programs.
#pragma once

#include <stillframe/evidence.hpp>

#include "framework/model/backup_fields.hpp"

namespace stillframe {

template <class Io>
void fields(Io& io, typename Io::template Ref<HoldStatement> v) {
  io.time("held_from", v.held_from);
  io.time("held_until", v.held_until);
  io.flag("unbroken", v.unbroken);
  io.flag("asserted_only", v.asserted_only, false);
  io.nanoseconds("longest_stall_ns", v.longest_stall);
  io.text("broken_because", v.broken_because, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CutPart> v) {
  io.path("path", v.path, Need::required);
  io.time("begun", v.begun);
  io.time("ended", v.ended);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CutRecord> v) {
  io.id("snapshot", v.snapshot, Need::required);
  io.time("begun", v.begun);
  io.time("ended", v.ended);
  io.list("parts", v.parts);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<PhaseTime> v) {
  io.text("phase", v.phase, Need::required);
  io.text("who", v.who, Need::optional);
  io.time("begun", v.begun);
  io.time("ended", v.ended);
  io.text("result", v.result, Need::optional);
  io.text("detail", v.detail, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ComponentEvidence> v) {
  io.id("writer_class", v.writer_class, Need::required);
  io.text("instance_name", v.instance_name, Need::optional);
  fields(io, v.name);
  io.name_of("label", v.label);
  io.text("reason", v.reason, Need::optional);
  io.object("hold", v.hold);
  io.list("cuts", v.cuts);
  io.list("failures", v.failures);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SnapshotEvidence> v) {
  io.id("snapshot", v.snapshot, Need::required);
  io.id("provider", v.provider, Need::optional);
  io.text("provider_name", v.provider_name, Need::optional);
  io.name_of("atomicity", v.atomicity);
  io.path("volume", v.volume, Need::required);
  io.object("cut", v.cut);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<FailedWriter> v) {
  io.object("identity", v.identity);
  io.object("process", v.process);
  io.text("phase", v.phase, Need::required);
  io.number("code", v.code);
  io.number("application_code", v.application_code, std::optional(0));
  io.text("message", v.message, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Evidence> v) {
  io.id("session", v.session, Need::required);
  io.id("set", v.set, Need::optional);
  io.text("host", v.host, Need::optional);
  io.time("created", v.created);
  io.name_of("label", v.label);
  io.text("reason", v.reason, Need::optional);
  io.list("components", v.components);
  io.list("snapshots", v.snapshots);
  io.list("failed_writers", v.failed_writers);
  io.list("timeline", v.timeline);
  io.text("outcome", v.outcome, Need::optional);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Receipt> v) {
  io.id("backup", v.backup, Need::required);
  io.id("session", v.session, Need::required);
  io.id("set", v.set, Need::optional);
  io.text("manifest_sha256", v.manifest_sha256, Need::required);
  io.time("published", v.published);
  io.unknown(v.unknown);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoredComponent> v) {
  io.id("writer_class", v.writer_class, Need::required);
  io.text("instance_name", v.instance_name, Need::optional);
  fields(io, v.name);
  io.name_of("status", v.status);
  io.number("files", v.files);
  io.number("bytes", v.bytes);
  io.text("message", v.message, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreReport> v) {
  io.id("session", v.session, Need::required);
  io.id("backup", v.backup, Need::required);
  io.time("finished", v.finished);
  io.text("outcome", v.outcome, Need::required);
  io.list("components", v.components);
  io.list("timeline", v.timeline);
  io.unknown(v.unknown);
}

}  // namespace stillframe
