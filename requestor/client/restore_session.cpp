#include "framework/model/enum_names.hpp"
#include "requestor/client/client_impl.hpp"

namespace stillframe {

using nlohmann::json;

namespace {

Result<std::vector<WriterStatus>> writers_of(SessionCalls& calls, const char* verb) {
  auto result = calls.call(verb);
  if (!result.ok()) return result.error();
  return decode_member<std::vector<WriterStatus>>(calls.method(verb), result.value(), "writers");
}

json of_writer(const WriterInstanceId& writer) {
  return {{"writer", writer.to_string()}};
}

json of_component(const WriterInstanceId& writer, const ComponentName& component) {
  return {{"writer", writer.to_string()}, {"component", encode_json(component)}};
}

}  // namespace

RestoreSession::RestoreSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestoreSession::RestoreSession(RestoreSession&&) noexcept = default;
RestoreSession& RestoreSession::operator=(RestoreSession&&) noexcept = default;
RestoreSession::~RestoreSession() = default;

RestoreSession::Impl::~Impl() {
  calls.subscribe({});
  // What was registered stays interlocked: a half-copied target must not start.
  if (!calls.ended) (void)calls.call_even_if_cancelled("cancel", json::object());
}

SessionId RestoreSession::id() const {
  return impl_->calls.id();
}

void RestoreSession::on_progress(ProgressHandler handler) {
  impl_->calls.subscribe(std::move(handler));
}

Result<std::vector<WriterStatus>> RestoreSession::gather() {
  return writers_of(impl_->calls, "gather");
}

Status RestoreSession::select(const std::vector<BackupComponent>& components) {
  return to_status(impl_->calls.call("select", {{"components", encode_json(components)}}));
}

Result<std::vector<BackupComponent>> RestoreSession::pre_restore() {
  auto result = impl_->calls.call("pre_restore");
  if (!result.ok()) return result.error();
  return decode_member<std::vector<BackupComponent>>("restore.pre_restore", result.value(),
                                                     "components");
}

Status RestoreSession::prepare(const WriterInstanceId& writer, const RestoreAuthority& authority) {
  json params = of_writer(writer);
  params["authority"] = encode_json(authority);
  return to_status(impl_->calls.call("prepare", std::move(params)));
}

Result<std::vector<RestoreLocation>> RestoreSession::locations(const WriterInstanceId& writer,
                                                               const ComponentName& component) {
  auto result = impl_->calls.call("locations", of_component(writer, component));
  if (!result.ok()) return result.error();
  return decode_member<std::vector<RestoreLocation>>("restore.locations", result.value(),
                                                     "locations");
}

Status RestoreSession::register_restore(const WriterInstanceId& writer,
                                        const RestoreRegistration& registration) {
  json params = of_writer(writer);
  params["registration"] = encode_json(registration);
  return to_status(impl_->calls.call("register", std::move(params)));
}

Status RestoreSession::set_file_status(const WriterInstanceId& writer,
                                       const ComponentName& component, FileRestoreStatus status,
                                       const std::vector<AlternateMapping>& mappings_used) {
  json params = of_component(writer, component);
  params["status"] = enum_name(status);
  params["mappings_used"] = encode_json(mappings_used);
  return to_status(impl_->calls.call("file_status", std::move(params)));
}

Status RestoreSession::complete(const WriterInstanceId& writer, const ComponentName& component,
                                const Status& copied) {
  json params = of_component(writer, component);
  params["copied_ok"] = copied.ok();
  params["failure"] = copied.ok() ? std::string() : copied.error().what();
  // Also after cancel(): the target must learn that its copy did not come.
  return to_status(impl_->calls.call_even_if_cancelled("complete", std::move(params)));
}

Result<std::vector<WriterStatus>> RestoreSession::post_restore() {
  return writers_of(impl_->calls, "post_restore");
}

Result<RestoreReport> RestoreSession::end() {
  auto result = impl_->calls.call_even_if_cancelled("end", json::object());
  if (!result.ok()) return result.error();
  impl_->calls.ended = true;
  return decode_member<RestoreReport>("restore.end", result.value(), "report");
}

void RestoreSession::cancel() {
  impl_->calls.cancel();
}

}  // namespace stillframe
