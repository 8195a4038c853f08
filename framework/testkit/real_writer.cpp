#include "framework/testkit/real_writer.hpp"

#include "framework/sdk/dispatch.hpp"

namespace stillframe::testkit {
namespace {

class NeverCancelled final : public CancelToken {
 public:
  bool cancelled() const noexcept override { return false; }
};

class NoProgress final : public ProgressSink {
 public:
  void report(std::uint64_t, std::uint64_t, std::string_view) override {}
};

// Recognisable, and the same in every run.
template <class IdType>
IdType simulated_id(std::uint8_t kind) {
  UuidBytes bytes{};
  bytes[0] = 0x51;
  bytes[15] = kind;
  return IdType(bytes);
}

Receipt simulated_receipt() {
  Receipt receipt;
  receipt.backup = simulated_id<BackupId>(1);
  receipt.session = simulated_id<SessionId>(2);
  receipt.set = simulated_id<SetId>(3);
  receipt.manifest_sha256 = std::string(64, '0');
  return receipt;
}

}  // namespace

RealWriter::RealWriter(Writer& writer, ConsistencyPolicy policy)
    : writer_(writer), policy_(policy), identity_(writer.identity()) {
  NeverCancelled cancel;
  NoProgress progress;
  CallContext context;
  context.cancel = &cancel;
  context.progress = &progress;
  WriterCall call;
  const WriterAnswer answer = dispatch(writer_, context, call);
  if (const auto* metadata = std::get_if<WriterMetadata>(&answer.payload)) {
    components_ = metadata->components;
  }
}

BackupView RealWriter::view(BackupType type) const {
  BackupView view;
  view.set = simulated_id<SetId>(3);
  view.type = type;
  for (const Component& component : components_) {
    BackupComponent& entry = view.components.emplace_back();
    entry.writer_class = identity_.class_id;
    entry.instance_name = identity_.instance_name;
    entry.type = component.type;
    entry.name = component.name;
    entry.succeeded = true;
    entry.restore.emplace().selected = true;
  }
  return view;
}

WriterArgs RealWriter::args_of(Verb verb, std::size_t component, bool copied_ok,
                               BackupType type) const {
  const ComponentName name =
      component < components_.size() ? components_[component].name : ComponentName{};
  SnapshotSetView set;
  set.set = simulated_id<SetId>(3);
  switch (verb) {
    case Verb::prepare_backup:
      return view(type);
    case Verb::prepare_snapshot:
    case Verb::post_snapshot:
      return SnapshotArgs{set, view(type)};
    case Verb::backup_complete:
      return CompleteArgs{view(type), simulated_receipt()};
    case Verb::shutdown:
      return ShutdownArgs{set.set};
    case Verb::open_stream:
      return StreamRequest{name, {}};
    case Verb::close:
      return CloseArgs{stream_};
    case Verb::list_logs:
    case Verb::restore_locations:
      return ComponentArgs{name};
    case Verb::truncate_logs:
      return TruncateArgs{name, simulated_receipt()};
    case Verb::pre_restore:
    case Verb::post_restore:
      return RestoreView{type, view(type).components};
    case Verb::restore_prepare:
      return RestoreAuthority{};
    case Verb::restore_register: {
      RegisterArgs args;
      args.registration.component = name;
      return args;
    }
    case Verb::restore_complete:
      return RestoreCompleteArgs{name, copied_ok, copied_ok ? "" : "the copy failed"};
    default:
      return NoArgs{};
  }
}

std::optional<Errc> RealWriter::say(Verb verb, std::size_t component, bool copied_ok,
                                    BackupType type, Nanos now) {
  NeverCancelled cancel;
  NoProgress progress;
  WriterCall call;
  call.verb = verb;
  call.session = simulated_id<SessionId>(2);
  call.deadline = BootTime(Duration(now + 60 * kSecond));
  call.args = args_of(verb, component, copied_ok, type);
  CallContext context;
  context.session = call.session;
  context.deadline = Deadline(call.deadline);
  context.cancel = &cancel;
  context.progress = &progress;
  verbs_.emplace_back(stillframe::to_string(verb));
  const WriterAnswer answer = dispatch(writer_, context, call);
  if (const auto* stream = std::get_if<StreamInfo>(&answer.payload)) stream_ = stream->handle;
  const auto* statement = std::get_if<HoldStatement>(&answer.payload);
  if (verb == Verb::thaw) vouched_ = statement != nullptr && statement->unbroken;
  if (answer.status.ok()) return std::nullopt;
  return answer.status.error().code();
}

}  // namespace stillframe::testkit
