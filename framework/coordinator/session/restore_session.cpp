#include "framework/coordinator/session/restore_session.hpp"

#include <set>

#include "framework/model/merge_edits.hpp"

namespace stillframe::coordinator {
RestoreSession::RestoreSession(const Services& services, SessionOwner owner,
                               BackupDocument document, std::vector<WriterMetadata> metadata,
                               RestoreOptions options)
    : SessionDriver(services, std::move(owner), "restore"),
      document_(std::move(document)),
      metadata_(std::move(metadata)),
      options_(std::move(options)) {}

Result<std::shared_ptr<RestoreSession>> RestoreSession::make(const Services& services,
                                                             SessionOwner owner,
                                                             BackupDocument document,
                                                             std::vector<WriterMetadata> metadata,
                                                             RestoreOptions options) {
  if (options.wait_start.count() < 0)
    return Error(Errc::invalid_argument, "the time to wait for a start is negative");
  machine::SessionOptions session;
  session.limits = services.limits;
  session.limits.start_wait = options.wait_start;
  std::shared_ptr<RestoreSession> restore(new RestoreSession(
      services, std::move(owner), std::move(document), std::move(metadata), std::move(options)));
  if (Status s = restore->start(machine::State::restore(session)); !s.ok()) return s.error();
  return restore;
}

void RestoreSession::gather(Reply<std::vector<WriterStatus>> reply) {
  std::set<WriterClassId> classes;
  for (const auto& component : document_.components) classes.insert(component.writer_class);
  std::vector<std::shared_ptr<WriterLink>> links;
  for (auto& link : services_.writers->all())
    if (classes.count(link->identity().class_id) != 0) links.push_back(std::move(link));
  gather_writers(std::move(links), [this, reply = std::move(reply)](const Status& status) {
    if (!status.ok()) return reply(status.error());
    reply(statuses());
  });
}

std::vector<WriterStatus> RestoreSession::statuses() const {
  std::vector<WriterStatus> all = writer_statuses();
  std::set<std::pair<WriterClassId, std::string>> seen;
  for (const auto& status : all)
    seen.insert({status.identity.class_id, status.identity.instance_name});
  for (const auto& component : document_.components) {
    if (!seen.insert({component.writer_class, component.instance_name}).second) continue;
    WriterStatus& gone = all.emplace_back();
    gone.identity.class_id = component.writer_class;
    gone.identity.name = gone.identity.instance_name = component.instance_name;
    for (const auto& stored : metadata_)
      if (stored.identity.class_id == component.writer_class &&
          stored.identity.instance_name == component.instance_name)
        gone.identity = stored.identity;
    gone.instance = component.writer_instance;
    ComponentFailure& failure = gone.failure.emplace();
    failure.code = static_cast<int>(Errc::writer_gone);
    failure.phase = "identify";
    failure.message = "writer " + gone.identity.name + " (instance '" + component.instance_name +
                      "') is not running; start it, or restore its files without it";
  }
  return all;
}

Result<machine::WriterIndex> RestoreSession::find_writer(const WriterInstanceId& instance) const {
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i)
    if (writers_[i].link->instance() == instance) return i;
  return Error(Errc::not_found, "no writer of this session has instance id " +
                                    instance.to_string() + "; gather() lists them");
}

Result<machine::ComponentIndex> RestoreSession::find_component(machine::WriterIndex writer,
                                                               const ComponentName& name) const {
  for (machine::ComponentIndex i = 0; i < components_.size(); ++i)
    if (component_writers_[i] == writer && components_[i].name == name) return i;
  return Error(Errc::not_found, "component " + name.full() + " was not selected for restore");
}

void RestoreSession::pre_restore(Reply<std::vector<BackupComponent>> reply) {
  request(make_event(machine::EventKind::pre_restore),
          [this, reply = std::move(reply)](const Status& status) {
            if (!status.ok()) return reply(status.error());
            reply(components_);
          });
}

void RestoreSession::prepare(const WriterInstanceId& instance, RestoreAuthority authority,
                             Done done) {
  auto writer = find_writer(instance);
  if (!writer.ok()) return done(writer.error());
  authority.uid = owner().uid;  // as the transport proved it, whatever the requestor claims
  if (authority.token.empty()) authority.token = options_.authority_token;
  if (authority.expires == WallTime{} && options_.expires) authority.expires = *options_.expires;
  authority_ = authority;
  request(make_event(machine::EventKind::restore_prepare, writer.value()),
          [this, index = writer.value(), authority, done](const Status& status) {
            if (status.ok()) authorities_[index] = authority;
            done(status);
          });
}

