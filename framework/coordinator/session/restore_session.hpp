// A restore in real time: stored documents, live writers, and the verbs between them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "framework/coordinator/session/restore_targets.hpp"
#include "framework/coordinator/session/session_driver.hpp"

namespace stillframe::coordinator {

// All calls on the session's strand; each answers once, later or at once.
class RestoreSession final : public SessionDriver {
 public:
  template <class T>
  using Reply = std::function<void(Result<T>)>;

  static Result<std::shared_ptr<RestoreSession>> make(const Services& services, SessionOwner owner,
                                                      BackupDocument document,
                                                      std::vector<WriterMetadata> metadata,
                                                      RestoreOptions options);

  // Live writers of the document's classes, and as gone those that the document names and that are
  // not there.
  void gather(Reply<std::vector<WriterStatus>> reply);
  void select(const std::vector<BackupComponent>& components, Done done);
  void pre_restore(Reply<std::vector<BackupComponent>> reply);
  void prepare(const WriterInstanceId& writer, RestoreAuthority authority, Done done);
  void locations(const WriterInstanceId& writer, const ComponentName& component,
                 Reply<std::vector<RestoreLocation>> reply);
  void register_restore(const WriterInstanceId& writer, const RestoreRegistration& registration,
                        Done done);
  void set_file_status(const WriterInstanceId& writer, const ComponentName& component,
                       FileRestoreStatus status, const std::vector<AlternateMapping>& mappings_used,
                       Done done);
  void complete(const WriterInstanceId& writer, const ComponentName& component, bool copied_ok,
                const std::string& failure, Done done);
  void post_restore(Reply<std::vector<WriterStatus>> reply);
  void end(Reply<RestoreReport> reply);

  // The same instance name registered again; any writer may be named.
  void writer_returned(const std::shared_ptr<WriterLink>& link);
  std::vector<WriterStatus> statuses() const;  // with those that are gone

 private:
  RestoreSession(const Services& services, SessionOwner owner, BackupDocument document,
                 std::vector<WriterMetadata> metadata, RestoreOptions options);

  // ---- SessionDriver
  WriterArgs arguments(const machine::Action& call) override;
  Status absorb(Verb verb, machine::WriterIndex writer, machine::ComponentIndex component,
                WriterAnswer& answer) override;
  void call_provider(const machine::Action&) override {}
  void flush(const machine::Action&) override {}
  void take_turns(const machine::Action&) override {}
  std::function<Status(Journal&)> journal_entry(const machine::Action& action) override;
  std::string group_name(machine::GroupIndex) const override { return "provider"; }
  std::string outcome() const override;
  EventFields facts() const override;

  Result<machine::WriterIndex> find_writer(const WriterInstanceId& instance) const;
  Result<machine::WriterIndex> writer_for(const BackupComponent& component) const;
  const WriterMetadata* metadata_of(const BackupComponent& component) const;
  Status check_promises(machine::WriterIndex writer, const BackupComponent& component) const;
  std::set<std::pair<WriterClassId, std::string>> coming_back() const;
  // Ok for requestors that may choose any place.
  template <class... Targets>
  Status check_agreed(machine::WriterIndex writer, const Targets&... targets) const {
    if (!owner().redirects_restores || owner().redirects_restores()) return Ok{};
    const auto& metadata = writers_[writer].metadata;
    return check_targets({metadata ? &*metadata : nullptr, services_.restore_roots}, targets...);
  }
  Status claim_writer(machine::WriterIndex writer);
  Result<std::string> version_note(machine::WriterIndex writer,
                                   const BackupComponent& component) const;
  void warn_of_selection();
  void note_dependencies();
  Result<machine::ComponentIndex> find_component(machine::WriterIndex writer,
                                                 const ComponentName& name) const;
  RestoreView view_of(machine::WriterIndex writer) const;
  void staged(machine::EventKind kind, const WriterInstanceId& writer,
              const ComponentName& component, bool copied_ok, Done done);
  void note_owed();
  void journal_owed(machine::WriterIndex writer, bool owed);
  JournalledRestore journalled(machine::ComponentIndex index, JournalledRestore::State state) const;
  RestoreReport report() const;

  const BackupDocument document_;
  const std::vector<WriterMetadata> metadata_;
  const RestoreOptions options_;
  std::vector<BackupComponent> components_;              // selected, as edited so far
  std::vector<machine::WriterIndex> component_writers_;  // one each
  std::map<machine::WriterIndex, RestoreAuthority> authorities_;
  std::map<machine::ComponentIndex, std::string> copy_failures_;
  // Of the call that is made while the request is fed.
  RestoreAuthority authority_;
  RestoreRegistration registration_;
  ComponentName component_;
};

}  // namespace stillframe::coordinator
