#include "framework/plugin/exported_writer.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "framework/plugin/c_glue.hpp"

namespace stillframe::plugin {
namespace {

// What the host tells a verb, for as long as the verb runs.
class HostCall final : public CancelToken, public ProgressSink {
 public:
  explicit HostCall(const stillframe_call* call) : call_(*call) {
    UuidBytes session;
    std::copy(std::begin(call->session.bytes), std::end(call->session.bytes), session.begin());
    context_.session = SessionId(session);
    context_.deadline = Deadline(BootTime(Duration(call->deadline_ns)));
    context_.cancel = this;
    context_.progress = this;
  }
  const CallContext& context() const { return context_; }

  bool cancelled() const noexcept override {
    return call_.cancelled != nullptr && call_.cancelled(call_.host) != 0;
  }
  void report(std::uint64_t done, std::uint64_t total, std::string_view what) override {
    if (call_.progress != nullptr) {
      call_.progress(call_.host, done, total, std::string(what).c_str());
    }
  }

 private:
  const stillframe_call& call_;
  CallContext context_;
};

Writer& exported(void* self) {
  return *static_cast<Writer*>(self);
}

// Runs a verb, so that nothing it throws reaches the C caller.
template <class Verb>
std::int32_t answer(stillframe_error* error, Verb verb) noexcept {
  try {
    const Status status = verb();
    return status.ok() ? STILLFRAME_OK : report_failure(status.error(), error);
  } catch (const std::exception& thrown) {
    return report_failure(Error(Errc::writer_fatal, thrown.what()), error);
  } catch (...) {
    return report_failure(Error(Errc::writer_fatal, "the writer threw what is no exception"),
                          error);
  }
}

template <class Verb>
void tell(Verb verb) noexcept {
  try {
    verb();
  } catch (...) {  // abort and the like have no answer to say it in
  }
}

template <class T>
Status put_json(stillframe_sink sink, const T& value) {
  const std::string text = json_text(value);
  sink.put(sink.to, text.data(), text.size());
  return Ok{};
}

template <class T>
Status put_json(stillframe_sink sink, const Result<T>& value) {
  return value.ok() ? put_json(sink, value.value()) : Status(value.error());
}

template <class T>
Result<T> take_json(const char* text, std::string_view what) {
  auto json = parse_json_text(text, kTextBytesMax);
  if (!json.ok()) return json.error().while_doing(what);
  return decode_json<T>(json.value(), what);
}

// For verbs with one argument in JSON and no answer.
template <class T, class Verb>
Status with_json(const char* text, std::string_view what, Verb verb) {
  auto value = take_json<T>(text, what);
  return value.ok() ? verb(value.value()) : Status(value.error());
}

// For verbs that edit their argument.
template <class T, class Verb>
Status with_edits(const char* text, std::string_view what, stillframe_sink edited, Verb verb) {
  return with_json<T>(text, what, [&](T& value) {
    const Status status = verb(value);
    return status.ok() ? put_json(edited, value) : status;
  });
}

void put_hold(const HoldStatement& statement, stillframe_hold& hold) {
  hold.held_from_ns = statement.held_from.since_boot().count();
  hold.held_until_ns = statement.held_until.since_boot().count();
  hold.longest_stall_ns = statement.longest_stall.count();
  hold.unbroken = statement.unbroken ? 1 : 0;
  hold.asserted_only = statement.asserted_only ? 1 : 0;
  const std::size_t bytes =
      std::min(statement.broken_because.size(), sizeof hold.broken_because - 1);
  std::memcpy(hold.broken_because, statement.broken_because.data(), bytes);
  hold.broken_because[bytes] = '\0';
}

void fill_identity(stillframe_writer& table) {
  table.destroy = [](void* self) { tell([&] { delete &exported(self); }); };
  table.identity = [](void* self, stillframe_sink out, stillframe_error* error) {
    return answer(error, [&] { return put_json(out, exported(self).identity()); });
  };
  table.identify = [](void* self, const stillframe_call* call, stillframe_sink out,
                      stillframe_error* error) {
    return answer(error,
                  [&] { return put_json(out, exported(self).identify(HostCall(call).context())); });
  };
}

void fill_backup(stillframe_writer& table) {
  table.prepare_backup = [](void* self, const stillframe_call* call, const char* backup,
                            stillframe_sink edited, stillframe_error* error) {
    return answer(error, [&] {
      return with_edits<BackupView>(backup, "backup", edited, [&](BackupView& view) {
        return exported(self).prepare_backup(HostCall(call).context(), view);
      });
    });
  };
  table.prepare_snapshot = [](void* self, const stillframe_call* call, const char* set,
                              stillframe_error* error) {
    return answer(error, [&] {
      return with_json<SnapshotSetView>(set, "set", [&](const SnapshotSetView& view) {
        return exported(self).prepare_snapshot(HostCall(call).context(), view);
      });
    });
  };
  table.freeze = [](void* self, const stillframe_call* call, stillframe_error* error) {
    return answer(error, [&] { return exported(self).freeze(HostCall(call).context()); });
  };
  table.thaw = [](void* self, const stillframe_call* call, stillframe_hold* hold,
                  stillframe_error* error) {
    return answer(error, [&]() -> Status {
      const auto statement = exported(self).thaw(HostCall(call).context());
      if (!statement.ok()) return statement.error();
      put_hold(statement.value(), *hold);
      return Ok{};
    });
  };
  table.post_snapshot = [](void* self, const stillframe_call* call, const char* set,
                           const char* backup, stillframe_sink edited, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<SnapshotSetView>(set, "set", [&](const SnapshotSetView& volumes) {
        return with_edits<BackupView>(backup, "backup", edited, [&](BackupView& view) {
          return exported(self).post_snapshot(HostCall(call).context(), volumes, view);
        });
      });
    });
  };
  table.backup_complete = [](void* self, const stillframe_call* call, const char* backup,
                             const char* receipt, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<BackupView>(backup, "backup", [&](const BackupView& view) {
        return with_json<Receipt>(receipt, "receipt", [&](const Receipt& proof) {
          return exported(self).backup_complete(HostCall(call).context(), view, proof);
        });
      });
    });
  };
  table.abort = [](void* self, const stillframe_call* call) {
    tell([&] { exported(self).abort(HostCall(call).context()); });
  };
  table.shutdown = [](void* self, const stillframe_call* call, stillframe_id set) {
    tell([&] {
      UuidBytes bytes;
      std::copy(std::begin(set.bytes), std::end(set.bytes), bytes.begin());
      exported(self).shutdown(HostCall(call).context(), SetId(bytes));
    });
  };
}

