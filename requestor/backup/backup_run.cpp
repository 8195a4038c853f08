#include "requestor/backup/backup_run.hpp"

#include <algorithm>

#include <stillframe/documents.hpp>

#include "framework/base/path.hpp"
#include "framework/model/backup_type.hpp"
#include "framework/model/component_tree.hpp"
#include "framework/model/system_state.hpp"
#include "requestor/backup/chain.hpp"
#include "requestor/backup/copier.hpp"
#include "requestor/backup/stream_copy.hpp"
#include "requestor/backup/whole_volumes.hpp"
#include "requestor/store/sandboxed_verifier.hpp"

namespace stillframe::requestor {
namespace {

bool builds_on_another(BackupType type) {
  return type == BackupType::incremental || type == BackupType::differential ||
         type == BackupType::log;
}

// How a component's files are had.
enum class Route { snapshot, stream, live };

// An explicit component with what is needed to copy it.
struct Chosen {
  const WriterMetadata* writer = nullptr;
  std::vector<std::size_t> members;  // its head first
  BackupType type = BackupType::full;
  Route route = Route::snapshot;
};

class RunningBackup {
 public:
  RunningBackup(const BackupRequest& request, RunObserver& observer)
      : request_(request), observer_(observer) {}

  Result<BackupReport> run(BackupSession& session, std::stop_token stop);

 private:
  Status choose(BackupSession& session);
  Result<std::vector<ComponentSelector>> selectors() const;
  Status mind_system_state(std::vector<ComponentSelector>& wanted) const;
  Status learn_components(BackupSession& session);
  Result<Chosen> choose_component(const BackupComponent& entry) const;
  Status make_snapshots(BackupSession& session);
  Status refresh_document(BackupSession& session);
  Status copy(BackupSession& session, SetBuilder& builder, std::stop_token stop);
  std::vector<const WriterMetadata*> known_writers() const;
  Status plan_volumes(const SourceMap& sources, CopyPlan& plan,
                      std::vector<std::string>& notes) const;
  Result<SourceMap> open_sources(const BackupSession& session) const;
  Status plan(const SourceMap& sources, Copier& copier, CopyPlan& plan);
  void report_special_files();
  Status stream(BackupSession& session, Copier& copier);
  Status stream_set(BackupSession& session, Copier& copier, std::uint32_t index);
  Result<Receipt> publish(BackupSession& session, SetBuilder& builder);
  void finish(BackupSession& session);
  void write_outcome(const Result<Evidence>& last);
  std::vector<ComponentResult> results() const;

