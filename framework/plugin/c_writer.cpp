#include "framework/plugin/c_writer.hpp"

#include <algorithm>

namespace stillframe::plugin {
namespace {

// What a verb is told, for as long as it runs.
class CallBridge {
 public:
  explicit CallBridge(const CallContext& context) : context_(context) {
    call_.size = sizeof call_;
    call_.session = c_id(context.session);
    call_.deadline_ns = context.deadline.at().since_boot().count();
    call_.host = this;
    call_.cancelled = cancelled;
    call_.progress = progress;
  }
  const stillframe_call* get() const { return &call_; }

 private:
  static std::int32_t cancelled(void* host) noexcept {
    const auto* token = static_cast<CallBridge*>(host)->context_.cancel;
    return token != nullptr && token->cancelled() ? 1 : 0;
  }
  static void progress(void* host, std::uint64_t done, std::uint64_t total,
                       const char* what) noexcept {
    auto* sink = static_cast<CallBridge*>(host)->context_.progress;
    if (sink == nullptr) return;
    try {
      sink->report(done, total, what != nullptr ? what : "");
    } catch (...) {  // progress that cannot be told is not worth a crash of the plug-in
    }
  }

  const CallContext& context_;
  stillframe_call call_{};
};

class CWriter : public Writer {
 public:
  explicit CWriter(Table<stillframe_writer> table) : table_(std::move(table)) {}
  ~CWriter() override {
    if (w().destroy != nullptr) w().destroy(w().self);
  }

  Status read_identity() {
    if (w().identity == nullptr || w().identify == nullptr) {
      return Error(Errc::invalid_argument, "the plug-in's writer lacks identity or identify");
    }
    TextSink text;
    stillframe_error error{};
    const std::int32_t code = w().identity(w().self, text.sink(), &error);
    if (Status s = outcome(code, error, Errc::writer_fatal, "identity"); !s.ok()) return s;
    auto identity = text.decode<WriterIdentity>("identity");
    if (!identity.ok()) return identity.error();
    identity_ = std::move(identity).value();
    return Ok{};
  }

  WriterIdentity identity() const override { return identity_; }

  Result<WriterMetadata> identify(const CallContext& context) override {
    TextSink text;
    Status s = say(context, "identify", w().identify, text.sink());
    if (!s.ok()) return s.error();
    return text.decode<WriterMetadata>("metadata");
  }

  // ---- backup

  Status prepare_backup(const CallContext& context, BackupView& backup) override {
    if (w().prepare_backup == nullptr) return Writer::prepare_backup(context, backup);
    TextSink edited;
    Status s = say(context, "prepare_backup", w().prepare_backup, json_text(backup).c_str(),
                   edited.sink());
    return s.ok() ? take_edits(edited, backup) : s;
  }
  Status prepare_snapshot(const CallContext& context, const SnapshotSetView& set) override {
    if (w().prepare_snapshot == nullptr) return Writer::prepare_snapshot(context, set);
    return say(context, "prepare_snapshot", w().prepare_snapshot, json_text(set).c_str());
  }
  Status freeze(const CallContext& context) override {
    if (w().freeze == nullptr) return Writer::freeze(context);
    return say(context, "freeze", w().freeze);
  }
  Result<HoldStatement> thaw(const CallContext& context) override {
    if (w().thaw == nullptr) return Writer::thaw(context);
    stillframe_hold hold{};
    Status s = say(context, "thaw", w().thaw, &hold);
    if (!s.ok()) return s.error();
    HoldStatement statement;
    statement.held_from = BootTime(Duration(hold.held_from_ns));
    statement.held_until = BootTime(Duration(hold.held_until_ns));
    statement.longest_stall = Duration(hold.longest_stall_ns);
    statement.unbroken = hold.unbroken != 0;
    statement.asserted_only = hold.asserted_only != 0;
    statement.broken_because = c_text(hold.broken_because);
    return statement;
  }
  Status post_snapshot(const CallContext& context, const SnapshotSetView& set,
                       BackupView& backup) override {
    if (w().post_snapshot == nullptr) return Writer::post_snapshot(context, set, backup);
    TextSink edited;
    Status s = say(context, "post_snapshot", w().post_snapshot, json_text(set).c_str(),
                   json_text(backup).c_str(), edited.sink());
    return s.ok() ? take_edits(edited, backup) : s;
  }
  Status backup_complete(const CallContext& context, const BackupView& backup,
                         const Receipt& receipt) override {
    if (w().backup_complete == nullptr) return Writer::backup_complete(context, backup, receipt);
    return say(context, "backup_complete", w().backup_complete, json_text(backup).c_str(),
               json_text(receipt).c_str());
  }
  void abort(const CallContext& context) override {
    const CallBridge call(context);
    if (w().abort != nullptr) w().abort(w().self, call.get());
  }
  void shutdown(const CallContext& context, const SetId& set) override {
    const CallBridge call(context);
    if (w().shutdown != nullptr) w().shutdown(w().self, call.get(), c_id(set));
  }

  // ---- streaming and logs

