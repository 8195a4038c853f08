// The fields of a call's and an answer's envelope, and of the arguments that exist only there. For
// codec sources only.
#pragma once

#include "framework/model/view_fields.hpp"
#include "framework/model/writer_call.hpp"
#include "framework/wire/error_fields.hpp"

namespace stillframe {

struct CallHead {
  Verb verb = Verb::identify;
  SessionId session;
  BootTime deadline;
  Duration hold_limit{0};
  Duration lease{0};
};

struct AnswerFailure {
  Error error{Errc::internal, ""};
};

template <class Io, class V>
void verb_field(Io& io, const char* name, V& verb) {
  if constexpr (Io::kReads) {
    std::string text;
    io.text(name, text, Need::required);
    if (io.problem().error) return;
    auto parsed = parse_verb(text);
    if (!parsed.ok()) return io.problem().add({&io.place(), name}, parsed.error().what());
    verb = parsed.value();
  } else {
    io.text(name, std::string(to_string(verb)), Need::required);
  }
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CallHead> v) {
  verb_field(io, "verb", v.verb);
  io.id("session", v.session, Need::optional);
  io.time("deadline_ns", v.deadline);
  io.nanoseconds("hold_limit_ns", v.hold_limit);
  io.nanoseconds("lease_ns", v.lease);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<AnswerFailure> v) {
  io.object("error", v.error);
}

template <class Io>
void fields(Io&, typename Io::template Ref<NoArgs>) {}

template <class Io>
void fields(Io& io, typename Io::template Ref<SnapshotArgs> v) {
  io.object("set", v.set);
  io.object("backup", v.backup);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CompleteArgs> v) {
  io.object("backup", v.backup);
  io.object("receipt", v.receipt);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ShutdownArgs> v) {
  io.id("set", v.set, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ReadArgs> v) {
  io.number("handle", v.handle);
  io.number("bytes_max", v.bytes_max);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<CloseArgs> v) {
  io.number("handle", v.handle);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ComponentArgs> v) {
  io.object("component", v.component);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<TruncateArgs> v) {
  io.object("component", v.component);
  io.object("receipt", v.receipt);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RegisterArgs> v) {
  io.object("authority", v.authority);
  io.object("registration", v.registration);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RestoreCompleteArgs> v) {
  io.object("component", v.component);
  io.flag("copied_ok", v.copied_ok);
  io.text("failure", v.failure, Need::optional);
}

}  // namespace stillframe
