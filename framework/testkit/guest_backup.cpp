// A guest's backups and holds.
#include <algorithm>
#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/model/selection.hpp"
#include "framework/testkit/guest_call.hpp"

namespace stillframe::testkit {

using machine::EventKind;
using machine::Phase;

namespace {

constexpr std::size_t kCompanyStreamBytes = 4096;

// Where a requestor reads a stream from. The writer's side has been read already, so nobody waits
// for anybody at this pipe.
Result<Descriptor> readable(const std::vector<std::byte>& bytes) {
  Descriptor file(::memfd_create("stillframe-stream", MFD_CLOEXEC));
  if (!file.valid()) return posix_error(errno, "create", "simulated stream");
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno != EINTR) return posix_error(errno, "fill", "simulated stream");
    done += n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0)
    return posix_error(errno, "rewind", "simulated stream");
  return file;
}

}  // namespace

Result<ChannelReply> Guest::begin_backup(Call& call) {
  const auto options = call.params.get<BackupOptions>("options");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  auto session = begin_session(call.link, SessionKind::snapshot, options.type);
  if (!session.ok()) return session.error();
  SessionDocument& document = *stage_.documents[session.value()];
  document.document.component_mode = options.component_mode;
  if (!options.chain_owner.empty()) document.document.chain_owner = options.chain_owner;
  excluded_[session.value()] = options.exclude_writers;
  backup_policy_[session.value()] = options.policy;
  nlohmann::json result = nlohmann::json::object();
  result["session"] = document.document.session.to_string();
  return reply_with(result);
}

// All selectors together, as later ones may refine earlier ones.
Status Guest::try_selection(Call& call, const std::vector<ComponentSelector>& selectors) {
  std::vector<const WriterMetadata*> known;
  std::vector<std::uint32_t> indices;
  for (std::uint32_t i = 0; i < call.state->writers.size(); ++i) {
    if (call.state->writers[i].failed) continue;
    known.push_back(&stage_.cast.writers[i]);
    indices.push_back(i);
  }
  auto selection = select_components(known, selectors, excluded_[call.session]);
  if (!selection.ok()) return selection.error();
  auto entries = make_backup_components(known, selection.value());
  call.document->forget_selection();
  call.plan->components.clear();
  own_policies_[call.session].clear();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const SelectedComponent& selected = selection.value().components[i];
    const std::uint32_t writer = indices[selected.writer];
    ComponentPlan& component = call.plan->components.emplace_back();
    component.writer = writer;
    component.policy = selected.policy.value_or(backup_policy_[call.session]);
    own_policies_[call.session].push_back(selected.policy);
    entries[i].policy = component.policy;
    component.has_logs = stage_.cast.has_logs(writer, selected.component);
    component.volumes = stage_.cast.volumes_of(writer, selected.component, selected.implicit);
    call.document->select(std::move(entries[i]), writer);
  }
  selectors_[call.session] = selectors;
  return Ok{};
}

Result<ChannelReply> Guest::select_backup(Call& call) {
  const auto more = call.params.get<std::vector<ComponentSelector>>("selectors");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  if (call.state->phase == Phase::gathered) {
    auto all = selectors_[call.session];
    all.insert(all.end(), more.begin(), more.end());
    if (Status s = try_selection(call, all); !s.ok()) return s.error();
  }
  return done(ask(call, EventKind::select));
}

// The machine is told of the selection when it is final, as the coordinator does.
Result<ChannelReply> Guest::prepare_backup(Call& call) {
  if (call.state->phase == Phase::gathered && call.state->components.empty()) {
    std::vector<machine::ComponentSpec> specs;
    for (const ComponentPlan& component : call.plan->components) {
      specs.push_back({component.writer, component.policy, component.has_logs});
    }
    machine::Event event;
    event.kind = EventKind::select;
    event.components = specs;
    if (Status s = ask(call, event); !s.ok()) return s.error();
  }
  if (Status s = ask(call, EventKind::prepare); !s.ok()) return s.error();
  return status(call);
}

Status Guest::ask_for_set(Call& call, EventKind kind) {
  const bool foreign = kind == EventKind::hold_begin;
  std::vector<machine::GroupSpec> groups;
  std::vector<machine::VolumeMask> volumes;
  if (call.state->phase == Phase::prepared) {
    if (foreign) call.plan->kind = SessionKind::hold;
    call.document->begin_set(!foreign);
  }
  for (const ProviderPlan& provider : stage_.world.plan().providers) {
    if (!foreign) groups.push_back({provider.atomicity, provider.volumes});
  }
  std::vector<ConsistencyPolicy> policies;
  for (const ComponentPlan& component : call.plan->components) {
    volumes.push_back(component.volumes);
    policies.push_back(component.policy);
  }
  machine::SetSpec set;
  set.groups = groups;
  set.component_volumes = volumes;
  set.policies = policies;
  set.auto_release = call.plan->auto_release;
  machine::Event event;
  event.kind = kind;
  event.set = &set;
  return ask(call, event);
}

