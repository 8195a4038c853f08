// A backup's snapshot set: volumes, providers, turns, journal and evidence.
#include "framework/coordinator/session/backup_rules.hpp"
#include "framework/coordinator/session/backup_session.hpp"
#include "framework/model/auto_recovery.hpp"
#include "framework/model/consistency.hpp"

namespace stillframe::coordinator {

SurveyRequest BackupSession::survey_request(const SnapshotOptions& options) const {
  SurveyRequest survey;
  survey.whole_volumes = !document_.component_mode;
  survey.extra_volumes = options.extra_volumes;
  std::set<machine::WriterIndex> writers;
  for (std::size_t i = 0; i < selection_.components.size(); ++i) {
    const auto& selected = selection_.components[i];
    const machine::WriterIndex writer = component_writers_[i];
    const WriterMetadata& metadata = *writers_[writer].metadata;
    SurveyedComponent& component = survey.components.emplace_back();
    component.writer_name = writer_name(writer);
    component.writer_pid = writers_[writer].link->process().pid;
    component.name = metadata.components[selected.component].name;
    component.policy = document_.components[i].policy;
    component.type = type_for(writer);
    component.members.push_back(metadata.components[selected.component]);
    for (std::size_t member : selected.implicit)
      component.members.push_back(metadata.components[member]);
    if (!writers.insert(writer).second) continue;
    for (const auto& exclude : metadata.exclude)
      survey.excludes.emplace_back(component.writer_pid, exclude);
  }
  return survey;
}

void BackupSession::describe_writers(PlanOptions& plan) const {
  std::vector<const WriterMetadata*> by_index;
  for (const SessionWriter& writer : writers_) {
    by_index.push_back(writer.metadata ? &*writer.metadata : nullptr);
    if (writer.metadata) plan.writers.push_back(*writer.metadata);
  }
  plan.writers_write = needs_writable_snapshots(by_index, selection_, plan.attributes.for_rollback);
}

void BackupSession::note_pruned(const machine::Action& action, const FilesTakenOut& pruned) {
  const auto say = [&](const std::string& text) {
    timeline_.note("take out", group_name(action.group), Ok{}, text, services_.clock->now());
  };
  say(std::to_string(pruned.files) + " files that the machine's lists name");
  for (const std::string& note : pruned.notes) say(note);
}

void BackupSession::call_provider(const machine::Action& action) {
  timeline_.begin(action.seq, std::string(machine::to_string(action.step)),
                  group_name(action.group), services_.clock->now());
  set_->step(action.group, action.step, [this, action](StepAnswer answer) {
    timeline_.end(action.seq, answer.status, services_.clock->now());
    machine::Event event;
    event.kind = machine::EventKind::provider_answered;
    event.group = action.group;
    event.seq = action.seq;
    event.cuts = answer.cuts;
    if (answer.pruned) note_pruned(action, *answer.pruned);
    if (!answer.status.ok()) {
      event.failure = answer.status.error().code();
      group_errors_.try_emplace(action.group, answer.status.error());
      tell_provider_failed(action, answer.status.error());
    }
    feed(event);
  });
}

std::string BackupSession::group_name(machine::GroupIndex group) const {
  if (!set_ || !set_->plan() || group >= set_->plan()->groups.size()) return "provider";
  return set_->plan()->groups[group].provider.name;
}

void BackupSession::flush(const machine::Action& action) {
  timeline_.begin(action.seq, "flush", "", services_.clock->now());
  const auto done = [this, seq = action.seq](const Status& status) {
    timeline_.end(seq, status, services_.clock->now());
    note_operation_error(status);
    machine::Event event;
    event.kind = machine::EventKind::flushed;
    event.seq = seq;
    if (!status.ok()) event.failure = status.error().code();
    feed(event);
  };
  if (set_) return set_->flush(done);
  guarded([done] { done(Ok{}); })();  // a hold: somebody else knows which volumes it cuts
}

void BackupSession::take_turns(const machine::Action& action) {
  TurnRequest turn;
  turn.session = id();
  turn.who = owner_.requestor;
  turn.wait_until = action.deadline;
  if (set_ && set_->plan()) {
    turn.needs = set_->plan()->turn_needs;
    turn.file_systems = set_->plan()->file_systems;
  }
  for (machine::WriterIndex writer : component_writers_)
    turn.needs.insert("writer:" + writers_[writer].link->instance().to_string());
  turn.waits = [weak = weak_from_this(), strand = strand_, this](const std::string& holder) {
    strand.post([weak, this, holder] {
      const auto self = weak.lock();
      if (!self) return;
      // What the requestor hears should the turn not come in time.
      note_operation_error(
          Error(Errc::in_progress, "another set works on the same volumes or writers: " + holder +
                                       "; wait for it, or end it by force"));
      push_waiting(holder);
    });
  };
  timeline_.begin(action.seq, "turn", "", services_.clock->now());
  services_.turns->take(std::move(turn), [weak = weak_from_this(), strand = strand_, this,
                                          seq = action.seq](const Status& answer) {
    strand.post([weak, this, seq, answer] {
      const auto self = weak.lock();
      if (!self) return;
      timeline_.end(seq, answer, services_.clock->now());
      note_operation_error(answer);
      machine::Event event;
      event.kind =
          answer.ok() ? machine::EventKind::turn_granted : machine::EventKind::turn_refused;
      event.seq = seq;
      if (!answer.ok()) event.failure = answer.error().code();
      feed(event);
    });
  });
}

std::vector<JournalledSnapshot> BackupSession::journalled_snapshots(bool auto_release) const {
  std::vector<JournalledSnapshot> snapshots;
  if (!set_) return snapshots;
  for (auto& info : set_->snapshots()) {
    JournalledSnapshot& snapshot = snapshots.emplace_back();
    snapshot.info = std::move(info);
    snapshot.session = id();
    snapshot.auto_release = auto_release;
  }
  return snapshots;
}

JournalledBackup BackupSession::journalled_backup() const {
  JournalledBackup backup;
  backup.receipt = *receipt_;
  backup.type = document_.type;
  backup.chain_owner = document_.chain_owner;
  backup.outcome = "published";
  const Evidence proof = evidence();
  for (std::size_t i = 0; i < document_.components.size(); ++i) {
    const BackupComponent& component = document_.components[i];
    if (!component.succeeded) continue;  // not in the backup: nothing may build on it
    JournalledComponent& entry = backup.components.emplace_back();
    entry.writer_class = component.writer_class;
    entry.instance_name = component.instance_name;
    entry.name = component.name;
    entry.stamp = component.stamp;
    entry.label = proof.components[i].label;
  }
  return backup;
}

std::function<Status(Journal&)> BackupSession::journal_entry(const machine::Action& action) {
  switch (action.record) {
    case machine::Record::set_intended:
      // Whatever the requestor wants kept is kept once it is whole, and not before.
      return [snapshots = journalled_snapshots(true)](Journal& journal) {
        return journal.record_snapshots(snapshots);
      };
    case machine::Record::set_created:
      return [snapshots = journalled_snapshots(state_.auto_release),
              evidence = evidence()](Journal& journal) {
        if (Status s = journal.record_evidence(evidence); !s.ok()) return s;
        return journal.record_snapshots(snapshots);
      };
    case machine::Record::receipt:
      return [backup = journalled_backup()](Journal& journal) {
        return journal.record_receipt(backup);
      };
    case machine::Record::session_closed: {
      const bool kept = state_.sealed && !state_.auto_release;
      return [kept, set = document_.set, evidence = evidence(),
              receipt = state_.receipt_recorded ? receipt_ : std::nullopt](Journal& journal) {
        if (receipt)
          if (Status s = journal.record_outcome(receipt->backup, evidence.outcome); !s.ok())
            return s;
        if (set.is_nil()) return Status(Ok{});
        if (Status s = journal.record_evidence(evidence); !s.ok()) return s;
        return kept ? Status(Ok{}) : journal.forget_set(set);
      };
    }
    case machine::Record::session_left_snapshots:
      return [snapshots = journalled_snapshots(true), evidence = evidence()](Journal& journal) {
        if (Status s = journal.record_evidence(evidence); !s.ok()) return s;
        return journal.record_snapshots(snapshots);
      };
    case machine::Record::registration_opened:
    case machine::Record::registration_closed:
      break;  // restores only
  }
  return [](Journal&) { return Status(Ok{}); };
}

Evidence BackupSession::evidence() const {
  Evidence evidence;
  evidence.session = id();
  evidence.set = document_.set.is_nil() && hold_set_ ? *hold_set_ : document_.set;
  evidence.host = services_.host;
  evidence.created = created_;
  evidence.timeline = timeline_.entries();
  evidence.outcome = outcome();
  add_snapshots(evidence);
  for (machine::ComponentIndex i = 0; i < document_.components.size(); ++i)
    evidence.components.push_back(component_evidence(i, evidence.snapshots));
  const Label set = label_set(evidence.components, evidence.snapshots);
  evidence.label = set.label;
  evidence.reason = set.reason;
  for (const auto& writer : writer_statuses()) {
    if (!writer.failure) continue;
    FailedWriter& failed = evidence.failed_writers.emplace_back();
    failed.identity = writer.identity;
    failed.process = writer.process;
    failed.phase = writer.failure->phase;
    failed.code = writer.failure->code;
    failed.application_code = writer.failure->application_code;
    failed.message = writer.failure->message;
  }
  return evidence;
}

void BackupSession::add_snapshots(Evidence& evidence) const {
  if (hold_set_ && !state_.cuts.empty()) {
    // Somebody else cut, at some moment of the hold: nobody here knows how, or of what.
    SnapshotEvidence& foreign = evidence.snapshots.emplace_back();
    foreign.snapshot = SnapshotId(hold_set_->bytes());
    foreign.provider_name = "external";
    foreign.atomicity = Atomicity::file;
    foreign.cut = CutRecord{foreign.snapshot, state_.cuts[0].begun, state_.cuts[0].ended};
    return;
  }
  if (!set_ || !set_->plan()) return;
  for (const auto& group : set_->plan()->groups) {
    for (std::size_t index : group.volumes) {
      const PlannedVolume& volume = set_->plan()->volumes[index];
      SnapshotEvidence& snapshot = evidence.snapshots.emplace_back();
      snapshot.snapshot = volume.snapshot;
      snapshot.provider = group.provider.id;
      snapshot.provider_name = group.provider.name;
      snapshot.atomicity = group.provider.atomicity;
      snapshot.volume = volume.surveyed.volume.mount_point;
      const auto cut = set_->cuts().find(volume.snapshot);
      if (cut != set_->cuts().end()) snapshot.cut = cut->second;
    }
  }
}

ComponentEvidence BackupSession::component_evidence(
    machine::ComponentIndex index, const std::vector<SnapshotEvidence>& snapshots) const {
  JudgedComponent judged;
  judged.component = &document_.components[index];
  const SessionWriter& writer = writers_[component_writers_[index]];
  const machine::WriterSlot& slot = state_.writers[component_writers_[index]];
  judged.hold = writer.hold;
  if (slot.failed)
    judged.writer_failure = writer.error
                                ? writer.error->what()
                                : std::string(to_string(slot.failure.value_or(Errc::writer_fatal)));
  Consistency machine_label = Consistency::failed;
  if (index < state_.components.size()) {
    const machine::ComponentSlot& component = state_.components[index];
    machine_label = machine::label_of(state_, component);
    if (component.failure && judged.writer_failure.empty())
      judged.writer_failure = judged.component->failures.empty()
                                  ? std::string(to_string(*component.failure))
                                  : judged.component->failures.back().message;
    if (hold_set_) {
      for (const auto& snapshot : snapshots) judged.cuts.push_back(snapshot.snapshot);
    } else if (set_ && set_->plan()) {
      for (std::size_t v = 0; v < set_->plan()->volumes.size(); ++v)
        if ((component.volumes >> v & 1) != 0)
          judged.cuts.push_back(set_->plan()->volumes[v].snapshot);
      judged.places = set_->plan()->component_places[index];
      judged.gaps = set_->plan()->component_gaps[index];
    }
  }
  const auto streams = streamed_.find(index);
  judged.streamed = streams != streamed_.end() && streams->second.opened != 0 &&
                    streams->second.opened == streams->second.closed;
  return judge_component(judged, machine_label, snapshots);
}

std::string BackupSession::outcome() const {
  if (state_.failure) return machine::given_up(state_) ? "aborted" : "failed";
  if (!state_.receipt_recorded) return state_.phase == machine::Phase::ended ? "not completed" : "";
  for (const auto& writer : state_.writers)
    if (writer.failed && writer.failed_at == Verb::backup_complete) return "partly completed";
  return "completed";
}

}  // namespace stillframe::coordinator
