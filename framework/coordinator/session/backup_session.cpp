#include "framework/coordinator/session/backup_session.hpp"

#include <algorithm>

#include "framework/coordinator/session/backup_rules.hpp"

namespace stillframe::coordinator {
namespace {

// The defaults of the coordinator, where the requestor named no limits of its own.
machine::SessionOptions session_options(const machine::Limits& defaults,
                                        const BackupOptions& options) {
  machine::SessionOptions session;
  session.limits = defaults;
  if (options.hold_limit.count() > 0) session.limits.hold = options.hold_limit;
  if (options.commit_limit.count() > 0) session.limits.commit = options.commit_limit;
  if (options.lease.count() > 0) session.limits.lease = options.lease;
  session.limits.queue = options.queue_wait;
  session.truncates = options.type == BackupType::full || options.type == BackupType::incremental ||
                      options.type == BackupType::log;
  return session;
}

}  // namespace

BackupSession::BackupSession(const Services& services, SessionOwner owner, BackupOptions options)
    : SessionDriver(services, std::move(owner), "backup"), options_(std::move(options)) {
  document_.session = id();
  document_.backup = BackupId::generate();
  document_.type = options_.type;
  document_.component_mode = options_.component_mode;
  document_.bootable_system_state = options_.bootable_system_state;
  document_.partial_file_support = options_.partial_file_support;
  document_.chain_owner =
      options_.chain_owner.empty() ? "stillframe@" + services.host : options_.chain_owner;
  created_ = services.clock->wall_now();
}

Result<std::shared_ptr<BackupSession>> BackupSession::make(const Services& services,
                                                           SessionOwner owner,
                                                           BackupOptions options) {
  if (options.hold_limit.count() < 0 || options.commit_limit.count() < 0 ||
      options.lease.count() < 0 || options.queue_wait.count() < 0)
    return Error(Errc::invalid_argument, "a limit of the backup is negative");
  const machine::SessionOptions session = session_options(services.limits, options);
  std::shared_ptr<BackupSession> backup(
      new BackupSession(services, std::move(owner), std::move(options)));
  if (Status s = backup->start(machine::State::backup(session)); !s.ok()) return s.error();
  return backup;
}

void BackupSession::gather(Reply<std::vector<WriterStatus>> reply) {
  std::vector<std::shared_ptr<WriterLink>> links;
  for (auto& link : services_.writers->all()) {
    const bool excluded =
        std::any_of(options_.exclude_writers.begin(), options_.exclude_writers.end(),
                    [&](const std::string& name) {
                      return names_writer(name, link->identity(), link->instance());
                    });
    if (!excluded) links.push_back(std::move(link));
  }
  gather_writers(std::move(links), [this, reply = std::move(reply)](const Status& status) {
    if (!status.ok()) return reply(status.error());
    reply(writer_statuses());
  });
}

// What a stricter set now requires may have failed while it was not required: no set can hold it.
Status BackupSession::check_required() const {
  for (std::size_t i = 0; i < document_.components.size(); ++i) {
    const machine::WriterSlot& writer = state_.writers[component_writers_[i]];
    const auto failure = writer.failed ? writer.failure : state_.components[i].failure;
    if (document_.components[i].policy != ConsistencyPolicy::require || !failure) continue;
    const auto& error = writers_[component_writers_[i]].error;
    return Error(*failure, "the set requires component " + document_.components[i].name.full() +
                               " of writer " + writer_name(component_writers_[i]) +
                               ", which failed at " + std::string(to_string(writer.failed_at)) +
                               (error ? ": " + error->what() : std::string()) +
                               "; begin the backup again, or allow less");
  }
  return Ok{};
}

void BackupSession::create_snapshots(const SnapshotOptions& options,
                                     Reply<SnapshotSetResult> reply) {
  const auto hand_over = [this, reply](const Status& readable) {
    if (!readable.ok()) return give_up(readable.error(), reply);
    SnapshotSetResult result;
    result.set = set_->plan()->set;
    result.snapshots = set_->snapshots();
    result.evidence = evidence();
    reply(std::move(result));
  };
  const auto finish = [this, reply, hand_over](const Status& status) {
    if (!status.ok()) return reply(status.error());
    check_declared(hand_over);
  };
  // Out of order: the machine says which calls are permitted.
  if (state_.phase != machine::Phase::prepared)
    return request(make_event(machine::EventKind::snapshot), finish);
  if (planning_)
    return reply(Error(Errc::in_progress, "this session's set is being planned already"));
  apply_policy(options.policy.value_or(options_.policy));
  if (Status s = check_required(); !s.ok()) return reply(s.error());
  planning_ = true;
  snapshot_options_ = options;
  set_ = std::make_unique<SetMaker>(services_, strand_, weak_from_this());
  PlanOptions plan;
  plan.attributes = options.attributes;
  plan.provider = options.provider;
  plan.auto_release = options.auto_release;
  for (const auto& component : document_.components) plan.policies.push_back(component.policy);
  describe_writers(plan);
  set_->plan(survey_request(options), std::move(plan), [this, finish](const Status& planned) {
    planning_ = false;
    if (!planned.ok()) {
      tell_not_planned(planned);
      return finish(planned);
    }
    start_set(machine::EventKind::snapshot, finish);
  });
}

// What identify was judged by may have changed until the cut; what the snapshots hold does not
// change any more, and nobody has been given it yet.
void BackupSession::check_declared(Done done) {
  struct Judged {
    std::shared_ptr<WriterLink> link;
    std::map<BytePath, std::vector<DeclaredFiles>> by_root;
  };
  std::vector<Judged> all;
  const auto snapshots = set_->snapshots();
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i) {
    const SessionWriter& writer = writers_[i];
    if (!state_.writers[i].selected || !writer.metadata ||
        !services_.file_rules.cover(*writer.link))
      continue;
    const std::int64_t pid = writer.link->process().pid;
    std::vector<DeclaredFiles> files = declared_files(*writer.metadata, pid);
    for (std::size_t c = 0; c < document_.components.size(); ++c) {
      if (component_writers_[c] != i) continue;
      for (auto& added : added_files(document_.components[c], pid))
        files.push_back(std::move(added));
    }
    all.push_back({writer.link, in_snapshots(files, snapshots)});
  }
  if (all.empty()) return done(Ok{});
  services_.files_worker->post([weak = weak_from_this(), strand = strand_,
                                check = services_.file_rules.check, all = std::move(all),
                                done = std::move(done)] {
    Status verdict = Ok{};
    for (const Judged& judged : all)
      for (const auto& [root, files] : judged.by_root)
        if (verdict.ok()) verdict = check(*judged.link, root, true, files);
    strand.post([weak, verdict, done] {
      if (auto self = weak.lock()) done(verdict);
    });
  });
}

