// A backup, or a hold around somebody else's cut, in real time.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "framework/coordinator/session/session_driver.hpp"
#include "framework/coordinator/session/set_maker.hpp"
#include "framework/model/selection.hpp"

namespace stillframe::coordinator {

// All calls on the session's strand; each answers once, later or at once.
class BackupSession final : public SessionDriver {
 public:
  template <class T>
  using Reply = std::function<void(Result<T>)>;

  static Result<std::shared_ptr<BackupSession>> make(const Services& services, SessionOwner owner,
                                                     BackupOptions options);

  void gather(Reply<std::vector<WriterStatus>> reply);
  void select(const std::vector<ComponentSelector>& selectors, Done done);
  void prepare(Reply<std::vector<WriterStatus>> reply);
  void create_snapshots(const SnapshotOptions& options, Reply<SnapshotSetResult> reply);
  // Everything is frozen when it answers; the hold ends by itself at the instant it names.
  void hold_begin(Reply<BootTime> reply);
  void hold_end(Reply<Evidence> reply);

  struct Stream {
    StreamInfo info;
    std::vector<Descriptor> descriptors;
  };
  void open_stream(const WriterInstanceId& writer, const StreamRequest& stream,
                   std::function<void(Result<Stream>)> reply);
  void close_stream(const WriterInstanceId& writer, std::uint64_t handle, Done done);
  void list_logs(const WriterInstanceId& writer, const ComponentName& component,
                 Reply<LogList> reply);

  void complete(const Receipt& receipt, const std::vector<ComponentResult>& results,
                Reply<std::vector<WriterStatus>> reply);
  void end(Reply<Evidence> reply);

  const BackupDocument& document() const noexcept { return document_; }
  Evidence evidence() const;

 private:
  BackupSession(const Services& services, SessionOwner owner, BackupOptions options);

  // ---- SessionDriver
  WriterArgs arguments(const machine::Action& call) override;
  Status absorb(Verb verb, machine::WriterIndex writer, machine::ComponentIndex component,
                WriterAnswer& answer) override;
  void call_provider(const machine::Action& action) override;
  void flush(const machine::Action& action) override;
  void take_turns(const machine::Action& action) override;
  std::function<Status(Journal&)> journal_entry(const machine::Action& action) override;
  std::string group_name(machine::GroupIndex group) const override;
  std::string outcome() const override;
  EventFields facts() const override;
  void tell_result() override;

  // ---- selection
  std::vector<const WriterMetadata*> known_writers(
      std::vector<machine::WriterIndex>& indices) const;
  Status try_selection(const std::vector<ComponentSelector>& selectors);
  void note_dependencies(std::vector<UnmetDependency> unmet,
                         const std::vector<const WriterMetadata*>& known,
                         const std::vector<machine::WriterIndex>& indices);
  Status check_dependencies() const;
  void note_lacks();
  void apply_policy(ConsistencyPolicy common);
  Status check_required() const;
  void fix_selection();
  void check_chains(Done done);
  BackupType type_for(machine::WriterIndex writer) const;

  // ---- events
  void tell_component(const ComponentEvidence& component);
  void tell_not_planned(const Status& planned);
  void tell_provider_failed(const machine::Action& call, const Error& error);

  // ---- set
  SurveyRequest survey_request(const SnapshotOptions& options) const;
  void describe_writers(PlanOptions& plan) const;
  void note_pruned(const machine::Action& action, const FilesTakenOut& pruned);
  void check_declared(Done done);
  void give_up(const Error& why, const Reply<SnapshotSetResult>& reply);
  void start_set(machine::EventKind kind, Done done);
  SnapshotSetView set_view(bool with_roots) const;
  std::vector<JournalledSnapshot> journalled_snapshots(bool auto_release) const;

  // ---- writers' part of the document
  BackupView view_of(machine::WriterIndex writer) const;
  Status merge(Verb verb, machine::WriterIndex writer, const BackupView& edited);
  Result<machine::WriterIndex> find_writer(const WriterInstanceId& instance) const;
  machine::ComponentIndex find_component(machine::WriterIndex writer,
                                         const ComponentName& name) const;

  // ---- evidence
  void add_snapshots(Evidence& evidence) const;
  ComponentEvidence component_evidence(machine::ComponentIndex index,
                                       const std::vector<SnapshotEvidence>& snapshots) const;

  JournalledBackup journalled_backup() const;
  void note_completed(machine::WriterIndex writer);

  const BackupOptions options_;
  BackupDocument document_;
  std::vector<ComponentSelector> selectors_;
  Selection selection_;
  // What the selection lacks by its components' dependencies, by component of the document.
  struct Lack {
    std::size_t component = 0;
    bool remote = false;  // nobody here can tell whether it is met
    std::string text;
  };
  std::vector<Lack> lacks_;
  bool selection_fixed_ = false;
  std::vector<machine::WriterIndex> component_writers_;  // by component of the document

  std::unique_ptr<SetMaker> set_;
  bool planning_ = false;
  SnapshotOptions snapshot_options_;
  std::optional<SetId> hold_set_;  // names a hold in evidence, where no set of ours exists

  std::optional<Receipt> receipt_;
  StreamRequest stream_request_;
  std::uint64_t stream_handle_ = 0;
  ComponentName log_component_;
  // By component: streams that were opened, and whether all of them were closed well.
  struct Streamed {
    std::size_t opened = 0, closed = 0;
  };
  std::map<machine::ComponentIndex, Streamed> streamed_;
  std::map<std::pair<machine::WriterIndex, std::uint64_t>, machine::ComponentIndex> open_handles_;
  WallTime created_;
};

}  // namespace stillframe::coordinator
