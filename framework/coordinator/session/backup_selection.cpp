// What a backup is about: selectors, policies, dependencies and chains, up to prepare-backup.
#include <algorithm>

#include "framework/base/check.hpp"
#include "framework/coordinator/session/backup_rules.hpp"
#include "framework/coordinator/session/backup_session.hpp"
#include "framework/model/backup_type.hpp"

namespace stillframe::coordinator {

std::vector<const WriterMetadata*> BackupSession::known_writers(
    std::vector<machine::WriterIndex>& indices) const {
  std::vector<const WriterMetadata*> known;
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i) {
    if (!writers_[i].metadata || state_.writers[i].failed) continue;
    known.push_back(&*writers_[i].metadata);
    indices.push_back(i);
  }
  return known;
}

// The machine is told of the selection when it is final, at prepare(): until then every call judges
// all selectors together, because a more exact one may refine an earlier one.
void BackupSession::select(const std::vector<ComponentSelector>& selectors, Done done) {
  if (state_.phase == machine::Phase::gathered) {
    std::vector<ComponentSelector> all = selectors_;
    all.insert(all.end(), selectors.begin(), selectors.end());
    if (Status s = try_selection(all); !s.ok()) return done(s);
  }
  request(make_event(machine::EventKind::select), std::move(done));
}

Status BackupSession::try_selection(const std::vector<ComponentSelector>& selectors) {
  std::vector<machine::WriterIndex> indices;
  const auto known = known_writers(indices);
  auto selection = select_components(known, selectors);
  if (!selection.ok()) return selection.error();
  if (selection.value().components.size() > machine::kComponentsMax)
    return Error(Errc::limit_reached, "more than " + std::to_string(machine::kComponentsMax) +
                                          " components; split the backup");
  auto unmet = unmet_dependencies(known, selection.value());
  selection_ = std::move(selection).value();
  document_.components = make_backup_components(known, selection_);
  component_writers_.clear();
  for (auto& component : selection_.components) {
    component.writer = indices[component.writer];
    component_writers_.push_back(static_cast<machine::WriterIndex>(component.writer));
  }
  selectors_ = selectors;
  apply_policy(options_.policy);
  note_dependencies(std::move(unmet), known, indices);
  return Ok{};
}

// Told with the writers' statuses from now on; later selections may still meet them.
void BackupSession::note_dependencies(std::vector<UnmetDependency> unmet,
                                      const std::vector<const WriterMetadata*>& known,
                                      const std::vector<machine::WriterIndex>& indices) {
  lacks_.clear();
  for (auto& writer : writers_) writer.warnings.clear();
  for (const UnmetDependency& dependency : unmet) {
    const machine::WriterIndex writer = indices[dependency.writer];
    const auto holds = [&](const SelectedComponent& selected) {
      return selected.writer == writer &&
             (selected.component == dependency.component ||
              std::find(selected.implicit.begin(), selected.implicit.end(), dependency.component) !=
                  selected.implicit.end());
    };
    const auto owner =
        std::find_if(selection_.components.begin(), selection_.components.end(), holds);
    STILLFRAME_CHECK(owner != selection_.components.end(), "only what is selected depends");
    Lack& lack = lacks_.emplace_back();
    lack.component = static_cast<std::size_t>(owner - selection_.components.begin());
    lack.remote = dependency.kind == UnmetDependency::Kind::remote;
    lack.text = dependency.to_string(known);
    writers_[writer].warnings.push_back(lack.text);
  }
}

// What must go together and does not is refused where the component is required.
Status BackupSession::check_dependencies() const {
  std::string missing;
  for (const Lack& lack : lacks_) {
    const bool required = document_.components[lack.component].policy == ConsistencyPolicy::require;
    if (required && !lack.remote) missing += (missing.empty() ? "" : "; ") + lack.text;
  }
  if (missing.empty()) return Ok{};
  return Error(Errc::inconsistent_snapshot, missing);
}

// Elsewhere, and where only the requestor can see to it, the evidence says so.
void BackupSession::note_lacks() {
  for (const Lack& lack : lacks_) {
    const Status met = lack.remote ? Status(Ok{}) : Error(Errc::inconsistent_snapshot, lack.text);
    timeline_.note("dependency", writer_name(component_writers_[lack.component]), met, lack.text,
                   services_.clock->now());
  }
}

// A component's own policy beats what is said for all.
void BackupSession::apply_policy(ConsistencyPolicy common) {
  for (std::size_t i = 0; i < document_.components.size(); ++i)
    document_.components[i].policy = selection_.components[i].policy.value_or(common);
}

void BackupSession::fix_selection() {
  std::vector<machine::ComponentSpec> specs;
  for (std::size_t i = 0; i < selection_.components.size(); ++i) {
    const auto& selected = selection_.components[i];
    const auto& writer = writers_[selected.writer];
    machine::ComponentSpec& spec = specs.emplace_back();
    spec.writer = component_writers_[i];
    spec.policy = document_.components[i].policy;
    spec.has_logs = writer.link->identity().capabilities.has(Capability::logs) &&
                    writer.metadata->components[selected.component].type == ComponentType::database;
  }
  machine::Event event = make_event(machine::EventKind::select);
  event.components = specs;
  feed(event);
  note_lacks();
  selection_fixed_ = true;
}

void BackupSession::prepare(Reply<std::vector<WriterStatus>> reply) {
  const auto go = [this, reply] {
    if (state_.phase == machine::Phase::gathered && !selection_fixed_) fix_selection();
    request(make_event(machine::EventKind::prepare), [this, reply](const Status& status) {
      if (!status.ok()) return reply(status.error());
      reply(writer_statuses());
    });
  };
  if (state_.phase != machine::Phase::gathered) return go();
  if (!options_.component_mode && selectors_.empty()) {
    ComponentSelector everything;
    everything.component = "*";
    if (Status s = try_selection({everything}); !s.ok()) return reply(s.error());
  }
  if (Status s = check_dependencies(); !s.ok()) return reply(s.error());
  check_chains([reply, go](const Status& chains) {
    if (!chains.ok()) return reply(chains.error());
    go();
  });
}

BackupType BackupSession::type_for(machine::WriterIndex writer) const {
  return effective_type(writers_[writer].metadata->schema, options_.type);
}

void BackupSession::check_chains(Done done) {
  std::vector<BackupComponent> chained;
  for (std::size_t i = 0; i < document_.components.size(); ++i) {
    const BackupType type = type_for(component_writers_[i]);
    const bool builds_on_base = type == BackupType::incremental ||
                                type == BackupType::differential || type == BackupType::log;
    if (builds_on_base && document_.components[i].base) chained.push_back(document_.components[i]);
  }
  if (chained.empty()) return done(Ok{});
  services_.journal_worker->post([weak = weak_from_this(), strand = strand_,
                                  journal = services_.journal, owner = document_.chain_owner,
                                  chained = std::move(chained), done = std::move(done)] {
    Status verdict = Ok{};
    for (const auto& component : chained)
      if (verdict.ok()) verdict = check_chain(*journal, component, owner);
    strand.post([weak, verdict, done] {
      if (auto self = weak.lock()) done(verdict);
    });
  });
}

}  // namespace stillframe::coordinator
