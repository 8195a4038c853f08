#include "requestor/restore/restore_run.hpp"

#include <algorithm>

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/restore_selection.hpp"
#include "requestor/restore/component_restore.hpp"
#include "requestor/restore/file_choice.hpp"
#include "requestor/restore/writer_remarks.hpp"

namespace stillframe::requestor {
namespace {

bool same_writer(const WriterMetadata& metadata, const BackupComponent& component) {
  return metadata.identity.class_id == component.writer_class &&
         metadata.identity.instance_name == component.instance_name;
}

// "WRITER:COMPONENT" or "COMPONENT".
bool named_by(const std::string& wanted, const BackupComponent& component,
              const WriterMetadata* writer) {
  const auto colon = wanted.find(':');
  const std::string full = component.name.full();
  if (colon == std::string::npos) return wanted == full;
  const std::string name = wanted.substr(0, colon), rest = wanted.substr(colon + 1);
  const bool writer_fits = name == component.instance_name ||
                           (writer != nullptr && name == writer->identity.name) ||
                           name == component.writer_class.to_string();
  return writer_fits && (rest == full || rest == "*");
}

class RunningRestore {
 public:
  RunningRestore(const RestoreRequest& request, const ChainSource& source, RunObserver& observer)
      : request_(request), source_(source), observer_(observer), choice_(request.files) {}

  Status load();
  Status choose();
  Result<RestoreOutcome> simulate();
  Result<RestoreOutcome> run(RestoreSession& session, std::stop_token stop);
  void hear(const std::string& phase, const std::string& who, std::uint64_t done,
            std::uint64_t total) {
    if (!remarks_.take(phase, who)) observer_.progress(phase, who, done, total);
  }
  const BackupDocument& document() const { return document_; }
  const std::vector<WriterMetadata>& metadata() const { return metadata_; }

 private:
  Status fill_in(BackupComponent& component, const WriterMetadata& stored);
  Status choose_by_files(BackupComponent& component, const WriterMetadata& stored);
  Status add_targets(BackupComponent& component, const WriterMetadata& stored) const;
  Result<std::uint32_t> manifest_index(const BackupComponent& component) const;
  const WriterMetadata* stored_writer(const BackupComponent& component) const;
  const WriterStatus* live_writer(const BackupComponent& component) const;
  Result<ComponentToRestore> prepare_component(const BackupComponent& edited);
  Status choose_members(BackupComponent& component, const WriterMetadata& stored) const;
  Status stop_services(const std::vector<ComponentToRestore>& components, RestoreMethod method,
                       StoppedServices& services) const;
  Result<std::vector<ComponentToRestore>> select(RestoreSession& session);
  Status restart_services(const std::vector<ComponentToRestore>& components) const;