Result<ChannelReply> Guest::snapshot(Call& call) {
  const auto options = call.params.get<SnapshotOptions>("options");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  call.plan->auto_release = options.auto_release;
  for (std::size_t i = 0; i < call.plan->components.size(); ++i) {
    const auto common = options.policy.value_or(backup_policy_[call.session]);
    call.plan->components[i].policy = own_policies_[call.session].at(i).value_or(common);
  }
  if (Status s = ask_for_set(call, EventKind::snapshot); !s.ok()) return s.error();
  SnapshotSetResult made;
  made.set = call.document->document.set;
  made.snapshots = call.document->snapshots();
  made.evidence = call.document->evidence(*call.state);
  return reply_with(encode_json(made));
}

Result<ChannelReply> Guest::hold_begin(Call& call) {
  if (Status s = ask_for_set(call, EventKind::hold_begin); !s.ok()) return s.error();
  Duration shortest = call.state->options.limits.hold;
  for (const machine::WriterSlot& writer : call.state->writers) {
    if (writer.takes_part) shortest = std::min(shortest, writer.hold_limit);
  }
  nlohmann::json result = nlohmann::json::object();
  result["deadline"] = (now() + shortest).since_boot().count();
  return reply_with(result);
}

Result<ChannelReply> Guest::hold_end(Call& call) {
  stage_.world.note_foreign_cut(call.session);
  if (Status s = ask(call, EventKind::hold_end); !s.ok()) return s.error();
  return evidence(call);
}

Result<ChannelReply> Guest::open_stream(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  call.document->stream_request = call.params.get<StreamRequest>("request");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  if (call.state->phase == Phase::prepared) call.plan->kind = SessionKind::stream;
  if (Status s = ask(call, EventKind::open_stream, writer.value()); !s.ok()) return s.error();

  StreamInfo info;
  const auto payload = call.document->payloads.find(writer.value());
  if (payload != call.document->payloads.end() &&
      std::holds_alternative<StreamInfo>(payload->second)) {
    info = std::get<StreamInfo>(payload->second);
  } else {  // of the company: something that is the same in every run
    info.handle = ++company_streams_;
    info.size = kCompanyStreamBytes;
    SimulatedStream stream;
    stream.bytes.assign(info.size, std::byte{static_cast<unsigned char>(info.handle)});
    call.document->begin_stream(
        writer.value(),
        call.document->find(writer.value(), call.document->stream_request.component), info.handle,
        std::move(stream));
  }
  auto bytes = readable(call.document->stream(writer.value(), info.handle)->bytes);
  if (!bytes.ok()) return bytes.error();
  ChannelReply reply = reply_with("stream", info);
  reply.descriptors.push_back(std::move(bytes).value());
  return reply;
}

Result<ChannelReply> Guest::close_stream(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  call.document->stream_handle = call.params.number("handle");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  return done(ask(call, EventKind::close_stream, writer.value()));
}

Result<ChannelReply> Guest::list_logs(Call& call) {
  const auto writer = writer_named(call);
  if (!writer.ok()) return writer.error();
  call.document->named_component = call.params.get<ComponentName>("component");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  const auto component = call.document->find(writer.value(), call.document->named_component);
  if (Status s = ask(call, EventKind::list_logs, writer.value(), component); !s.ok()) {
    return s.error();
  }
  const auto payload = call.document->payloads.find(writer.value());
  const bool listed =
      payload != call.document->payloads.end() && std::holds_alternative<LogList>(payload->second);
  LogList none;
  none.low = 1;  // a writer of the company has no logs at the moment
  return reply_with("logs", listed ? std::get<LogList>(payload->second) : none);
}

Result<ChannelReply> Guest::complete(Call& call) {
  const auto receipt = call.params.get<Receipt>("receipt");
  const auto results = call.params.get<std::vector<ComponentResult>>("results");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  const bool can_complete =
      call.state->phase == Phase::ready || call.state->phase == Phase::prepared;
  std::vector<std::uint8_t> succeeded(call.document->size(), 0);
  if (can_complete) {
    if (Status s = call.document->check(receipt); !s.ok()) return s.error();
    for (std::size_t i = 0; i < succeeded.size(); ++i) {
      BackupComponent& component = call.document->document.components[i];
      component.succeeded = std::any_of(results.begin(), results.end(), [&](const auto& result) {
        return result.succeeded && result.writer_class == component.writer_class &&
               result.instance_name == component.instance_name && result.name == component.name;
      });
      succeeded[i] = component.succeeded ? 1 : 0;
    }
    call.document->receipt = receipt;
    stage_.world.note_published(call.session, succeeded);
  }
  machine::CompleteSpec spec;
  spec.receipt_valid = can_complete;
  spec.succeeded = succeeded;
  machine::Event event;
  event.kind = EventKind::complete;
  event.complete = &spec;
  if (Status s = ask(call, event); !s.ok()) return s.error();
  return status(call);
}

Result<ChannelReply> Guest::end_backup(Call& call) {
  if (Status s = ask(call, EventKind::end); !s.ok()) return s.error();
  return evidence(call);
}

}  // namespace stillframe::testkit
