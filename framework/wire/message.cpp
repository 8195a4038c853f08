#include "framework/wire/message.hpp"

#include <algorithm>

#include <sys/stat.h>

#include "framework/wire/call_fields.hpp"
#include "framework/wire/payload.hpp"

namespace stillframe::wire {
namespace {

// stat() follows the link to the namespace, whose inode is its identity.
std::uint64_t own_time_namespace() {
  struct stat st {};
  if (::stat("/proc/self/ns/time", &st) != 0) return 0;
  return st.st_ino;
}

}  // namespace

std::span<const EnumName<Role>> enum_names(Role) noexcept {
  static constexpr EnumName<Role> kNames[] = {{Role::writer, "writer"},
                                              {Role::requestor, "requestor"}};
  return kNames;
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ClockSample> v) {
  io.time("boot_ns", v.boot);
  io.number("time_namespace", v.time_namespace, std::optional<std::uint64_t>(0));
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Hello> v) {
  io.number("protocol_min", v.protocol_min);
  io.number("protocol_max", v.protocol_max);
  io.name_of("role", v.role);
  io.text("sdk", v.sdk, Need::required);
  io.text("name", v.name, Need::optional);
  io.number("pid", v.pid, std::optional<std::int64_t>(0));
  io.object("clock", v.clock);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Welcome> v) {
  io.number("protocol", v.protocol);
  io.text("coordinator", v.coordinator, Need::required);
  io.number("pid", v.pid, std::optional<std::int64_t>(0));
  io.object("clock", v.clock);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Refuse> v) {
  io.object("error", v.error);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Bye> v) {
  io.text("reason", v.reason, Need::optional);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<RegisterWriter> v) {
  io.object("identity", v.identity);
  io.id("instance", v.instance, Need::required);
  io.object("clock", v.clock);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Registered> v) {
  io.id("instance", v.instance, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Cancel> v) {
  io.id("session", v.session, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Heartbeat> v) {
  io.id("session", v.session, Need::required);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<Progress> v) {
  verb_field(io, "verb", v.verb);
  io.number("done", v.done);
  io.number("total", v.total);
  io.text("what", v.what, Need::optional);
}

ClockSample sample_clock(const Clock& clock) {
  return {clock.now(), own_time_namespace()};
}

Status compare_clocks(const ClockSample& own, const ClockSample& peer, BootTime earliest,
                      BootTime latest) {
  const char* remedy =
      "; holds cannot be timed across them: run both in the same time namespace of one machine";
  if (own.time_namespace != 0 && peer.time_namespace != 0 &&
      own.time_namespace != peer.time_namespace) {
    return Error(Errc::not_supported,
                 std::string("the peer is in another time namespace") + remedy);
  }
  if (peer.boot < earliest || peer.boot > latest) {
    return Error(Errc::not_supported,
                 std::string("the peer's boot clock differs from this one's") + remedy);
  }
  return Ok{};
}

Result<std::uint32_t> negotiate(const Hello& hello) {
  const std::uint32_t version = std::min(hello.protocol_max, kProtocolMax);
  if (version < std::max(hello.protocol_min, kProtocolMin)) {
    return Error(Errc::future_version,
                 "the peer speaks protocol " + std::to_string(hello.protocol_min) + " to " +
                     std::to_string(hello.protocol_max) + ", this side " +
                     std::to_string(kProtocolMin) + " to " + std::to_string(kProtocolMax) +
                     "; update the older of the two");
  }
  return version;
}

RawMessage encode(const Hello& message) {
  return encode_payload(Kind::hello, message);
}
RawMessage encode(const Welcome& message) {
  return encode_payload(Kind::welcome, message);
}
RawMessage encode(const Refuse& message) {
  return encode_payload(Kind::refuse, message);
}
RawMessage encode(const Bye& message) {
  return encode_payload(Kind::bye, message);
}
RawMessage encode(const RegisterWriter& message) {
  return encode_payload(Kind::register_writer, message);
}
RawMessage encode(const Registered& message) {
  return encode_payload(Kind::registered, message);
}
RawMessage encode(const Cancel& message) {
  return encode_payload(Kind::cancel, message);
}
RawMessage encode(const Heartbeat& message) {
  return encode_payload(Kind::heartbeat, message);
}
RawMessage encode(const Progress& message, std::uint64_t sequence) {
  return encode_payload(Kind::progress, message, sequence);
}

Result<Hello> decode_hello(const RawMessage& message) {
  return decode_payload<Hello>(message, Kind::hello);
}
Result<Welcome> decode_welcome(const RawMessage& message) {
  return decode_payload<Welcome>(message, Kind::welcome);
}
Result<Refuse> decode_refuse(const RawMessage& message) {
  return decode_payload<Refuse>(message, Kind::refuse);
}
Result<Bye> decode_bye(const RawMessage& message) {
  return decode_payload<Bye>(message, Kind::bye);
}
Result<RegisterWriter> decode_register(const RawMessage& message) {
  return decode_payload<RegisterWriter>(message, Kind::register_writer);
}
Result<Registered> decode_registered(const RawMessage& message) {
  return decode_payload<Registered>(message, Kind::registered);
}
Result<Cancel> decode_cancel(const RawMessage& message) {
  return decode_payload<Cancel>(message, Kind::cancel);
}
Result<Heartbeat> decode_heartbeat(const RawMessage& message) {
  return decode_payload<Heartbeat>(message, Kind::heartbeat);
}
Result<Progress> decode_progress(const RawMessage& message) {
  return decode_payload<Progress>(message, Kind::progress);
}

}  // namespace stillframe::wire