void fill_streams_and_logs(stillframe_writer& table) {
  table.open_stream = [](void* self, const stillframe_call* call, const char* request,
                         stillframe_stream* stream, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<StreamRequest>(request, "request", [&](const StreamRequest& wish) -> Status {
        const auto opened = exported(self).open_stream(HostCall(call).context(), wish);
        if (!opened.ok()) return opened.error();
        *stream = {opened.value().handle, opened.value().size, opened.value().read_unit, 0};
        return Ok{};
      });
    });
  };
  table.read = [](void* self, const stillframe_call* call, std::uint64_t handle, void* buffer,
                  std::uint64_t bytes_max, std::uint64_t* bytes, stillframe_error* error) {
    return answer(error, [&]() -> Status {
      const std::span<std::byte> room(static_cast<std::byte*>(buffer), bytes_max);
      const auto got = exported(self).read(HostCall(call).context(), handle, room);
      if (!got.ok()) return got.error();
      *bytes = got.value();
      return Ok{};
    });
  };
  table.close = [](void* self, const stillframe_call* call, std::uint64_t handle,
                   stillframe_error* error) {
    return answer(error, [&] { return exported(self).close(HostCall(call).context(), handle); });
  };
  table.list_logs = [](void* self, const stillframe_call* call, const char* component,
                       stillframe_sink logs, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<ComponentName>(component, "component", [&](const ComponentName& name) {
        return put_json(logs, exported(self).list_logs(HostCall(call).context(), name));
      });
    });
  };
  table.truncate_logs = [](void* self, const stillframe_call* call, const char* component,
                           const char* receipt, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<ComponentName>(component, "component", [&](const ComponentName& name) {
        return with_json<Receipt>(receipt, "receipt", [&](const Receipt& proof) {
          return exported(self).truncate_logs(HostCall(call).context(), name, proof);
        });
      });
    });
  };
}

