#include "framework/testkit/session_document.hpp"

#include <algorithm>

#include "framework/model/merge_edits.hpp"

namespace stillframe::testkit {

SessionDocument::SessionDocument(const Cast& cast, std::uint16_t session, BackupType type)
    : cast_(cast), session_(session) {
  document.session = simulated_id<SessionId>(2, session);
  document.backup = simulated_id<BackupId>(1, session);
  document.type = type;
  document.chain_owner = "stillframe@simulation";
  receipt.backup = document.backup;
  receipt.session = document.session;
  receipt.manifest_sha256 = std::string(64, '0');
}

// ---- what the session is about

std::uint32_t SessionDocument::add(std::uint32_t writer, std::size_t component,
                                   ConsistencyPolicy policy) {
  const WriterMetadata& metadata = cast_.writers[writer];
  BackupComponent entry;
  entry.writer_class = metadata.identity.class_id;
  entry.writer_instance = metadata.instance;
  entry.instance_name = metadata.identity.instance_name;
  entry.type = metadata.components[component].type;
  entry.name = metadata.components[component].name;
  entry.policy = policy;
  entry.succeeded = true;
  entry.restore.emplace().selected = true;
  select(std::move(entry), writer);
  return static_cast<std::uint32_t>(writers_.size() - 1);
}

void SessionDocument::select(BackupComponent component, std::uint32_t writer) {
  document.components.push_back(std::move(component));
  writers_.push_back(writer);
}

void SessionDocument::forget_selection() {
  document.components.clear();
  writers_.clear();
}

void SessionDocument::begin_set(bool snapshots) {
  has_snapshots_ = snapshots;
  document.set = receipt.set = simulated_id<SetId>(3, session_);
}

std::uint32_t SessionDocument::find(std::uint32_t writer, const ComponentName& name) const {
  for (std::uint32_t i = 0; i < writers_.size(); ++i) {
    if (writers_[i] == writer && document.components[i].name == name) return i;
  }
  return machine::kNone;
}

std::vector<std::uint32_t> SessionDocument::indices_of(std::uint32_t writer) const {
  std::vector<std::uint32_t> indices;
  for (std::uint32_t i = 0; i < writers_.size(); ++i) {
    if (writers_[i] == writer) indices.push_back(i);
  }
  return indices;
}

// ---- what its writers hear and say

BackupView SessionDocument::view_of(std::uint32_t writer) const {
  BackupView view;
  view.set = document.set;
  view.type = document.type;
  view.component_mode = document.component_mode;
  for (std::uint32_t i : indices_of(writer)) view.components.push_back(document.components[i]);
  return view;
}

WriterArgs SessionDocument::arguments(Verb verb, std::uint32_t writer, std::uint32_t component,
                                      bool copied_ok) const {
  const bool known = component < document.components.size();
  const ComponentName name = known ? document.components[component].name : named_component;
  SnapshotSetView set;
  set.set = document.set;
  for (const SnapshotInfo& snapshot : snapshots()) {
    set.volumes.push_back({snapshot.volume.mount_point, snapshot.snapshot,
                           verb == Verb::post_snapshot ? snapshot.root : BytePath{}});
  }
  switch (verb) {
    case Verb::prepare_backup:
      return view_of(writer);
    case Verb::prepare_snapshot:
    case Verb::post_snapshot:
      return SnapshotArgs{set, view_of(writer)};
    case Verb::backup_complete:
      return CompleteArgs{view_of(writer), receipt};
    case Verb::shutdown:
      return ShutdownArgs{document.set};
    case Verb::open_stream:
      return stream_request.component.name.empty() ? StreamRequest{name, {}} : stream_request;
    case Verb::close:
      return CloseArgs{stream_handle};
    case Verb::list_logs:
    case Verb::restore_locations:
      return ComponentArgs{name};
    case Verb::truncate_logs:
      return TruncateArgs{name, receipt};
    case Verb::pre_restore:
    case Verb::post_restore:
      return RestoreView{document.type, view_of(writer).components};
    case Verb::restore_prepare:
      return authority;
    case Verb::restore_register: {
      RegisterArgs args{authority, registration};
      const auto given = authorities.find(writer);
      if (given != authorities.end()) args.authority = given->second;
      args.registration.component = name;
      return args;
    }
    case Verb::restore_complete: {
      const std::string why = copy_failure.empty() ? "the copy failed" : copy_failure;
      return RestoreCompleteArgs{name, copied_ok, copied_ok ? "" : why};
    }
    default:
      return NoArgs{};
  }
}

Status SessionDocument::absorb(Verb verb, std::uint32_t writer, WriterAnswer& answer) {
  const std::vector<BackupComponent>* edited = nullptr;
  if (const auto* view = std::get_if<BackupView>(&answer.payload)) edited = &view->components;
  if (const auto* view = std::get_if<RestoreView>(&answer.payload)) edited = &view->components;
  if (edited != nullptr) {
    const auto indices = indices_of(writer);
    std::vector<BackupComponent> ours;
    for (std::uint32_t i : indices) ours.push_back(document.components[i]);
    if (Status s = merge_writer_edits(ours, *edited, verb); !s.ok()) return s;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      document.components[indices[i]] = std::move(ours[i]);
    }
  }
  if (verb == Verb::restore_prepare) authorities[writer] = authority;
  payloads[writer] = std::move(answer.payload);
  return Ok{};
}