void RestoreSession::locations(const WriterInstanceId& instance, const ComponentName& component,
                               Reply<std::vector<RestoreLocation>> reply) {
  auto writer = find_writer(instance);
  if (!writer.ok()) return reply(writer.error());
  auto index = find_component(writer.value(), component);
  if (!index.ok()) return reply(index.error());
  component_ = component;
  machine::Event event = make_event(machine::EventKind::restore_locations, writer.value());
  event.component = index.value();
  event.request = expect(event.kind, {});
  set_done(event.request, event.writer,
           [this, id = event.request, reply = std::move(reply)](const Status& status) {
             if (!status.ok()) return reply(status.error());
             WriterAnswer* answer = answer_of(id);
             auto* found =
                 answer ? std::get_if<std::vector<RestoreLocation>>(&answer->payload) : nullptr;
             if (found == nullptr)
               return reply(Error(Errc::internal, "restore_locations was answered without a list"));
             reply(std::move(*found));
           });
  feed(event);
}

void RestoreSession::staged(machine::EventKind kind, const WriterInstanceId& instance,
                            const ComponentName& component, bool copied_ok, Done done) {
  auto writer = find_writer(instance);
  if (!writer.ok()) return done(writer.error());
  auto index = find_component(writer.value(), component);
  if (!index.ok()) return done(index.error());
  machine::Event event = make_event(kind, writer.value());
  event.component = index.value();
  event.copied_ok = copied_ok;
  request(event, std::move(done));
}

void RestoreSession::register_restore(const WriterInstanceId& writer,
                                      const RestoreRegistration& registration, Done done) {
  if (auto index = find_writer(writer); index.ok())
    if (Status s = check_agreed(index.value(), registration); !s.ok()) return done(s);
  registration_ = registration;
  staged(machine::EventKind::restore_register, writer, registration.component, false,
         std::move(done));
}

void RestoreSession::set_file_status(const WriterInstanceId& instance,
                                     const ComponentName& component, FileRestoreStatus status,
                                     const std::vector<AlternateMapping>& mappings_used,
                                     Done done) {
  if (auto index = find_writer(instance); index.ok())
    if (Status s = check_agreed(index.value(), component, mappings_used); !s.ok()) return done(s);
  staged(machine::EventKind::file_status, instance, component, false,
         [this, instance, component, status, mappings_used, done](const Status& permitted) {
           if (permitted.ok()) {  // the machine checked neither: staged() found both
             const auto writer = find_writer(instance);
             const auto index = find_component(writer.value(), component);
             ComponentRestore& restore = *components_[index.value()].restore;
             restore.status = status;
             restore.mappings_used = mappings_used;
           }
           done(permitted);
         });
}

void RestoreSession::complete(const WriterInstanceId& writer, const ComponentName& component,
                              bool copied_ok, const std::string& failure, Done done) {
  if (auto index = find_writer(writer); index.ok())
    if (auto found = find_component(index.value(), component); found.ok())
      copy_failures_[found.value()] = copied_ok ? std::string() : failure;
  staged(machine::EventKind::restore_complete, writer, component, copied_ok, std::move(done));
}

void RestoreSession::post_restore(Reply<std::vector<WriterStatus>> reply) {
  if (state_.phase == machine::Phase::pre_restored) note_owed();
  request(make_event(machine::EventKind::post_restore),
          [this, reply = std::move(reply)](const Status& status) {
            if (!status.ok()) return reply(status.error());
            reply(statuses());
          });
}

void RestoreSession::end(Reply<RestoreReport> reply) {
  request(make_event(machine::EventKind::end),
          [this, reply = std::move(reply)](const Status& status) {
            if (!status.ok()) return reply(status.error());
            reply(report());
          });
}

void RestoreSession::writer_returned(const std::shared_ptr<WriterLink>& link) {
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i) {
    const WriterIdentity& known = writers_[i].link->identity();
    if (known.class_id != link->identity().class_id ||
        known.instance_name != link->identity().instance_name ||
        writers_[i].link->instance() == link->instance())
      continue;
    // The next start may be heard of before the end of the one before it, whose calls are over.
    feed(make_event(machine::EventKind::writer_gone, i));
    writers_[i].link = link;
    writers_[i].error.reset();
    watch_writer(i);
    feed(make_event(machine::EventKind::writer_returned, i));
  }
}

WriterArgs RestoreSession::arguments(const machine::Action& call) {
  switch (call.verb) {
    case Verb::pre_restore:
    case Verb::post_restore:
      return view_of(call.writer);
    case Verb::restore_prepare:
      return authority_;
    case Verb::restore_locations:
      return ComponentArgs{component_};
    case Verb::restore_register:
      return RegisterArgs{authorities_[call.writer], registration_};
    case Verb::restore_complete: {
      RestoreCompleteArgs args;
      args.component = components_[call.component].name;
      args.copied_ok = call.copied_ok;
      args.failure = copy_failures_[call.component];
      return args;
    }
    default:
      return NoArgs{};
  }
}