  Result<StreamInfo> open_stream(const CallContext& context,
                                 const StreamRequest& request) override {
    if (w().open_stream == nullptr) return Writer::open_stream(context, request);
    stillframe_stream stream{};
    Status s = say(context, "open_stream", w().open_stream, json_text(request).c_str(), &stream);
    if (!s.ok()) return s.error();
    return StreamInfo{stream.handle, stream.size, stream.read_unit};
  }
  Result<std::size_t> read(const CallContext& context, std::uint64_t handle,
                           std::span<std::byte> buffer) override {
    if (w().read == nullptr) return Writer::read(context, handle, buffer);
    std::uint64_t bytes = 0;
    Status s = say(context, "read", w().read, handle, static_cast<void*>(buffer.data()),
                   std::uint64_t{buffer.size()}, &bytes);
    if (!s.ok()) return s.error();
    return static_cast<std::size_t>(bytes);
  }
  Status close(const CallContext& context, std::uint64_t handle) override {
    if (w().close == nullptr) return Writer::close(context, handle);
    return say(context, "close", w().close, handle);
  }
  Result<LogList> list_logs(const CallContext& context, const ComponentName& component) override {
    if (w().list_logs == nullptr) return Writer::list_logs(context, component);
    TextSink logs;
    Status s = say(context, "list_logs", w().list_logs, json_text(component).c_str(), logs.sink());
    if (!s.ok()) return s.error();
    return logs.decode<LogList>("logs");
  }
  Status truncate_logs(const CallContext& context, const ComponentName& component,
                       const Receipt& receipt) override {
    if (w().truncate_logs == nullptr) return Writer::truncate_logs(context, component, receipt);
    return say(context, "truncate_logs", w().truncate_logs, json_text(component).c_str(),
               json_text(receipt).c_str());
  }

  // ---- restore

  Status pre_restore(const CallContext& context, RestoreView& restore) override {
    if (w().pre_restore == nullptr) return Writer::pre_restore(context, restore);
    TextSink edited;
    Status s =
        say(context, "pre_restore", w().pre_restore, json_text(restore).c_str(), edited.sink());
    return s.ok() ? take_edits(edited, restore) : s;
  }
  Status restore_prepare(const CallContext& context, const RestoreAuthority& authority) override {
    if (w().restore_prepare == nullptr) return Writer::restore_prepare(context, authority);
    return say(context, "restore_prepare", w().restore_prepare, json_text(authority).c_str());
  }
  Result<std::vector<RestoreLocation>> restore_locations(const CallContext& context,
                                                         const ComponentName& component) override {
    if (w().restore_locations == nullptr) return Writer::restore_locations(context, component);
    TextSink locations;
    Status s = say(context, "restore_locations", w().restore_locations,
                   json_text(component).c_str(), locations.sink());
    if (!s.ok()) return s.error();
    return locations.decode<std::vector<RestoreLocation>>("locations");
  }
  Status restore_register(const CallContext& context, const RestoreAuthority& authority,
                          const RestoreRegistration& registration) override {
    if (w().restore_register == nullptr) {
      return Writer::restore_register(context, authority, registration);
    }
    return say(context, "restore_register", w().restore_register, json_text(authority).c_str(),
               json_text(registration).c_str());
  }
  Status restore_complete(const CallContext& context, const ComponentName& component,
                          const Status& copied) override {
    if (w().restore_complete == nullptr) {
      return Writer::restore_complete(context, component, copied);
    }
    return say(context, "restore_complete", w().restore_complete, json_text(component).c_str(),
               copied.ok() ? nullptr : copied.error().what().c_str());
  }
  Status post_restore(const CallContext& context, const RestoreView& restore) override {
    if (w().post_restore == nullptr) return Writer::post_restore(context, restore);
    return say(context, "post_restore", w().post_restore, json_text(restore).c_str());
  }
  void restore_end(const CallContext& context) override {
    const CallBridge call(context);
    if (w().restore_end != nullptr) w().restore_end(w().self, call.get());
  }

  Result<VerifyReport> verify(const CallContext& context, const VerifyRequest& request) override {
    if (w().verify == nullptr) return Writer::verify(context, request);
    TextSink report;
    Status s = say(context, "verify", w().verify, json_text(request).c_str(), report.sink());
    if (!s.ok()) return s.error();
    return report.decode<VerifyReport>("report");
  }

 private:
  const stillframe_writer& w() const { return *table_.get(); }

  template <class Function, class... Args>
  Status say(const CallContext& context, const char* verb, Function function, Args... args) {
    const CallBridge call(context);
    stillframe_error error{};
    return outcome(function(w().self, call.get(), args..., &error), error, Errc::writer_fatal,
                   verb);
  }

  template <class View>
  static Status take_edits(const TextSink& edited, View& view) {
    if (edited.empty()) return Ok{};
    auto value = edited.decode<View>("edited");
    if (!value.ok()) return value.error();
    view = std::move(value).value();
    return Ok{};
  }

  const Table<stillframe_writer> table_;
  WriterIdentity identity_;
};

}  // namespace

Result<std::unique_ptr<Writer>> wrap_writer(Table<stillframe_writer> table) {
  if (Status s = table.settle(); !s.ok()) return s.error();
  auto writer = std::make_unique<CWriter>(std::move(table));
  if (Status s = writer->read_identity(); !s.ok()) return s.error();
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace stillframe::plugin