// A set that nobody is to be given. The requestor hears why, whatever becomes of the abort.
void BackupSession::give_up(const Error& why, const Reply<SnapshotSetResult>& reply) {
  abort(why.what(), [why, reply](const Status&) { reply(why); });
}

void BackupSession::start_set(machine::EventKind kind, Done done) {
  const SetPlan& plan = *set_->plan();
  std::vector<machine::GroupSpec> groups;
  for (const auto& group : plan.groups) {
    machine::GroupSpec& spec = groups.emplace_back();
    spec.atomicity = group.provider.atomicity;
    for (std::size_t volume : group.volumes) spec.volumes |= machine::VolumeMask{1} << volume;
  }
  machine::SetSpec spec;
  spec.groups = groups;
  spec.component_volumes = plan.component_volumes;
  std::vector<ConsistencyPolicy> policies;
  for (const auto& component : document_.components) policies.push_back(component.policy);
  spec.policies = policies;
  spec.auto_release = plan.auto_release;
  document_.set = plan.set;
  machine::Event event = make_event(kind);
  event.set = &spec;
  request(event, std::move(done));
}

void BackupSession::hold_begin(Reply<BootTime> reply) {
  if (!hold_set_) hold_set_ = SetId::generate();
  const machine::SetSpec nothing_of_ours;
  machine::Event event = make_event(machine::EventKind::hold_begin);
  event.set = &nothing_of_ours;
  request(event, [this, reply = std::move(reply)](const Status& status) {
    if (!status.ok()) return reply(status.error());
    const auto end = timers_->first_hold_end();
    reply(end.value_or(services_.clock->now() + state_.options.limits.hold));
  });
}

void BackupSession::hold_end(Reply<Evidence> reply) {
  request(make_event(machine::EventKind::hold_end),
          [this, reply = std::move(reply)](const Status& status) {
            if (!status.ok()) return reply(status.error());
            reply(evidence());
          });
}

Result<machine::WriterIndex> BackupSession::find_writer(const WriterInstanceId& instance) const {
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i)
    if (writers_[i].link->instance() == instance) return i;
  return Error(Errc::not_found, "no writer of this session has instance id " +
                                    instance.to_string() + "; gather() lists them");
}

