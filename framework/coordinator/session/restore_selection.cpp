// Which components a restore brings back, to whom, and what that asks of the writers.
#include "framework/model/restore_selection.hpp"

#include <algorithm>
#include <set>

#include "framework/coordinator/session/restore_session.hpp"

namespace stillframe::coordinator {
// Stored instance ids mean nothing after a restart: the name tells which writer is meant, unless
// the requestor moves the component to another instance.
Result<machine::WriterIndex> RestoreSession::writer_for(const BackupComponent& component) const {
  if (component.restore && !component.restore->target_instance.is_nil())
    return find_writer(component.restore->target_instance);
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i) {
    const WriterIdentity& identity = writers_[i].link->identity();
    if (identity.class_id == component.writer_class &&
        identity.instance_name == component.instance_name)
      return i;
  }
  return Error(Errc::writer_gone, "component " + component.name.full() + ": its writer instance '" +
                                      component.instance_name +
                                      "' is not running; start it, or name another instance");
}

// The document that was stored with the backup, or what its writer says today.
const WriterMetadata* RestoreSession::metadata_of(const BackupComponent& component) const {
  const auto is_its_writer = [&](const WriterIdentity& identity) {
    return identity.class_id == component.writer_class &&
           identity.instance_name == component.instance_name;
  };
  for (const auto& stored : metadata_)
    if (is_its_writer(stored.identity)) return &stored;
  for (const auto& writer : writers_)
    if (writer.metadata && is_its_writer(writer.metadata->identity)) return &*writer.metadata;
  return nullptr;
}

// Nothing is asked of a writer that it does not promise today. One that could not say what it
// promises is judged by what it said when the backup was taken.
Status RestoreSession::check_promises(machine::WriterIndex writer,
                                      const BackupComponent& component) const {
  if (auto note = version_note(writer, component); !note.ok()) return note.error();
  const WriterMetadata* metadata =
      writers_[writer].metadata ? &*writers_[writer].metadata : metadata_of(component);
  if (metadata == nullptr) return Ok{};  // its failed identify is what the requestor hears of
  return check_restore_request(*metadata, component,
                               writers_[writer].link->identity().instance_name);
}

// Until the session ends, unless the writer promises to be restored by several sessions at once.
Status RestoreSession::claim_writer(machine::WriterIndex writer) {
  const auto& metadata = writers_[writer].metadata;
  if (metadata && metadata->schema.has(BackupSchema::kParallelRestores)) return Ok{};
  const Status claimed =
      services_.restore_claims->claim(writers_[writer].link->instance(), id(), owner().requestor);
  return claimed.ok() ? claimed
                      : Status(claimed.error().while_doing("writer " + writer_name(writer)));
}

// Empty, or what a person should know of the version that wrote the backup and the one that gets
// it back. Backups without the writer's document say nothing of versions.
Result<std::string> RestoreSession::version_note(machine::WriterIndex writer,
                                                 const BackupComponent& component) const {
  for (const auto& stored : metadata_)
    if (stored.identity.class_id == component.writer_class &&
        stored.identity.instance_name == component.instance_name)
      return check_writer_version(stored.identity, writers_[writer].link->identity());
  return std::string();
}

void RestoreSession::select(const std::vector<BackupComponent>& components, Done done) {
  std::vector<machine::ComponentSpec> specs;
  std::vector<BackupComponent> selected;
  if (state_.phase == machine::Phase::restore_gathered) {
    for (const auto& component : components) {
      if (!component.restore || !component.restore->selected) continue;
      auto writer = writer_for(component);
      if (!writer.ok()) return done(writer.error());
      const bool stored = std::any_of(
          document_.components.begin(), document_.components.end(), [&](const auto& known) {
            return known.writer_class == component.writer_class &&
                   known.instance_name == component.instance_name && known.name == component.name;
          });
      if (!stored)
        return done(Error(Errc::not_found,
                          "component " + component.name.full() + " is not in the backup document"));
      if (Status s = check_promises(writer.value(), component); !s.ok()) return done(s);
      if (Status s = check_agreed(writer.value(), component); !s.ok()) return done(s);
      if (Status s = claim_writer(writer.value()); !s.ok()) return done(s);
      machine::ComponentSpec& spec = specs.emplace_back();
      spec.writer = writer.value();
      spec.policy = component.policy;
      selected.push_back(component);
    }
  }
  machine::Event event = make_event(machine::EventKind::select);
  event.components = specs;
  request(event, [this, specs, selected = std::move(selected), done](const Status& status) {
    if (status.ok()) {
      for (const auto& spec : specs) component_writers_.push_back(spec.writer);
      components_.insert(components_.end(), selected.begin(), selected.end());
      warn_of_selection();
    }
    done(status);
  });
}

// Every component that comes back, by writer class and full name.
std::set<std::pair<WriterClassId, std::string>> RestoreSession::coming_back() const {
  std::set<std::pair<WriterClassId, std::string>> names;
  for (const auto& component : components_) {
    names.emplace(component.writer_class, component.name.full());
    const WriterMetadata* metadata = metadata_of(component);
    auto members = metadata != nullptr
                       ? restored_members(*metadata, component)
                       : Result<std::vector<std::size_t>>(std::vector<std::size_t>());
    if (!members.ok()) continue;  // its stored document does not know it: it stands for itself
    for (const std::size_t member : members.value())
      names.emplace(component.writer_class, metadata->components[member].name.full());
  }
  return names;
}

void RestoreSession::warn_of_selection() {
  for (auto& writer : writers_) writer.warnings.clear();
  for (std::size_t i = 0; i < components_.size(); ++i) {
    const auto note = version_note(component_writers_[i], components_[i]);
    auto& warnings = writers_[component_writers_[i]].warnings;
    if (!note.ok() || note.value().empty()) continue;
    if (std::find(warnings.begin(), warnings.end(), note.value()) == warnings.end())
      warnings.push_back(note.value());
  }
  note_dependencies();
}

// What was backed up together should come back together. It is the requestor who decides: one
// component may be all that was lost.
void RestoreSession::note_dependencies() {
  const auto back = coming_back();
  for (std::size_t i = 0; i < components_.size(); ++i) {
    const WriterMetadata* metadata = metadata_of(components_[i]);
    if (metadata == nullptr) continue;
    auto members = restored_members(*metadata, components_[i]);
    if (!members.ok()) continue;
    for (const std::size_t member : members.value())
      for (const Dependency& other : metadata->components[member].dependencies) {
        if (other.host.empty() && back.count({other.writer_class, other.component.full()}) != 0)
          continue;
        writers_[component_writers_[i]].warnings.push_back(
            "component '" + metadata->components[member].name.full() + "' goes together with '" +
            other.component.full() + "' of writer " + other.writer_class.to_string() +
            (other.host.empty() ? ", which is not selected for restore"
                                : " on host '" + other.host +
                                      "'; restore that between "
                                      "pre-restore and post-restore"));
      }
  }
}

}  // namespace stillframe::coordinator