void fill_restore(stillframe_writer& table) {
  table.pre_restore = [](void* self, const stillframe_call* call, const char* restore,
                         stillframe_sink edited, stillframe_error* error) {
    return answer(error, [&] {
      return with_edits<RestoreView>(restore, "restore", edited, [&](RestoreView& view) {
        return exported(self).pre_restore(HostCall(call).context(), view);
      });
    });
  };
  table.restore_prepare = [](void* self, const stillframe_call* call, const char* authority,
                             stillframe_error* error) {
    return answer(error, [&] {
      return with_json<RestoreAuthority>(authority, "authority", [&](const RestoreAuthority& who) {
        return exported(self).restore_prepare(HostCall(call).context(), who);
      });
    });
  };
  table.restore_locations = [](void* self, const stillframe_call* call, const char* component,
                               stillframe_sink locations, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<ComponentName>(component, "component", [&](const ComponentName& name) {
        return put_json(locations,
                        exported(self).restore_locations(HostCall(call).context(), name));
      });
    });
  };
  table.restore_register = [](void* self, const stillframe_call* call, const char* authority,
                              const char* registration, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<RestoreAuthority>(authority, "authority", [&](const RestoreAuthority& who) {
        return with_json<RestoreRegistration>(
            registration, "registration", [&](const RestoreRegistration& what) {
              return exported(self).restore_register(HostCall(call).context(), who, what);
            });
      });
    });
  };
  // Why the copy failed comes as words; the interface has no code for it.
  table.restore_complete = [](void* self, const stillframe_call* call, const char* component,
                              const char* failure, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<ComponentName>(component, "component", [&](const ComponentName& name) {
        const Status copied =
            failure == nullptr ? Status(Ok{}) : Status(Error(Errc::partial_failure, failure));
        return exported(self).restore_complete(HostCall(call).context(), name, copied);
      });
    });
  };
  table.post_restore = [](void* self, const stillframe_call* call, const char* restore,
                          stillframe_error* error) {
    return answer(error, [&] {
      return with_json<RestoreView>(restore, "restore", [&](const RestoreView& view) {
        return exported(self).post_restore(HostCall(call).context(), view);
      });
    });
  };
  table.restore_end = [](void* self, const stillframe_call* call) {
    tell([&] { exported(self).restore_end(HostCall(call).context()); });
  };
}

}  // namespace

std::int32_t report_failure(const Error& failure, stillframe_error* error) noexcept {
  error->code = static_cast<std::int32_t>(failure.code());
  error->application_code = failure.application_code();
  const std::size_t bytes = std::min(failure.what().size(), sizeof error->message - 1);
  std::memcpy(error->message, failure.what().data(), bytes);
  error->message[bytes] = '\0';
  return error->code;
}

void export_writer(std::unique_ptr<Writer> writer, stillframe_writer& table) {
  table.size = sizeof table;
  table.self = writer.release();
  fill_identity(table);
  fill_backup(table);
  fill_streams_and_logs(table);
  fill_restore(table);
  table.verify = [](void* self, const stillframe_call* call, const char* request,
                    stillframe_sink report, stillframe_error* error) {
    return answer(error, [&] {
      return with_json<VerifyRequest>(request, "request", [&](const VerifyRequest& wish) {
        return put_json(report, exported(self).verify(HostCall(call).context(), wish));
      });
    });
  };
}

}  // namespace stillframe::plugin
