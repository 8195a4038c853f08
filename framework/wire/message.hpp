// The messages that are not verbs or requests: handshake, registration, signs of life. Each encodes
// to the payload of its kind and decodes from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <stillframe/time.hpp>
#include <stillframe/writer.hpp>

#include "framework/model/verb.hpp"
#include "framework/wire/frame.hpp"

namespace stillframe::wire {

inline constexpr std::uint32_t kProtocolMin = 1;
inline constexpr std::uint32_t kProtocolMax = 2;
// From here on a writer answers every heartbeat with the same one.
inline constexpr std::uint32_t kProtocolWithEchoes = 2;
inline constexpr const char* kSdkVersion = "0.1.0";

enum class Role { writer = 1, requestor = 2 };

// One side's clock and time namespace, sampled as the message was written. Instants of two
// processes can be compared only if both clocks agree, so each side checks the other's.
struct ClockSample {
  BootTime boot;
  std::uint64_t time_namespace = 0;  // inode of /proc/self/ns/time; 0: not known
  friend bool operator==(const ClockSample&, const ClockSample&) = default;
};

// This process's, by `clock`.
ClockSample sample_clock(const Clock& clock);

// Whether a peer's sample can be of the same clock, given that it was taken between two instants of
// ours. not_supported names the cause and the way out.
Status compare_clocks(const ClockSample& own, const ClockSample& peer, BootTime earliest,
                      BootTime latest);

struct Hello {
  std::uint32_t protocol_min = kProtocolMin;
  std::uint32_t protocol_max = kProtocolMax;
  Role role = Role::writer;
  std::string sdk = kSdkVersion;
  std::string name;      // a requestor's name for people
  std::int64_t pid = 0;  // in its own pid namespace; for logs only
  ClockSample clock;
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct Welcome {
  std::uint32_t protocol = kProtocolMax;
  std::string coordinator = kSdkVersion;
  std::int64_t pid = 0;
  ClockSample clock;
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

// Refusals and orderly ends carry an error each.
struct Refuse {
  Error error{Errc::internal, ""};
  friend bool operator==(const Refuse&, const Refuse&) = default;
};
struct Bye {
  std::string reason;
  friend bool operator==(const Bye&, const Bye&) = default;
};

struct RegisterWriter {
  WriterIdentity identity;
  WriterInstanceId instance;
  ClockSample clock;
  friend bool operator==(const RegisterWriter&, const RegisterWriter&) = default;
};
struct Registered {
  WriterInstanceId instance;
  friend bool operator==(const Registered&, const Registered&) = default;
};

struct Cancel {
  SessionId session;
  friend bool operator==(const Cancel&, const Cancel&) = default;
};
struct Heartbeat {
  SessionId session;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
struct Progress {
  Verb verb = Verb::identify;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::string what;
  friend bool operator==(const Progress&, const Progress&) = default;
};

// The highest version both sides speak, or future_version naming both ranges.
Result<std::uint32_t> negotiate(const Hello& hello);

RawMessage encode(const Hello& message);
RawMessage encode(const Welcome& message);
RawMessage encode(const Refuse& message);
RawMessage encode(const Bye& message);
RawMessage encode(const RegisterWriter& message);
RawMessage encode(const Registered& message);
RawMessage encode(const Cancel& message);
RawMessage encode(const Heartbeat& message);
RawMessage encode(const Progress& message, std::uint64_t sequence);

// Each answers corrupt when the message is of another kind or its payload breaks the schema.
Result<Hello> decode_hello(const RawMessage& message);
Result<Welcome> decode_welcome(const RawMessage& message);
Result<Refuse> decode_refuse(const RawMessage& message);
Result<Bye> decode_bye(const RawMessage& message);
Result<RegisterWriter> decode_register(const RawMessage& message);
Result<Registered> decode_registered(const RawMessage& message);
Result<Cancel> decode_cancel(const RawMessage& message);
Result<Heartbeat> decode_heartbeat(const RawMessage& message);
Result<Progress> decode_progress(const RawMessage& message);

}  // namespace stillframe::wire
