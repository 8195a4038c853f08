// A guest's restores.
#include <algorithm>

#include "framework/model/enum_names.hpp"
#include "framework/testkit/guest_call.hpp"

namespace stillframe::testkit {

using machine::EventKind;
using machine::Phase;

Result<ChannelReply> Guest::begin_restore(Call& call) {
  const auto stored = call.params.get<BackupDocument>("document");
  const auto options = call.params.get<RestoreOptions>("options");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  // Where the session is begun its limits are read.
  stage_.plan.sessions[first_session_ + begun_ % kSessionsPerGuest].start_wait =
      Duration(options.wait_start).count();
  auto session = begin_session(call.link, SessionKind::restore, stored.type);
  if (!session.ok()) return session.error();
  SessionDocument& document = *stage_.documents[session.value()];
  document.document.backup = stored.backup;
  document.document.restore_mode = true;
  document.authority.token = options.authority_token;
  document.authority.expires = options.expires.value_or(WallTime{});
  stored_[session.value()] = stored.components;
  nlohmann::json result = nlohmann::json::object();
  result["session"] = document.document.session.to_string();
  return reply_with(result);
}

Result<std::uint32_t> Guest::writer_for(const BackupComponent& component) const {
  const auto& writers = stage_.cast.writers;
  const auto found = std::find_if(writers.begin(), writers.end(), [&](const auto& writer) {
    if (component.restore && !component.restore->target_instance.is_nil()) {
      return writer.instance == component.restore->target_instance;
    }
    return writer.identity.class_id == component.writer_class &&
           writer.identity.instance_name == component.instance_name;
  });
  if (found != writers.end()) return static_cast<std::uint32_t>(found - writers.begin());
  return Error(Errc::writer_gone, "component " + component.name.full() + ": its writer instance '" +
                                      component.instance_name +
                                      "' is not running; start it, or name another instance");
}

Result<ChannelReply> Guest::select_restore(Call& call) {
  const auto wanted = call.params.get<std::vector<BackupComponent>>("components");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  std::vector<machine::ComponentSpec> specs;
  const bool in_time = call.state->phase == Phase::restore_gathered;
  for (const BackupComponent& component : wanted) {
    if (!in_time || !component.restore || !component.restore->selected) continue;
    const auto writer = writer_for(component);
    if (!writer.ok()) return writer.error();
    const auto& stored = stored_[call.session];
    const bool known = std::any_of(stored.begin(), stored.end(), [&](const auto& entry) {
      return entry.writer_class == component.writer_class &&
             entry.instance_name == component.instance_name && entry.name == component.name;
    });
    if (!known) {
      return Error(Errc::not_found,
                   "component " + component.name.full() + " is not in the backup document");
    }
    specs.push_back({writer.value(), component.policy, false});
  }
  std::size_t next = 0;
  for (const BackupComponent& component : wanted) {
    if (!in_time || !component.restore || !component.restore->selected) continue;
    ComponentPlan& plan = call.plan->components.emplace_back();
    plan.writer = specs[next++].writer;
    plan.policy = component.policy;
    call.document->select(component, plan.writer);
  }
  machine::Event event;
  event.kind = EventKind::select;
  event.components = specs;
  return done(ask(call, event));
}

Result<ChannelReply> Guest::pre_restore(Call& call) {
  if (Status s = ask(call, EventKind::pre_restore); !s.ok()) return s.error();
  return reply_with("components", call.document->document.components);
}

Result<ChannelReply> Guest::prepare_restore(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  const auto authority = call.params.get<RestoreAuthority>("authority");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  if (!authority.token.empty()) call.document->authority.token = authority.token;
  if (authority.expires != WallTime{}) call.document->authority.expires = authority.expires;
  call.document->authority.uid = 0;  // as a transport would prove it, whatever is claimed
  return done(ask(call, EventKind::restore_prepare, writer.value()));
}

Result<ChannelReply> Guest::locations(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  const auto component = component_named(call, writer.value());
  if (!component.ok()) return component.error();
  if (Status s = ask(call, EventKind::restore_locations, writer.value(), component.value());
      !s.ok()) {
    return s.error();
  }
  using Locations = std::vector<RestoreLocation>;
  const auto payload = call.document->payloads.find(writer.value());
  const bool known = payload != call.document->payloads.end() &&
                     std::holds_alternative<Locations>(payload->second);
  return reply_with("locations", known ? std::get<Locations>(payload->second) : Locations{});
}

// From here on the target's files may be half in place, until complete() says otherwise.
Result<ChannelReply> Guest::register_restore(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  call.document->registration = call.params.get<RestoreRegistration>("registration");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  const ComponentName& name = call.document->registration.component;
  const auto component = call.document->find(writer.value(), name);
  if (component == machine::kNone) {
    return Error(Errc::not_found, "component " + name.full() + " was not selected for restore");
  }
  if (Status s = ask(call, EventKind::restore_register, writer.value(), component); !s.ok()) {
    return s.error();
  }
  stage_.world.note_target(writer.value(), TargetFiles::partial);
  return done(Ok{});
}

Result<ChannelReply> Guest::file_status(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  const auto component = component_named(call, writer.value());
  if (!component.ok()) return component.error();
  const auto parsed = parse_enum<FileRestoreStatus>(call.params.text("status"));
  const auto mappings = call.params.get<std::vector<AlternateMapping>>("mappings_used");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  if (!parsed.ok()) return parsed.error().while_doing(call.method);
  if (Status s = ask(call, EventKind::file_status, writer.value(), component.value()); !s.ok()) {
    return s.error();
  }
  ComponentRestore& restore = *call.document->document.components[component.value()].restore;
  restore.status = parsed.value();
  restore.mappings_used = mappings;
  return done(Ok{});
}

Result<ChannelReply> Guest::complete_restore(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  const auto component = component_named(call, writer.value());
  if (!component.ok()) return component.error();
  const bool copied_ok = call.params.flag("copied_ok");
  call.document->copy_failure = call.params.text_or("failure", "");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  const bool registered = call.state->phase == Phase::copying;
  if (copied_ok && registered) stage_.world.note_target(writer.value(), TargetFiles::restored);
  machine::Event event;
  event.kind = EventKind::restore_complete;
  event.writer = writer.value();
  event.component = component.value();
  event.copied_ok = copied_ok;
  return done(ask(call, event));
}

Result<ChannelReply> Guest::post_restore(Call& call) {
  if (Status s = ask(call, EventKind::post_restore); !s.ok()) return s.error();
  restored_.insert(call.session);
  return status(call);
}

Result<ChannelReply> Guest::end_restore(Call& call) {
  if (Status s = ask(call, EventKind::end); !s.ok()) return s.error();
  RestoreReport report;
  report.session = call.document->document.session;
  report.backup = call.document->document.backup;
  report.outcome = restored_.contains(call.session) ? "restored" : "failed";
  for (const BackupComponent& component : call.document->document.components) {
    RestoredComponent& restored = report.components.emplace_back();
    restored.writer_class = component.writer_class;
    restored.instance_name = component.instance_name;
    restored.name = component.name;
    if (component.restore) restored.status = component.restore->status;
  }
  return reply_with("report", report);
}

}  // namespace stillframe::testkit
