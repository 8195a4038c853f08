#include "framework/sdk/dispatch.hpp"

#include <exception>

namespace stillframe {
namespace {

constexpr std::uint64_t kReadBytesMax = std::uint64_t{4} << 20;  // of one `read`

WriterAnswer from(const Status& status) {
  WriterAnswer answer;
  answer.status = status;
  return answer;
}

template <class T>
WriterAnswer from(Result<T> result) {
  WriterAnswer answer;
  if (result.ok()) {
    answer.payload = std::move(result).value();
  } else {
    answer.status = result.error();
  }
  return answer;
}

// For verbs that edit their argument and return it. A failure that the writer noted on one of its
// components happened during this verb.
template <class T, class Call>
WriterAnswer edited(Verb verb, T value, Call call) {
  const Status status = call(value);
  for (BackupComponent& component : value.components) {
    for (ComponentFailure& failure : component.failures) {
      if (failure.phase.empty()) failure.phase = to_string(verb);
    }
  }
  WriterAnswer answer;
  answer.status = status;
  answer.payload = std::move(value);
  return answer;
}

WriterAnswer read(Writer& writer, const CallContext& context, const ReadArgs& args) {
  if (args.bytes_max > kReadBytesMax) {
    return from(
        Status(Error(Errc::limit_reached, "read of " + std::to_string(args.bytes_max) +
                                              " bytes; at most " + std::to_string(kReadBytesMax))));
  }
  std::vector<std::byte> buffer(args.bytes_max);
  auto bytes = writer.read(context, args.handle, buffer);
  if (!bytes.ok()) return from(Status(bytes.error()));
  if (bytes.value() > buffer.size()) {
    return from(Status(Error(Errc::writer_fatal, "read() says it filled more than it was given")));
  }
  buffer.resize(bytes.value());
  WriterAnswer answer;
  answer.payload = std::move(buffer);
  return answer;
}

WriterAnswer call_writer(Writer& w, const CallContext& c, const WriterCall& call) {
  const WriterArgs& args = call.args;
  switch (call.verb) {
    case Verb::identify:
      return from(w.identify(c));
    case Verb::prepare_backup:
      return edited(call.verb, std::get<BackupView>(args),
                    [&](auto& v) { return w.prepare_backup(c, v); });
    case Verb::prepare_snapshot:
      return from(w.prepare_snapshot(c, std::get<SnapshotArgs>(args).set));
    case Verb::freeze:
      return from(w.freeze(c));
    case Verb::thaw:
      return from(w.thaw(c));
    case Verb::post_snapshot: {
      const auto& a = std::get<SnapshotArgs>(args);
      return edited(call.verb, a.backup, [&](auto& v) { return w.post_snapshot(c, a.set, v); });
    }
    case Verb::backup_complete: {
      const auto& a = std::get<CompleteArgs>(args);
      return from(w.backup_complete(c, a.backup, a.receipt));
    }
    case Verb::abort:
      w.abort(c);
      return {};
    case Verb::shutdown:
      w.shutdown(c, std::get<ShutdownArgs>(args).set);
      return {};
    case Verb::open_stream:
      return from(w.open_stream(c, std::get<StreamRequest>(args)));
    case Verb::read:
      return read(w, c, std::get<ReadArgs>(args));
    case Verb::close:
      return from(w.close(c, std::get<CloseArgs>(args).handle));
    case Verb::list_logs:
      return from(w.list_logs(c, std::get<ComponentArgs>(args).component));
    case Verb::truncate_logs: {
      const auto& a = std::get<TruncateArgs>(args);
      return from(w.truncate_logs(c, a.component, a.receipt));
    }
    case Verb::pre_restore:
      return edited(call.verb, std::get<RestoreView>(args),
                    [&](auto& v) { return w.pre_restore(c, v); });
    case Verb::restore_prepare:
      return from(w.restore_prepare(c, std::get<RestoreAuthority>(args)));
    case Verb::restore_locations:
      return from(w.restore_locations(c, std::get<ComponentArgs>(args).component));
    case Verb::restore_register: {
      const auto& a = std::get<RegisterArgs>(args);
      return from(w.restore_register(c, a.authority, a.registration));
    }
    case Verb::restore_complete: {
      const auto& a = std::get<RestoreCompleteArgs>(args);
      const Status copied = a.copied_ok ? Status(Ok{}) : Status(Error(Errc::io, a.failure));
      return from(w.restore_complete(c, a.component, copied));
    }
    case Verb::post_restore:
      return from(w.post_restore(c, std::get<RestoreView>(args)));
    case Verb::restore_end:
      w.restore_end(c);
      return {};
    case Verb::verify:
      return from(w.verify(c, std::get<VerifyRequest>(args)));
  }
  return from(Status(Error(Errc::not_supported, "a verb this SDK does not know")));
}

WriterAnswer thrown(Verb verb, const char* what) {
  return from(Status(Error(Errc::writer_fatal,
                           "the writer threw from " + std::string(to_string(verb)) + ": " + what)));
}

}  // namespace

Status check_call(const WriterIdentity& identity, const WriterCall& call) {
  const std::uint32_t needed = required_capability(call.verb).bits;
  if ((identity.capabilities.bits & needed) != needed) {
    return Error(Errc::not_supported, "writer '" + identity.name + "' does not announce " +
                                          std::string(to_string(call.verb)));
  }
  return Ok{};
}

WriterAnswer dispatch(Writer& writer, const CallContext& context, const WriterCall& call) {
  try {
    return call_writer(writer, context, call);
  } catch (const std::bad_variant_access&) {
    return from(
        Status(Error(Errc::invalid_argument, std::string(to_string(call.verb)) +
                                                 " was given the arguments of another verb")));
  } catch (const std::exception& e) {
    return thrown(call.verb, e.what());
  } catch (...) {
    return thrown(call.verb, "something that is no std::exception");
  }
}

}  // namespace stillframe
