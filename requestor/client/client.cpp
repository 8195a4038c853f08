#include "framework/wire/event_codec.hpp"
#include "requestor/client/client_impl.hpp"

namespace stillframe {
namespace {

using nlohmann::json;

template <class T>
Result<std::vector<T>> list_of(RequestorCalls& core, const char* method, const char* member) {
  auto result = core.call(method, json::object());
  if (!result.ok()) return result.error();
  return decode_member<std::vector<T>>(method, result.value(), member);
}

json of_snapshot(const SnapshotId& snapshot) {
  return {{"snapshot", snapshot.to_string()}};
}

Result<BytePath> path_member(const char* method, const json& result, const char* member) {
  const auto found = result.find(member);
  if (found == result.end() || !found->is_string()) {
    return Error(Errc::corrupt, std::string(method) + ": the coordinator's answer lacks a path");
  }
  return unescape_path(found->get<std::string>());
}

// A coordinator without such processes does not know the methods at all.
Error about_plugins(const Error& error) {
  if (error.code() != Errc::not_supported) return error;
  return error.while_doing(
      "this coordinator keeps no plug-ins and declarative writers running; stillframed does, so "
      "ask "
      "it, without --embedded");
}

// An embedded coordinator, and an older daemon, have no such method.
Error explain(const Error& error, const char* what) {
  if (error.code() != Errc::not_supported) return error;
  return Error(Errc::not_supported,
               std::string("this coordinator keeps no ") + what + "; stillframed does");
}

}  // namespace

Client::Client(std::shared_ptr<RequestorChannel> channel)
    : core_(std::make_shared<Core>(std::move(channel))) {}

Result<std::vector<WriterStatus>> Client::writers() {
  return list_of<WriterStatus>(*core_, "writers", "writers");
}

Result<std::vector<ProviderInfo>> Client::providers() {
  return list_of<ProviderInfo>(*core_, "providers", "providers");
}

Result<std::vector<Volume>> Client::volumes() {
  return list_of<Volume>(*core_, "volumes", "volumes");
}

Result<std::vector<SessionInfo>> Client::sessions() {
  return list_of<SessionInfo>(*core_, "sessions", "sessions");
}

Status Client::end_session(const SessionId& session) {
  return to_status(core_->call("session.end", of_session(session)));
}

Result<std::vector<SnapshotInfo>> Client::snapshots() {
  return list_of<SnapshotInfo>(*core_, "snapshots", "snapshots");
}

Result<Evidence> Client::snapshot_evidence(const SetId& set) {
  auto result = core_->call("snapshot.evidence", {{"set", set.to_string()}});
  if (!result.ok()) return result.error();
  return decode_member<Evidence>("snapshot.evidence", result.value(), "evidence");
}

Status Client::remove_snapshot(const SnapshotId& snapshot) {
  return to_status(core_->call("snapshot.remove", of_snapshot(snapshot)));
}

Result<BytePath> Client::expose_snapshot(const SnapshotId& snapshot, const BytePath& place) {
  json params = of_snapshot(snapshot);
  params["place"] = escape_path(place);
  auto result = core_->call("snapshot.expose", params);
  if (!result.ok()) return result.error();
  return path_member("snapshot.expose", result.value(), "place");
}

Status Client::unexpose_snapshot(const SnapshotId& snapshot) {
  return to_status(core_->call("snapshot.unexpose", of_snapshot(snapshot)));
}

Status Client::make_writable(const SnapshotId& snapshot) {
  return to_status(core_->call("snapshot.make_writable", of_snapshot(snapshot)));
}

Status Client::revert_snapshot(const SnapshotId& snapshot, const RevertOptions& options) {
  json params = of_snapshot(snapshot);
  params["force"] = options.force;
  return to_status(core_->call("snapshot.revert", params));
}

Result<EventPage> Client::events(const EventQuery& query) {
  auto result = core_->call("events", query_to_json(query));
  if (!result.ok()) return explain(result.error(), "events");
  return page_from_json(result.value());
}

// The handler first: events may come before the answer does.
Status Client::follow_events(std::uint64_t after, EventPageHandler handler) {
  core_->follow(std::move(handler));
  auto result = core_->call("events.follow", {{"after", after}});
  if (result.ok()) return Ok{};
  core_->follow({});
  return explain(result.error(), "events");
}

Result<std::string> Client::metrics() {
  auto result = core_->call("metrics", json::object());
  if (!result.ok()) return explain(result.error(), "metrics");
  const auto text = result.value().find("text");
  if (text == result.value().end() || !text->is_string())
    return Error(Errc::corrupt, "metrics: the coordinator's answer has no text");
  return text->get<std::string>();
}

Result<DaemonStatus> Client::status() {
  auto result = core_->call("status", json::object());
  if (!result.ok()) return explain(result.error(), "status of its own");
  return status_from_json(result.value());
}

Result<BackupSession> Client::begin_backup(const BackupOptions& options) {
  json params = json::object();
  params["options"] = encode_json(options);
  auto result = core_->call("backup.begin", params);
  if (!result.ok()) return result.error();
  auto session = decode_session("backup.begin", result.value());
  if (!session.ok()) return session.error();
  return BackupSession(std::make_unique<BackupSession::Impl>(core_, session.value()));
}

Result<RestoreSession> Client::begin_restore(const BackupDocument& document,
                                             const std::vector<WriterMetadata>& stored_metadata,
                                             const RestoreOptions& options) {
  json params = json::object();
  params["document"] = encode_json(document);
  params["metadata"] = encode_json(stored_metadata);
  params["options"] = encode_json(options);
  auto result = core_->call("restore.begin", params);
  if (!result.ok()) return result.error();
  auto session = decode_session("restore.begin", result.value());
  if (!session.ok()) return session.error();
  return RestoreSession(std::make_unique<RestoreSession::Impl>(core_, session.value()));
}

Result<HoldResult> Client::hold(const BackupOptions& options,
                                const std::vector<ComponentSelector>& selectors,
                                const std::function<int(Deadline)>& while_held) {
  // The session's destructor thaws on every way out that does not reach the end of hold_around().
  auto session = begin_backup(options);
  if (!session.ok()) return session.error();
  if (auto writers = session.value().gather(); !writers.ok()) return writers.error();
  if (Status s = session.value().select(selectors); !s.ok()) return s.error();
  if (auto writers = session.value().prepare(); !writers.ok()) return writers.error();
  return session.value().impl_->hold_around(options, while_held);
}

Result<std::vector<PluginInfo>> Client::plugins() {
  auto list = list_of<PluginInfo>(*core_, "plugins", "plugins");
  if (!list.ok()) return about_plugins(list.error());
  return list;
}

Status Client::release_plugin(const std::string& name) {
  Status released = to_status(core_->call("plugin.release", {{"name", name}}));
  if (!released.ok()) return about_plugins(released.error());
  return released;
}

}  // namespace stillframe