void SessionDocument::begin_stream(std::uint32_t writer, std::uint32_t component,
                                   std::uint64_t handle, SimulatedStream stream) {
  stream.component = component;
  stream_handle = handle;
  streams_[{writer, handle}] = std::move(stream);
}

SimulatedStream* SessionDocument::stream(std::uint32_t writer, std::uint64_t handle) {
  const auto found = streams_.find({writer, handle});
  return found == streams_.end() ? nullptr : &found->second;
}

std::uint64_t SessionDocument::streamed_bytes(std::uint32_t component) const {
  std::uint64_t bytes = 0;
  for (const auto& [key, stream] : streams_) {
    if (stream.component == component) bytes += stream.bytes.size();
  }
  return bytes;
}

// ---- what its requestor hears

Status SessionDocument::check(const Receipt& shown) const {
  if (shown.session != document.session || shown.backup != document.backup ||
      shown.set != document.set) {
    return Error(Errc::invalid_argument,
                 "the receipt is of another session, backup or set than the document; nothing was "
                 "truncated, the session goes on");
  }
  const bool hash =
      shown.manifest_sha256.size() == 64 &&
      shown.manifest_sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hash) return Ok{};
  return Error(
      Errc::invalid_argument,
      "the receipt has no manifest hash (64 lower-case hex digits); nothing was truncated");
}

std::vector<WriterStatus> SessionDocument::statuses(const machine::State& state) const {
  std::vector<WriterStatus> all;
  for (std::size_t i = 0; i < state.writers.size() && i < cast_.writers.size(); ++i) {
    const machine::WriterSlot& slot = state.writers[i];
    WriterStatus& status = all.emplace_back();
    status.identity = cast_.writers[i].identity;
    status.instance = cast_.writers[i].instance;
    status.state = slot.state;
    const bool identified = !(slot.failed && slot.failed_at == Verb::identify);
    if (identified) status.metadata = cast_.writers[i];
    if (!slot.failure) continue;
    ComponentFailure& failure = status.failure.emplace();
    failure.code = static_cast<int>(*slot.failure);
    failure.phase = to_string(slot.failed_at);
    failure.message = "writer " + status.identity.name + " failed at " + failure.phase + ": " +
                      std::string(to_string(*slot.failure));
  }
  return all;
}

std::vector<SnapshotInfo> SessionDocument::snapshots() const {
  std::vector<SnapshotInfo> all;
  for (std::size_t i = 0; has_snapshots_ && i < cast_.volumes.size(); ++i) {
    all.push_back(cast_.snapshot(i, document.set));
  }
  return all;
}

// The label is the machine's; the model says why.
Label SessionDocument::label_of(const machine::State& state, std::uint32_t component,
                                std::span<const SnapshotEvidence> snapshots,
                                ComponentEvidence& evidence) const {
  const machine::ComponentSlot& slot = state.components[component];
  const machine::WriterSlot& writer = state.writers[slot.writer];
  ComponentFacts facts;
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    if ((slot.volumes >> i & 1) != 0) facts.cuts.push_back(snapshots[i].snapshot);
  }
  if (writer.hold) {
    HoldStatement& hold = facts.hold.emplace();
    hold.held_from = writer.hold->from;
    hold.held_until = writer.hold->until;
    hold.unbroken = writer.hold->unbroken;
    hold.asserted_only = writer.hold->asserted_only;
  }
  const Consistency label = machine::label_of(state, slot);
  if (label == Consistency::failed && writer.failure) {
    facts.writer_failure = std::string(to_string(*writer.failure));
  }
  facts.streamed = streamed_bytes(component) != 0;
  evidence.hold = facts.hold;
  evidence.cuts = facts.cuts;
  return {label, label_component(facts, snapshots).reason};
}

Evidence SessionDocument::evidence(const machine::State& state) const {
  Evidence evidence;
  evidence.session = document.session;
  evidence.set = document.set;
  evidence.host = "simulation";
  for (std::size_t i = 0; has_snapshots_ && i < cast_.volumes.size(); ++i) {
    const SnapshotInfo info = cast_.snapshot(i, document.set);
    SnapshotEvidence& snapshot = evidence.snapshots.emplace_back();
    snapshot.snapshot = info.snapshot;
    snapshot.provider = info.provider;
    snapshot.provider_name = info.provider_name;
    snapshot.atomicity = cast_.provider().atomicity;
    snapshot.volume = info.volume.mount_point;
    for (const machine::CutTimes& cut : state.cuts) {
      if (cut.volume == i) snapshot.cut = CutRecord{info.snapshot, cut.begun, cut.ended};
    }
  }
  for (std::uint32_t i = 0; i < document.components.size() && i < state.components.size(); ++i) {
    ComponentEvidence& component = evidence.components.emplace_back();
    component.writer_class = document.components[i].writer_class;
    component.instance_name = document.components[i].instance_name;
    component.name = document.components[i].name;
    const Label label = label_of(state, i, evidence.snapshots, component);
    component.label = label.label;
    component.reason = label.reason;
  }
  const Label set = label_set(evidence.components, evidence.snapshots);
  evidence.label = set.label;
  evidence.reason = set.reason;
  for (const WriterStatus& status : statuses(state)) {
    if (!status.failure) continue;
    evidence.failed_writers.push_back({status.identity,
                                       {},
                                       status.failure->phase,
                                       status.failure->code,
                                       status.failure->application_code,
                                       status.failure->message});
  }
  evidence.outcome = state.failure ? "failed" : state.receipt_recorded ? "completed" : "";
  return evidence;
}

}  // namespace stillframe::testkit