  const BackupRequest& request_;
  RunObserver& observer_;
  std::vector<WriterStatus> writers_;
  BackupDocument document_;
  std::vector<Chosen> chosen_;  // beside document_.components
  std::vector<SnapshotInfo> snapshots_;
  Evidence evidence_;
  BackupManifest manifest_;
  BackupReport report_;
};

std::vector<const WriterMetadata*> RunningBackup::known_writers() const {
  std::vector<const WriterMetadata*> known;
  for (const WriterStatus& writer : writers_) {
    if (writer.metadata) known.push_back(&*writer.metadata);
  }
  return known;
}

Result<std::vector<ComponentSelector>> RunningBackup::selectors() const {
  std::vector<ComponentSelector> wanted = request_.selectors;
  if (wanted.empty()) wanted.push_back({"", "*", request_.snapshot.policy, "", {}});
  if (Status s = mind_system_state(wanted); !s.ok()) return s.error();
  if (!builds_on_another(request_.options.type)) return wanted;
  const ChainRequest chain{request_.store, request_.options.type, request_.options.chain_owner};
  return choose_bases(chain, writers_, wanted, request_.options.exclude_writers);
}

// Takes all of the system's state along where that is meant, and says what is missing of it where a
// part was selected.
Status RunningBackup::mind_system_state(std::vector<ComponentSelector>& wanted) const {
  const auto known = known_writers();
  const std::vector<std::string>& excluded = request_.options.exclude_writers;
  if (request_.options.bootable_system_state) {
    auto whole = with_system_state(known, wanted, excluded);
    if (!whole.ok()) return whole.error();
    wanted = std::move(whole).value();
  }
  auto selection = select_components(known, wanted, excluded);
  if (!selection.ok()) return selection.error();
  for (const LeftOutComponent& out : missing_system_state(known, selection.value())) {
    const WriterMetadata& writer = *known[out.writer];
    observer_.warning("the system's state is incomplete without component '" +
                      writer.components[out.component].name.full() + "' of writer " +
                      writer.identity.name + "; --bootable takes all of it");
  }
  return Ok{};
}

Status RunningBackup::choose(BackupSession& session) {
  auto writers = session.gather();
  if (!writers.ok()) return writers.error();
  writers_ = std::move(writers).value();
  for (const WriterStatus& writer : writers_) {
    if (!writer.failure) continue;
    observer_.warning("writer " + writer.identity.name + " (" + writer.identity.instance_name +
                      ") failed: " + writer.failure->message);
  }
  if (!request_.options.component_mode || request_.no_writers) return Ok{};
  auto wanted = selectors();
  if (!wanted.ok()) return wanted.error();
  return session.select(wanted.value());
}

Result<Chosen> RunningBackup::choose_component(const BackupComponent& entry) const {
  Chosen chosen;
  for (const WriterStatus& writer : writers_) {
    if (writer.instance == entry.writer_instance && writer.metadata) {
      chosen.writer = &*writer.metadata;
    }
  }
  if (chosen.writer == nullptr) {
    return Error(Errc::writer_gone, "writer " + entry.instance_name + " of component '" +
                                        entry.name.full() + "' is gone");
  }
  const ComponentTree tree(*chosen.writer);
  const auto head = tree.find(entry.name);
  if (!head) {
    return Error(Errc::internal, "component '" + entry.name.full() + "' of " + entry.instance_name +
                                     " is not in its writer's metadata");
  }
  chosen.members = tree.with_descendants(*head);
  chosen.type = effective_type(chosen.writer->schema, request_.options.type);
  const Capabilities& can = chosen.writer->identity.capabilities;
  const bool from_snapshot = needs_snapshot(*chosen.writer, chosen.members, chosen.type);
  const bool streams =
      can.has(Capability::streaming) && (request_.prefer_streams || !can.has(Capability::snapshot));
  chosen.route = streams ? Route::stream : from_snapshot ? Route::snapshot : Route::live;
  return chosen;
}

Status RunningBackup::refresh_document(BackupSession& session) {
  auto document = session.document();
  if (!document.ok()) return document.error();
  document_ = std::move(document).value();
  return Ok{};
}

Status RunningBackup::learn_components(BackupSession& session) {
  if (Status s = refresh_document(session); !s.ok()) return s;
  for (const BackupComponent& entry : document_.components) {
    auto chosen = choose_component(entry);
    if (!chosen.ok()) return chosen.error();
    chosen_.push_back(std::move(chosen).value());
  }
  return Ok{};
}

Status RunningBackup::make_snapshots(BackupSession& session) {
  const bool needed = !request_.volumes.empty() || !request_.options.component_mode ||
                      std::any_of(chosen_.begin(), chosen_.end(), [](const Chosen& chosen) {
                        return chosen.route == Route::snapshot;
                      });
  if (!needed) return Ok{};
  SnapshotOptions options = request_.snapshot;
  options.extra_volumes.insert(options.extra_volumes.end(), request_.volumes.begin(),
                               request_.volumes.end());
  auto set = session.create_snapshots(options);
  if (!set.ok()) return set.error();
  snapshots_ = std::move(set.value().snapshots);
  evidence_ = std::move(set.value().evidence);
  // What writers wrote after the snapshot: stamps, partial and differenced files.
  return refresh_document(session);
}

Status RunningBackup::plan_volumes(const SourceMap& sources, CopyPlan& plan,
                                   std::vector<std::string>& notes) const {
  auto volumes = choose_whole_volumes(
      {request_.volumes, request_.store, request_.exclude_lists, request_.elsewhere != nullptr},
      snapshots_);
  if (!volumes.ok()) return volumes.error();
  return plan_whole_volumes(volumes.value(), known_writers(), sources, plan, notes);
}

Result<SourceMap> RunningBackup::open_sources(const BackupSession& session) const {
  if (request_.elsewhere != nullptr) return request_.elsewhere->open(session.id(), snapshots_);
  return SourceMap::open(snapshots_);
}

Status RunningBackup::plan(const SourceMap& sources, Copier& copier, CopyPlan& plan) {
  std::vector<std::string> notes;
  for (std::uint32_t i = 0; i < chosen_.size(); ++i) {
    const Chosen& chosen = chosen_[i];
    const BackupComponent& entry = document_.components[i];
    if (chosen.route == Route::stream) continue;
    ComponentToPlan component{chosen.writer, chosen.members,
                              &entry,        i,
                              chosen.type,   changed_since(request_.store, entry.base)};
    const auto built_on = base_files(request_.store, entry);
    if (built_on) component.chain = &built_on->files;
    ManifestComponent& told = manifest_.components[i];
    Status planned = plan_component(component, sources, plan, notes, told.kept);
    if (!planned.ok()) copier.note_failure(i, planned.error());
    if (built_on && planned.ok()) told.complete = complete_files(entry);
  }
  if (!request_.volumes.empty() || !request_.options.component_mode) {
    Status planned = plan_volumes(sources, plan, notes);
    if (!planned.ok()) return planned;
  }
  for (const std::string& note : notes) observer_.remark(note);
  return copier.copy(plan);
}

void RunningBackup::report_special_files() {
  constexpr std::size_t kNamesMax = 3;
  std::string names;
  for (const ManifestFile& file : manifest_.files) {
    if (!is_special(file.kind)) continue;
    report_.special_files.emplace_back(file.path, file.kind);
    if (report_.special_files.size() > kNamesMax) continue;
    names += (names.empty() ? "" : ", ") + std::string(to_string(file.kind)) + " '" +
             escape_path(file.path) + "'";
  }
  const std::size_t count = report_.special_files.size();
  if (count == 0) return;
  observer_.warning(std::to_string(count) +
                    " special files have no content to store; a restore makes pipes and devices "
                    "again, but not sockets: " +
                    names + (count > kNamesMax ? ", ..." : ""));
}

Status RunningBackup::stream(BackupSession& session, Copier& copier) {
  for (std::uint32_t i = 0; i < chosen_.size(); ++i) {
    if (chosen_[i].route != Route::stream) continue;
    const Status streamed = stream_set(session, copier, i);
    if (streamed.ok()) continue;
    if (streamed.error().code() == Errc::cancelled) return streamed;
    copier.note_failure(i, streamed.error());
  }
  return Ok{};
}

// A head with its members: what the writer's logs are to have is known when all data was read.
Status RunningBackup::stream_set(BackupSession& session, Copier& copier, std::uint32_t index) {
  const Chosen& chosen = chosen_[index];
  StreamedComponent component{document_.components[index].writer_instance,
                              nullptr,
                              index,
                              chosen.type,
                              chosen.writer->identity.capabilities.has(Capability::logs),
                              request_.elsewhere != nullptr};
  for (const std::size_t member : chosen.members) {
    component.component = &chosen.writer->components[member];
    if (Status s = stream_data(session, component, copier); !s.ok()) return s;
  }
  for (const std::size_t member : chosen.members) {
    component.component = &chosen.writer->components[member];
    const auto logs = stream_logs(session, component, copier);
    if (!logs.ok()) return logs.error();
    if (logs.value().low > logs.value().high) continue;
    manifest_.components[index].log_low = logs.value().low;
    manifest_.components[index].log_high = logs.value().high;
  }
  return Ok{};
}

Status RunningBackup::copy(BackupSession& session, SetBuilder& builder, std::stop_token stop) {
  std::vector<OwnerNames> owners;
  for (std::size_t i = 0; i < chosen_.size(); ++i) {
    const BackupComponent& entry = document_.components[i];
    owners.push_back({chosen_[i].writer->identity, entry.name});
    manifest_.components.push_back(
        {entry.writer_class, entry.instance_name, entry.name, true, "", entry.base, 1, 0, {}, {}});
    for (const ComponentFailure& failure : entry.failures) {
      manifest_.components[i].succeeded = false;
      manifest_.components[i].failure = failure.message;
    }
  }
  std::atomic<bool> cancelled{stop.stop_requested()};
  const std::stop_callback on_stop(stop, [&] { cancelled = true; });
  CopySettings settings;
  settings.threads = request_.copy_threads;
  auto sandboxed =
      sandbox_verifiers(request_.verifiers, request_.copy_threads,
                        [this](const std::string& weakness) { observer_.warning(weakness); });
  if (!sandboxed.ok()) return sandboxed.error();
  for (const auto& verifier : sandboxed.value()) settings.verifiers.push_back(verifier.get());
  settings.cancelled = &cancelled;
  settings.progress = [this](std::uint64_t done, std::uint64_t total) {
    observer_.progress("copy", "", done, total);
  };
  Copier copier(builder, settings, owners);
  CopyPlan files;
  auto sources = open_sources(session);
  if (!sources.ok()) return sources.error();
  if (Status s = plan(sources.value(), copier, files); !s.ok()) return s;
  if (Status s = stream(session, copier); !s.ok()) return s;
  for (const auto& [index, error] : copier.failures()) {
    manifest_.components[index].succeeded = false;
    manifest_.components[index].failure = error.what();
    observer_.warning("component '" + manifest_.components[index].name.full() + "' of " +
                      manifest_.components[index].instance_name + ": " + error.what());
  }
  manifest_.files = copier.take_files();
  report_special_files();
  report_.files = manifest_.files.size();
  report_.bytes = copier.bytes_copied();
  return Ok{};
}

Result<Receipt> RunningBackup::publish(BackupSession& session, SetBuilder& builder) {
  const bool any = manifest_.components.empty() ||
                   std::any_of(manifest_.components.begin(), manifest_.components.end(),
                               [](const ManifestComponent& c) { return c.succeeded; });
  if (!any) {
    const ManifestComponent& first = manifest_.components.front();
    return Error(Errc::partial_failure, "no component could be copied, nothing was published; '" +
                                            first.name.full() + "': " + first.failure);
  }
  auto evidence = session.evidence();
  if (!evidence.ok()) return evidence.error();
  evidence_ = std::move(evidence).value();
  for (std::size_t i = 0; i < document_.components.size(); ++i) {
    document_.components[i].succeeded = manifest_.components[i].succeeded;
  }
  manifest_.backup = document_.backup;
  manifest_.session = document_.session;
  manifest_.set = document_.set;
  manifest_.type = document_.type;
  manifest_.host = evidence_.host;
  manifest_.created = system_clock().wall_now();
  builder.add_document("backup", "documents/backup.json", stillframe::to_json(document_));
  builder.add_document("evidence", "documents/evidence.json", stillframe::to_json(evidence_));
  std::size_t number = 0;
  for (const WriterStatus& writer : writers_) {
    if (!writer.metadata) continue;
    builder.add_document("writer",
                         "documents/writers/" + writer.identity.class_id.to_string() + "-" +
                             std::to_string(number++) + ".json",
                         stillframe::to_json(*writer.metadata));
  }
  return builder.publish(manifest_);
}

std::vector<ComponentResult> RunningBackup::results() const {
  std::vector<ComponentResult> results;
  for (const ManifestComponent& component : manifest_.components) {
    results.push_back(
        {component.writer_class, component.instance_name, component.name, component.succeeded});
  }
  return results;
}

// The set is published: from here on nothing takes it back, and everything that goes wrong is told.
void RunningBackup::finish(BackupSession& session) {
  auto completed = session.complete(report_.receipt, results());
  if (completed.ok()) {
    report_.writers = std::move(completed).value();
  } else {
    report_.finish = completed.error().while_doing("completing the backup with its writers");
  }
  auto last = session.end();
  if (last.ok()) evidence_ = last.value();
  write_outcome(last);
  report_.evidence = evidence_;
  for (std::size_t i = 0; i < manifest_.components.size(); ++i) {
    ComponentOutcome outcome{manifest_.components[i], Consistency::failed, ""};
    for (const ComponentEvidence& evidence : evidence_.components) {
      if (evidence.writer_class != outcome.component.writer_class ||
          evidence.instance_name != outcome.component.instance_name ||
          evidence.name != outcome.component.name) {
        continue;
      }
      outcome.label = evidence.label;
      outcome.reason = evidence.reason;
    }
    if (!outcome.component.succeeded && report_.finish.ok()) {
      report_.finish = Error(Errc::partial_failure, "component '" + outcome.component.name.full() +
                                                        "' of " + outcome.component.instance_name +
                                                        ": " + outcome.component.failure);
    }
    report_.components.push_back(std::move(outcome));
  }
}

void RunningBackup::write_outcome(const Result<Evidence>& last) {
  SetOutcome outcome;
  outcome.outcome = report_.finish.ok() ? "completed" : "complete_failed";
  outcome.message = report_.finish.ok() ? "" : report_.finish.error().what();
  outcome.finished = system_clock().wall_now();
  outcome.evidence = evidence_;
  if (!last.ok() && outcome.message.empty()) outcome.message = last.error().what();
  auto set = BackupSet::open(report_.path);
  Status written = set.ok() ? set.value().write_outcome(outcome) : Status(set.error());
  if (!written.ok()) observer_.warning("outcome not recorded: " + written.error().what());
}

Result<BackupReport> RunningBackup::run(BackupSession& session, std::stop_token stop) {
  if (Status s = choose(session); !s.ok()) return s.error();
  auto prepared = session.prepare();
  if (!prepared.ok()) return prepared.error();
  warn_of(prepared.value(), observer_);
  if (Status s = learn_components(session); !s.ok()) return s.error();
  if (Status s = make_snapshots(session); !s.ok()) return s.error();
  auto builder = SetBuilder::begin(request_.store, document_.backup,
                                   [this](PublishStep step) { observer_.publishing(step); });
  if (!builder.ok()) return builder.error();
  if (Status s = copy(session, *builder.value(), stop); !s.ok()) return s.error();
  auto receipt = publish(session, *builder.value());
  if (!receipt.ok()) return receipt.error();
  report_.path = builder.value()->final_path();
  report_.receipt = std::move(receipt).value();
  finish(session);
  return std::move(report_);
}

}  // namespace

void warn_of(const std::vector<WriterStatus>& writers, RunObserver& observer) {
  for (const WriterStatus& writer : writers)
    for (const std::string& warning : writer.warnings) observer.warning(warning);
}

Result<BackupReport> run_backup(Client& client, const BackupRequest& request, RunObserver& observer,
                                std::stop_token stop) {
  if (request.no_writers && request.volumes.empty())
    return Error(Errc::invalid_argument, "nothing to back up: no writer and no volume is wanted");
  auto session = client.begin_backup(request.options);
  if (!session.ok()) return session.error();
  session.value().on_progress(
      [&](const std::string& phase, const std::string& who, std::uint64_t done,
          std::uint64_t total) { observer.progress(phase, who, done, total); });
  const std::stop_callback on_stop(stop, [&] { session.value().cancel(); });
  RunningBackup run(request, observer);
  auto report = run.run(session.value(), stop);
  if (!report.ok()) {
    // Said with the reason, so that the evidence has it; the destructor would abort without one.
    (void)session.value().abort(report.error().what());
    (void)session.value().end();
  }
  return report;
}

}  // namespace stillframe::requestor