  const RestoreRequest& request_;
  const ChainSource& source_;
  RunObserver& observer_;
  FileChoice choice_;
  LastRemarks remarks_;
  BackupDocument document_;
  std::vector<WriterMetadata> metadata_;
  std::vector<BackupComponent> selected_;
  std::vector<WriterStatus> live_;
};

Status RunningRestore::load() {
  auto document = source_.newest().document();
  if (!document.ok()) return document.error();
  auto metadata = source_.newest().writers();
  if (!metadata.ok()) return metadata.error();
  document_ = std::move(document).value();
  metadata_ = std::move(metadata).value();
  return Ok{};
}

const WriterMetadata* RunningRestore::stored_writer(const BackupComponent& component) const {
  for (const WriterMetadata& metadata : metadata_) {
    if (same_writer(metadata, component)) return &metadata;
  }
  return nullptr;
}

const WriterStatus* RunningRestore::live_writer(const BackupComponent& component) const {
  for (const WriterStatus& writer : live_) {
    if (writer.identity.class_id != component.writer_class || writer.failure) continue;
    const std::string& wanted =
        request_.target_instance.empty() ? component.instance_name : request_.target_instance;
    if (writer.identity.instance_name == wanted) return &writer;
  }
  return nullptr;
}

Status RunningRestore::fill_in(BackupComponent& component, const WriterMetadata& stored) {
  component.restore.emplace().selected = true;
  if (Status s = choose_members(component, stored); !s.ok()) return s;
  if (Status s = choose_by_files(component, stored); !s.ok()) return s;
  ComponentRestore& restore = *component.restore;
  if (!restore.selected) return Ok{};
  restore.options = request_.writer_options;
  if (choice_.is_made()) {
    auto options = options_with_sets(request_.writer_options, source_);
    if (!options.ok()) return options.error();
    restore.options = std::move(options).value();
  }
  restore.authoritative = request_.authoritative;
  restore.additional_restores = request_.additional_restores;
  restore.roll_forward = request_.roll_forward;
  restore.roll_forward_point = request_.roll_forward_point;
  restore.restore_name = request_.restore_name;
  return add_targets(component, stored);
}

Status RunningRestore::add_targets(BackupComponent& component, const WriterMetadata& stored) const {
  auto members = restored_members(stored, component);
  if (!members.ok()) return members.error();
  std::vector<NewTarget>& targets = component.restore->new_targets;
  std::size_t file_sets = 0;
  for (const std::size_t member : members.value()) {
    for (const FileSet& files : stored.components[member].files) {
      ++file_sets;
      auto path = expand_path(files.path, {});
      if (!path.ok()) return path.error();
      const auto add = [&](const BytePath& to) {
        targets.push_back({files.path, files.pattern, files.recursive, literal_path(to), {}});
      };
      if (!request_.into.empty()) {
        add(request_.into);
        continue;
      }
      for (const auto& [from, to] : request_.moves) {
        if (auto below = path_below(path.value(), tidy_path(from))) add(join_path(to, *below));
      }
    }
  }
  if (!choice_.is_made() || targets.size() >= file_sets) return Ok{};
  return Error(Errc::invalid_argument,
               "files that are chosen go to a place of their own, so that nothing else is half "
               "replaced: say which with --into DIR, or with --map FROM=TO");
}

// Those that have a file that was chosen. Without any the component is left out.
Status RunningRestore::choose_by_files(BackupComponent& component, const WriterMetadata& stored) {
  if (!choice_.is_made()) return Ok{};
  auto index = manifest_index(component);
  if (!index.ok()) return index.error();
  const auto files = source_.files_of(index.value());
  auto members = restored_members(stored, component);
  if (!members.ok()) return members.error();
  bool head = false;
  std::vector<std::string> names;
  for (const std::size_t at : members.value()) {
    const Component& member = stored.components[at];
    if (!choice_.takes_any(member, files)) continue;
    if (member.type == ComponentType::database) {
      return Error(Errc::not_supported,
                   "the files of database '" + member.name.full() +
                       "' belong together; restore all of it, or take files out with --to");
    }
    if (member.name == component.name) head = true;
    names.push_back(member.name.full());
  }
  component.restore->selected = !names.empty();
  if (head || names.empty()) return Ok{};
  std::vector<BackupComponent> entry{component};
  if (Status s = select_for_restore(stored, entry, names); !s.ok()) return s;
  component = std::move(entry.front());
  return Ok{};
}

Status RunningRestore::choose() {
  std::vector<bool> used(request_.components.size(), false);
  for (std::size_t i = 0; i < document_.components.size(); ++i) {
    BackupComponent component = document_.components[i];
    const WriterMetadata* stored = stored_writer(component);
    bool wanted = request_.components.empty();
    for (std::size_t w = 0; w < request_.components.size(); ++w) {
      if (!named_by(request_.components[w], component, stored)) continue;
      wanted = used[w] = true;
    }
    if (!wanted) continue;
    if (!component.succeeded || stored == nullptr) {
      const Error error(Errc::partial_failure,
                        "component '" + component.name.full() + "' of " + component.instance_name +
                            " was not backed up completely in this set; restore it from another");
      if (!request_.components.empty()) return error;
      observer_.warning(error.what());
      continue;
    }
    if (Status s = fill_in(component, *stored); !s.ok()) return s;
    if (!component.restore->selected) continue;
    selected_.push_back(std::move(component));
  }
  for (std::size_t w = 0; w < used.size(); ++w) {
    if (used[w]) continue;
    return Error(Errc::not_found, "the backup set has no component '" + request_.components[w] +
                                      "'; stillframe show lists them");
  }
  if (const auto missing = choice_.without_a_file()) {
    return Error(Errc::not_found, "the backup set has no file " + quoted_path(*missing) +
                                      " among the components that were chosen");
  }
  if (!selected_.empty()) return Ok{};
  return Error(Errc::not_found,
               "the backup set has no component that could be restored; "
               "extract its files with --to");
}

// The members that were asked for by name: only those that come back alone.
Status RunningRestore::choose_members(BackupComponent& component,
                                      const WriterMetadata& stored) const {
  std::vector<std::string> names;
  for (const auto& [head, member] : request_.subcomponents) {
    if (head == component.name.full()) names.push_back(member.full());
  }
  if (names.empty()) return Ok{};
  std::vector<BackupComponent> entry{component};
  if (Status s = select_for_restore(stored, entry, names); !s.ok()) return s;
  component = std::move(entry.front());
  return Ok{};
}

Result<std::uint32_t> RunningRestore::manifest_index(const BackupComponent& component) const {
  const auto& known = source_.newest().manifest().components;
  const auto found = std::find_if(known.begin(), known.end(), [&](const ManifestComponent& entry) {
    return entry.writer_class == component.writer_class &&
           entry.instance_name == component.instance_name && entry.name == component.name;
  });
  if (found != known.end()) return static_cast<std::uint32_t>(found - known.begin());
  return Error(Errc::corrupt, "component '" + component.name.full() + "' is not in the set");
}

Result<ComponentToRestore> RunningRestore::prepare_component(const BackupComponent& edited) {
  ComponentToRestore component;
  component.component = edited;
  component.stored = stored_writer(edited);
  component.live = live_writer(edited);
  auto index = manifest_index(edited);
  if (!index.ok()) return index.error();
  if (component.stored == nullptr) {
    return Error(Errc::corrupt, "component '" + edited.name.full() + "' is not in the set");
  }
  component.manifest_index = index.value();
  auto members = restored_members(*component.stored, edited);
  if (!members.ok()) return members.error();
  for (const std::size_t member : members.value()) {
    component.members.push_back(&component.stored->components[member]);
  }
  component.files = source_.files_of(component.manifest_index);
  const bool in_part = edited.restore && !edited.restore->subcomponents.empty();
  if (in_part) keep_files_of(component.members, component.files);
  if (choice_.is_made()) choice_.keep_in(component.members, component.files);
  return component;
}

Status RunningRestore::stop_services(const std::vector<ComponentToRestore>& components,
                                     RestoreMethod method, StoppedServices& services) const {
  for (const ComponentToRestore& component : components) {
    const RestorePolicy& policy = component.stored->restore;
    if (policy.method != method) continue;
    Status stopped = services.stop(policy.service);
    if (stopped.ok()) continue;
    Status started = services.start();
    if (started.ok()) return stopped;
    return Error(stopped.error().code(),
                 stopped.error().what() + "; and then " + started.error().what());
  }
  return Ok{};
}

Result<RestoreOutcome> RunningRestore::simulate() {
  RestoreOutcome outcome;
  for (const BackupComponent& component : selected_) {
    RestoredPlan plan;
    plan.component = component.instance_name + ":" + component.name.full();
    auto prepared = prepare_component(component);
    if (!prepared.ok()) return prepared.error();
    const ComponentToRestore& ready = prepared.value();
    auto placement = place_files({ready.stored, ready.members, &ready.component, &ready.files});
    if (placement.ok()) {
      for (const PlacedFile& file : placement.value().files) {
        plan.files.emplace_back(file.stored->back().file->path, file.path());
      }
    } else {
      plan.problem = placement.error().what();
      if (outcome.finish.ok()) outcome.finish = placement.error();
    }
    if (prepared.value().live == nullptr) {
      observer_.warning("writer " + component.instance_name + " is not running");
    }
    outcome.plan.push_back(std::move(plan));
  }
  outcome.writers = live_;
  return outcome;
}

Result<std::vector<ComponentToRestore>> RunningRestore::select(RestoreSession& session) {
  for (BackupComponent& component : selected_) {
    const WriterStatus* writer = live_writer(component);
    if (writer == nullptr) {
      const std::string& wanted =
          request_.target_instance.empty() ? component.instance_name : request_.target_instance;
      return Error(Errc::writer_gone,
                   "writer " + wanted +
                       " is not running, so nobody would take its data offline; start it, or "
                       "extract the files with --to and put them in place yourself");
    }
    Status promised =
        check_restore_request(*stored_writer(component), component, request_.target_instance);
    if (!promised.ok()) return promised.error();
    component.restore->target_instance = writer->instance;
  }
  if (Status s = session.select(selected_); !s.ok()) return s.error();
  auto edited = session.pre_restore();
  if (!edited.ok()) return edited.error();
  std::vector<ComponentToRestore> components;
  for (const BackupComponent& component : edited.value()) {
    auto prepared = prepare_component(component);
    if (!prepared.ok()) return prepared.error();
    components.push_back(std::move(prepared).value());
  }
  return components;
}

Status RunningRestore::restart_services(const std::vector<ComponentToRestore>& components) const {
  StoppedServices services(request_.services);
  Status stopped = stop_services(components, RestoreMethod::restore_stop_start, services);
  return stopped.ok() ? services.start() : stopped;
}

Result<RestoreOutcome> RunningRestore::run(RestoreSession& session, std::stop_token stop) {
  auto live = session.gather();
  if (!live.ok()) return live.error();
  live_ = std::move(live).value();
  if (request_.simulate) return simulate();
  auto components = select(session);
  if (!components.ok()) return components.error();
  StoppedServices services(request_.services);
  Status stopped = stop_services(components.value(), RestoreMethod::stop_restore_start, services);
  if (!stopped.ok()) return stopped.error();

  RestoreOutcome outcome;
  std::vector<RestoredComponent> restored;
  ComponentRestorer restorer(session, request_, source_, observer_);
  for (const ComponentToRestore& component : components.value()) {
    Status result = Ok{};
    restored.push_back(restorer.restore(component, result, stop));
    if (!result.ok() && outcome.finish.ok()) outcome.finish = result;
  }
  outcome.waits_for_boot = restorer.waits_for_boot();
  outcome.wants_reboot = restorer.wants_reboot();
  Status started = services.start();
  auto writers = session.post_restore();
  if (writers.ok()) warn_of(writers.value(), observer_);
  if (writers.ok()) outcome.writers = std::move(writers).value();
  if (started.ok()) started = restart_services(components.value());
  auto report = session.end();
  outcome.remarks = remarks_.all();  // they come beside answers, so not before the next one
  if (report.ok()) outcome.report = std::move(report).value();
  outcome.report.components = std::move(restored);  // the counts are ours
  if (outcome.finish.ok() && !writers.ok()) outcome.finish = writers.error();
  if (outcome.finish.ok() && !started.ok()) outcome.finish = started;
  if (outcome.finish.ok() && !report.ok()) outcome.finish = report.error();
  return outcome;
}

}  // namespace

Result<RestoreOutcome> run_restore(Client& client, const RestoreRequest& request,
                                   RunObserver& observer, std::stop_token stop) {
  auto source = ChainSource::open(tidy_path(request.set));
  if (!source.ok()) return source.error();
  RunningRestore run(request, source.value(), observer);
  if (Status s = run.load(); !s.ok()) return s.error();
  if (Status s = run.choose(); !s.ok()) return s.error();
  auto session = client.begin_restore(run.document(), run.metadata(), request.options);
  if (!session.ok()) return session.error();
  session.value().on_progress([&](const std::string& phase, const std::string& who,
                                  std::uint64_t done,
                                  std::uint64_t total) { run.hear(phase, who, done, total); });
  // Not cancel() in the middle of a copy: the copy stops by itself and its target is told so.
  return run.run(session.value(), stop);
}

}  // namespace stillframe::requestor
