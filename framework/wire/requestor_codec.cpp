#include "framework/wire/requestor_codec.hpp"

#include "framework/model/json_codec_instances.hpp"
#include "framework/model/view_fields.hpp"
#include "framework/wire/error_fields.hpp"

namespace stillframe {

template <class Io>
void fields(Io& io, typename Io::template Ref<WriterStatus> v) {
  io.object("identity", v.identity);
  io.id("instance", v.instance, Need::optional);
  io.object("process", v.process);
  io.name_of("state", v.state);
  io.object("failure", v.failure);
  io.object("metadata", v.metadata);
  io.list("warnings", v.warnings);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SessionInfo> v) {
  io.id("session", v.session, Need::required);
  io.text("requestor", v.requestor, Need::optional);
  io.text("kind", v.kind, Need::required);
  io.text("phase", v.phase, Need::required);
  io.time("since", v.since);
  io.text("waiting_for", v.waiting_for, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ComponentSelector> v) {
  io.text("writer", v.writer, Need::optional);
  io.text("component", v.component, Need::optional);
  io.name_of("policy", v.policy);
  io.text("options", v.options, Need::optional);
  io.object("base", v.base);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<BackupOptions> v) {
  io.name_of("type", v.type);
  io.flag("component_mode", v.component_mode, true);
  io.flag("bootable_system_state", v.bootable_system_state, false);
  io.flag("partial_file_support", v.partial_file_support, false);
  io.text("chain_owner", v.chain_owner, Need::optional);
  io.list("exclude_writers", v.exclude_writers);
  io.name_of("policy", v.policy, std::optional(ConsistencyPolicy::require));
  io.milliseconds("hold_limit_ms", v.hold_limit);
  io.milliseconds("commit_limit_ms", v.commit_limit);
  io.milliseconds("lease_ms", v.lease);
  if constexpr (Io::kReads) {
    std::optional<std::chrono::milliseconds> wait;
    io.milliseconds("queue_wait_ms", wait);
    if (wait) v.queue_wait = *wait;  // absent: the default
  } else {
    io.milliseconds("queue_wait_ms", std::optional(v.queue_wait));
  }
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SnapshotOptions> v) {
  io.object("attributes", v.attributes);
  io.text("provider", v.provider, Need::optional);
  if constexpr (Io::kReads) {
    std::vector<std::string> escaped;
    io.list("extra_volumes", escaped);
    v.extra_volumes.clear();
    for (const auto& text : escaped) {
      auto path = unescape_path(text);
      if (!path.ok()) {
        const JsonPlace list{&io.place(), "extra_volumes"};
        const JsonPlace at{&list, {}, v.extra_volumes.size()};
        return io.problem().add(at, path.error().what());
      }
      v.extra_volumes.push_back(std::move(path).value());
    }
  } else {
    std::vector<std::string> escaped;
    for (const auto& path : v.extra_volumes) escaped.push_back(escape_path(path));
    io.list("extra_volumes", escaped);
  }
  io.flag("auto_release", v.auto_release, true);
  io.name_of("policy", v.policy);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SnapshotSetResult> v) {
  io.id("set", v.set, Need::required);
  io.list("snapshots", v.snapshots);
  io.object("evidence", v.evidence);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ComponentResult> v) {
  io.id("writer_class", v.writer_class, Need::required);
  io.text("instance_name", v.instance_name, Need::optional);
  io.object("component", v.name);
  io.flag("succeeded", v.succeeded);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreOptions> v) {
  io.bytes("authority_token", v.authority_token, Need::optional);
  io.time("expires", v.expires);
  io.milliseconds("wait_start_ms", v.wait_start);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<HoldResult> v) {
  io.object("evidence", v.evidence);
  io.number("command_status", v.command_status, std::optional(0));
}

template <class Io>
void fields(Io& io, typename Io::template Ref<PluginInfo> v) {
  io.text("name", v.name, Need::required);
  io.text("kind", v.kind, Need::required);
  io.number("process", v.process, std::optional<std::int32_t>(0));
  io.name_of("state", v.state);
  io.number("crashes", v.crashes, std::optional<std::uint32_t>(0));
  io.text("reason", v.reason, Need::optional);
  io.time("since", v.since);
  io.time("next_attempt", v.next_attempt);
}

STILLFRAME_JSON_CODEC(WriterStatus)
STILLFRAME_JSON_CODEC(SessionInfo)
STILLFRAME_JSON_CODEC(ComponentSelector)
STILLFRAME_JSON_CODEC(BackupOptions)
STILLFRAME_JSON_CODEC(SnapshotOptions)
STILLFRAME_JSON_CODEC(SnapshotSetResult)
STILLFRAME_JSON_CODEC(ComponentResult)
STILLFRAME_JSON_CODEC(RestoreOptions)
STILLFRAME_JSON_CODEC(HoldResult)
STILLFRAME_JSON_CODEC(PluginInfo)

}  // namespace stillframe
