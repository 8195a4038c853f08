#include "framework/coordinator/service/coordinator_service.hpp"
#include "framework/model/enum_names.hpp"

namespace stillframe::coordinator {
namespace {

using SharedRequest = std::shared_ptr<Request>;

void gather_restore(RestoreSession& session, const SharedRequest& request) {
  session.gather(answer_with<std::vector<WriterStatus>>(request, "writers"));
}

void select_restore(RestoreSession& session, const SharedRequest& request) {
  const auto components = request->params.get<std::vector<BackupComponent>>("components");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.select(components, answer_status(request));
}

void pre_restore(RestoreSession& session, const SharedRequest& request) {
  session.pre_restore(answer_with<std::vector<BackupComponent>>(request, "components"));
}

void prepare_restore(RestoreSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const auto authority = request->params.get<RestoreAuthority>("authority");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.prepare(writer, authority, answer_status(request));
}

void locations(RestoreSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const auto component = request->params.get<ComponentName>("component");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.locations(writer, component,
                    answer_with<std::vector<RestoreLocation>>(request, "locations"));
}

void register_restore(RestoreSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const auto registration = request->params.get<RestoreRegistration>("registration");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.register_restore(writer, registration, answer_status(request));
}

void file_status(RestoreSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const auto component = request->params.get<ComponentName>("component");
  const std::string name = request->params.text("status");
  const auto mappings = request->params.get<std::vector<AlternateMapping>>("mappings_used");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  auto status = parse_enum<FileRestoreStatus>(name);
  if (!status.ok()) return request->refuse(status.error().while_doing("restore.file_status"));
  session.set_file_status(writer, component, status.value(), mappings, answer_status(request));
}

void complete_restore(RestoreSession& session, const SharedRequest& request) {
  const auto writer = request->params.id<WriterInstanceId>("writer");
  const auto component = request->params.get<ComponentName>("component");
  const bool copied_ok = request->params.flag("copied_ok");
  const std::string failure = request->params.text_or("failure", "");
  if (Status s = request->params.check(); !s.ok()) return request->refuse(s.error());
  session.complete(writer, component, copied_ok, failure, answer_status(request));
}

void post_restore(RestoreSession& session, const SharedRequest& request) {
  session.post_restore(answer_with<std::vector<WriterStatus>>(request, "writers"));
}

void end_restore(RestoreSession& session, const SharedRequest& request) {
  session.end(answer_with<RestoreReport>(request, "report"));
}

void cancel_restore(RestoreSession& session, const SharedRequest& request) {
  session.abort("the requestor cancelled", answer_status(request));
}

}  // namespace

const std::map<std::string, CoordinatorService::SessionMethod<RestoreSession>, std::less<>>&
CoordinatorService::restore_methods() {
  static const std::map<std::string, SessionMethod<RestoreSession>, std::less<>> table{
      {"restore.gather", gather_restore},     {"restore.select", select_restore},
      {"restore.pre_restore", pre_restore},   {"restore.prepare", prepare_restore},
      {"restore.locations", locations},       {"restore.register", register_restore},
      {"restore.file_status", file_status},   {"restore.complete", complete_restore},
      {"restore.post_restore", post_restore}, {"restore.end", end_restore},
      {"restore.cancel", cancel_restore},
  };
  return table;
}

}  // namespace stillframe::coordinator