Status RestoreSession::absorb(Verb verb, machine::WriterIndex writer, machine::ComponentIndex,
                              WriterAnswer& answer) {
  if (verb == Verb::identify) return take_metadata(writer, answer);
  if (verb == Verb::post_restore) {
    journal_owed(writer, false);
    return Ok{};
  }
  const auto* edited = std::get_if<RestoreView>(&answer.payload);
  if (verb != Verb::pre_restore || edited == nullptr) return Ok{};
  std::vector<BackupComponent> ours;
  for (std::size_t i = 0; i < components_.size(); ++i)
    if (component_writers_[i] == writer) ours.push_back(components_[i]);
  if (Status s = merge_writer_edits(ours, edited->components, verb); !s.ok()) return s;
  std::size_t next = 0;
  for (std::size_t i = 0; i < components_.size(); ++i) {
    if (component_writers_[i] != writer) continue;
    const std::size_t before = components_[i].failures.size();
    components_[i] = std::move(ours[next++]);
    if (components_[i].failures.size() <= before) continue;
    machine::Event failed;
    failed.kind = machine::EventKind::component_failed;
    failed.writer = writer;
    failed.component = static_cast<machine::ComponentIndex>(i);
    failed.failure = errc_from_number(components_[i].failures.back().code);
    feed(failed);
  }
  return Ok{};
}

RestoreView RestoreSession::view_of(machine::WriterIndex writer) const {
  RestoreView view;
  view.type = document_.type;
  for (std::size_t i = 0; i < components_.size(); ++i)
    if (component_writers_[i] == writer) view.components.push_back(components_[i]);
  return view;
}

JournalledRestore RestoreSession::journalled(machine::ComponentIndex index,
                                             JournalledRestore::State state) const {
  JournalledRestore restore;
  restore.session = id();
  restore.component = components_[index];
  // Under the live writer's name: a component moved to another instance is owed to that one.
  restore.component.instance_name =
      writers_[component_writers_[index]].link->identity().instance_name;
  restore.type = document_.type;
  restore.state = state;
  restore.since = services_.clock->wall_now();
  return restore;
}

std::function<Status(Journal&)> RestoreSession::journal_entry(const machine::Action& action) {
  using Staged = machine::ComponentSlot::Staged;
  if (action.record == machine::Record::registration_opened)
    return [restore = journalled(action.component, JournalledRestore::State::registered)](
               Journal& journal) { return journal.record_restore(restore); };
  if (action.record == machine::Record::registration_closed) {
    const auto restore = journalled(action.component, JournalledRestore::State::copied);
    if (state_.components[action.component].staged == Staged::none)
      return [restore](Journal& journal) {
        return journal.forget_restore(restore.session, restore.component);
      };
    auto done = restore;
    if (!copy_failures_[action.component].empty()) done.state = JournalledRestore::State::failed;
    return [done](Journal& journal) { return journal.record_restore(done); };
  }
  return [](Journal&) { return Status(Ok{}); };
}

// Before the calls are made: a writer that dies of the news is told again when it is back.
void RestoreSession::note_owed() {
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i)
    if (state_.writers[i].selected && !state_.writers[i].failed &&
        state_.writers[i].capabilities.has(Capability::restore_events))
      journal_owed(i, true);
}

void RestoreSession::journal_owed(machine::WriterIndex writer, bool owed) {
  std::vector<JournalledRestore> restores;
  for (machine::ComponentIndex i = 0; i < components_.size(); ++i)
    if (component_writers_[i] == writer)
      restores.push_back(journalled(i, JournalledRestore::State::post_restore_owed));
  services_.journal_worker->post([journal = services_.journal, owed, restores] {
    for (const auto& restore : restores)
      (void)(owed ? journal->record_restore(restore)
                  : journal->forget_restore(restore.session, restore.component));
  });
}

std::string RestoreSession::outcome() const {
  bool waits = false, failed = state_.failure.has_value();
  for (const auto& component : state_.components) {
    failed = failed || component.staged == machine::ComponentSlot::Staged::registered;
    const machine::WriterSlot& writer = state_.writers[component.writer];
    if (!writer.failure) continue;
    const bool away = writer.failed_at == Verb::post_restore &&
                      (*writer.failure == Errc::writer_gone || *writer.failure == Errc::timed_out);
    waits = waits || away;
    failed = failed || !away;
  }
  for (const auto& component : components_)
    if (component.restore)
      failed = failed || component.restore->status == FileRestoreStatus::failed;
  if (failed) return "failed";
  return waits ? "waiting_for_start" : "restored";
}

EventFields RestoreSession::facts() const {
  return {{"backup", document_.backup.to_string()}};
}

RestoreReport RestoreSession::report() const {
  RestoreReport report;
  report.session = id();
  report.backup = document_.backup;
  report.finished = services_.clock->wall_now();
  report.outcome = outcome();
  report.timeline = timeline_.entries();
  for (std::size_t i = 0; i < components_.size(); ++i) {
    const BackupComponent& component = components_[i];
    RestoredComponent& restored = report.components.emplace_back();
    restored.writer_class = component.writer_class;
    restored.instance_name = component.instance_name;
    restored.name = component.name;
    restored.status = component.restore->status;
    const auto copy = copy_failures_.find(static_cast<machine::ComponentIndex>(i));
    const SessionWriter& writer = writers_[component_writers_[i]];
    if (copy != copy_failures_.end() && !copy->second.empty())
      restored.message = copy->second;
    else if (writer.error)
      restored.message = writer.error->what();
  }
  return report;
}

}  // namespace stillframe::coordinator