// Itself, or the head that it comes with.
machine::ComponentIndex BackupSession::find_component(machine::WriterIndex writer,
                                                      const ComponentName& name) const {
  const std::string full = name.full() + "/";
  machine::ComponentIndex nearest = machine::kNone;
  std::size_t longest = 0;
  for (machine::ComponentIndex i = 0; i < component_writers_.size(); ++i) {
    const std::string head = document_.components[i].name.full() + "/";
    if (component_writers_[i] != writer || !full.starts_with(head)) continue;
    if (head.size() <= longest) continue;
    longest = head.size();
    nearest = i;
  }
  return nearest;
}

void BackupSession::open_stream(const WriterInstanceId& instance, const StreamRequest& stream,
                                std::function<void(Result<Stream>)> reply) {
  auto writer = find_writer(instance);
  if (!writer.ok()) return reply(writer.error());
  stream_request_ = stream;
  machine::Event event = make_event(machine::EventKind::open_stream, writer.value());
  event.request = expect(event.kind, {});
  set_done(event.request, event.writer,
           [this, id = event.request, index = writer.value(),
            component = find_component(writer.value(), stream.component),
            reply = std::move(reply)](const Status& status) {
             if (!status.ok()) return reply(status.error());
             WriterAnswer* answer = answer_of(id);
             const auto* info = answer ? std::get_if<StreamInfo>(&answer->payload) : nullptr;
             if (info == nullptr)
               return reply(Error(Errc::internal, "open_stream was answered without a stream"));
             ++streamed_[component].opened;
             open_handles_[{index, info->handle}] = component;
             Stream opened;
             opened.info = *info;
             opened.descriptors = std::move(answer->descriptors);
             reply(std::move(opened));
           });
  feed(event);
}

void BackupSession::close_stream(const WriterInstanceId& instance, std::uint64_t handle,
                                 Done done) {
  auto writer = find_writer(instance);
  if (!writer.ok()) return done(writer.error());
  stream_handle_ = handle;
  request(make_event(machine::EventKind::close_stream, writer.value()),
          [this, key = std::pair(writer.value(), handle), done](const Status& status) {
            auto open = open_handles_.find(key);
            if (open != open_handles_.end()) {
              if (status.ok()) ++streamed_[open->second].closed;
              open_handles_.erase(open);
            }
            done(status);
          });
}

void BackupSession::list_logs(const WriterInstanceId& instance, const ComponentName& component,
                              Reply<LogList> reply) {
  auto writer = find_writer(instance);
  if (!writer.ok()) return reply(writer.error());
  log_component_ = component;
  machine::Event event = make_event(machine::EventKind::list_logs, writer.value());
  event.request = expect(event.kind, {});
  set_done(event.request, event.writer,
           [this, id = event.request, reply = std::move(reply)](const Status& status) {
             if (!status.ok()) return reply(status.error());
             WriterAnswer* answer = answer_of(id);
             const auto* logs = answer ? std::get_if<LogList>(&answer->payload) : nullptr;
             if (logs == nullptr)
               return reply(Error(Errc::internal, "list_logs was answered without a list"));
             reply(*logs);
           });
  feed(event);
}

void BackupSession::complete(const Receipt& receipt, const std::vector<ComponentResult>& results,
                             Reply<std::vector<WriterStatus>> reply) {
  const bool can_complete =
      state_.phase == machine::Phase::ready || state_.phase == machine::Phase::prepared;
  std::vector<std::uint8_t> succeeded(document_.components.size(), 0);
  if (can_complete) {
    if (Status s = check_receipt(receipt, document_); !s.ok()) return reply(s.error());
    for (const auto& result : results)
      for (std::size_t i = 0; i < document_.components.size(); ++i) {
        BackupComponent& component = document_.components[i];
        if (component.writer_class != result.writer_class ||
            component.instance_name != result.instance_name || component.name != result.name)
          continue;
        component.succeeded = result.succeeded;
        succeeded[i] = result.succeeded ? 1 : 0;
      }
    receipt_ = receipt;
  }
  machine::CompleteSpec spec;
  spec.receipt_valid = can_complete;
  spec.succeeded = succeeded;
  machine::Event event = make_event(machine::EventKind::complete);
  event.complete = &spec;
  request(event, [this, reply = std::move(reply)](const Status& status) {
    if (!status.ok()) return reply(status.error());
    reply(writer_statuses());
  });
}

void BackupSession::end(Reply<Evidence> reply) {
  request(make_event(machine::EventKind::end),
          [this, reply = std::move(reply)](const Status& status) {
            if (!status.ok()) return reply(status.error());
            reply(evidence());
          });
}

}  // namespace stillframe::coordinator
