// What a backup says to its writers, and what it takes over from their answers.
#include "framework/coordinator/event_ids.hpp"
#include "framework/coordinator/session/backup_session.hpp"
#include "framework/model/merge_edits.hpp"

namespace stillframe::coordinator {

WriterArgs BackupSession::arguments(const machine::Action& call) {
  switch (call.verb) {
    case Verb::prepare_backup:
      return view_of(call.writer);
    case Verb::prepare_snapshot:
      return SnapshotArgs{set_view(false), view_of(call.writer)};
    case Verb::post_snapshot:
      return SnapshotArgs{set_view(true), view_of(call.writer)};
    case Verb::backup_complete:
      return CompleteArgs{view_of(call.writer), receipt_.value_or(Receipt{})};
    case Verb::truncate_logs:
      return TruncateArgs{document_.components[call.component].name, receipt_.value_or(Receipt{})};
    case Verb::shutdown:
      return ShutdownArgs{document_.set};
    case Verb::open_stream:
      return stream_request_;
    case Verb::close:
      return CloseArgs{stream_handle_};
    case Verb::list_logs:
      return ComponentArgs{log_component_};
    default:
      return NoArgs{};
  }
}

Status BackupSession::absorb(Verb verb, machine::WriterIndex writer, machine::ComponentIndex,
                             WriterAnswer& answer) {
  if (verb == Verb::identify) return take_metadata(writer, answer);
  if (verb == Verb::backup_complete) {
    note_completed(writer);
    return Ok{};
  }
  if (verb != Verb::prepare_backup && verb != Verb::post_snapshot) return Ok{};
  const auto* edited = std::get_if<BackupView>(&answer.payload);
  return edited == nullptr ? Status(Ok{}) : merge(verb, writer, *edited);
}

BackupView BackupSession::view_of(machine::WriterIndex writer) const {
  BackupView view;
  view.set = document_.set;
  view.type = type_for(writer);
  view.component_mode = document_.component_mode;
  view.bootable_system_state = document_.bootable_system_state;
  view.partial_file_support = document_.partial_file_support;
  for (std::size_t i = 0; i < component_writers_.size(); ++i)
    if (component_writers_[i] == writer) view.components.push_back(document_.components[i]);
  return view;
}

Status BackupSession::merge(Verb verb, machine::WriterIndex writer, const BackupView& edited) {
  std::vector<machine::ComponentIndex> indices;
  std::vector<BackupComponent> ours;
  for (machine::ComponentIndex i = 0; i < component_writers_.size(); ++i) {
    if (component_writers_[i] != writer) continue;
    indices.push_back(i);
    ours.push_back(document_.components[i]);
  }
  if (Status s = merge_writer_edits(ours, edited.components, verb); !s.ok()) return s;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    BackupComponent& known = document_.components[indices[i]];
    const std::size_t before = known.failures.size();
    known = std::move(ours[i]);
    if (known.failures.size() <= before) continue;
    machine::Event failed;
    failed.kind = machine::EventKind::component_failed;
    failed.writer = writer;
    failed.component = indices[i];
    failed.failure = errc_from_number(known.failures.back().code);
    feed(failed);
  }
  return Ok{};
}

SnapshotSetView BackupSession::set_view(bool with_roots) const {
  SnapshotSetView view;
  view.set = document_.set;
  // Without recovery the snapshots are sealed before a writer could do anything.
  const SnapshotAttributes& attributes = snapshot_options_.attributes;
  view.for_rollback = attributes.for_rollback && attributes.auto_recovery;
  if (!set_ || !set_->plan()) return view;
  for (const auto& info : set_->snapshots()) {
    VolumeInSet& volume = view.volumes.emplace_back();
    volume.mount_point = info.volume.mount_point;
    volume.snapshot = info.snapshot;
    if (with_roots) volume.snapshot_root = info.root;
  }
  return view;
}

void BackupSession::note_completed(machine::WriterIndex writer) {
  if (!receipt_) return;
  for (std::size_t i = 0; i < component_writers_.size(); ++i) {
    if (component_writers_[i] != writer) continue;
    JournalledComponent done;
    done.writer_class = document_.components[i].writer_class;
    done.instance_name = document_.components[i].instance_name;
    done.name = document_.components[i].name;
    services_.journal_worker->post([journal = services_.journal, events = services_.events,
                                    clock = services_.clock, backup = receipt_->backup, done] {
      const Status s = journal->component_completed(backup, done);
      if (s.ok()) return;
      EventRecord event;
      event.id = kEventJournalWriteFailed;
      event.source = "coordinator";
      event.level = EventLevel::warning;
      event.message =
          "the completion of " + done.name.full() +
          " was not journalled; its next incremental will be refused: " + s.error().what();
      event.when = clock->wall_now();
      events->emit(event);
    });
  }
}

}  // namespace stillframe::coordinator
