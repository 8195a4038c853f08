// What one session of the public Simulation is about: its document, what its writers are told and
// answer, and what its evidence says. The machine decides; this is only its paper.
#pragma once

#include <map>
#include <span>

#include "framework/coordinator/machine/state.hpp"
#include "framework/model/consistency.hpp"
#include "framework/model/writer_call.hpp"
#include "framework/testkit/cast.hpp"

namespace stillframe::testkit {

// A whole stream, read to its end as the SDK would.
struct SimulatedStream {
  std::uint32_t component = machine::kNone;
  std::vector<std::byte> bytes;
  Status outcome = Ok{};  // what close() is going to say
};

class SessionDocument {
 public:
  SessionDocument(const Cast& cast, std::uint16_t session, BackupType type);

  // ---- what the session is about
  std::uint32_t add(std::uint32_t writer, std::size_t component, ConsistencyPolicy policy);
  std::uint32_t find(std::uint32_t writer, const ComponentName& name) const;  // kNone: not there
  std::uint32_t writer_of(std::uint32_t component) const { return writers_[component]; }
  std::size_t size() const { return writers_.size(); }
  void select(BackupComponent component, std::uint32_t writer);
  void forget_selection();
  // From now on it is about a set, of snapshots here or of somebody else's.
  void begin_set(bool snapshots);

  // ---- what its writers hear and say
  // The arguments of a verb; `component` is the session's count, kNone where the verb has none.
  WriterArgs arguments(Verb verb, std::uint32_t writer, std::uint32_t component,
                       bool copied_ok) const;
  // Takes over what an answer that went well brings; refuses edits that are not the writer's.
  Status absorb(Verb verb, std::uint32_t writer, WriterAnswer& answer);
  void begin_stream(std::uint32_t writer, std::uint32_t component, std::uint64_t handle,
                    SimulatedStream stream);
  SimulatedStream* stream(std::uint32_t writer, std::uint64_t handle);
  std::uint64_t streamed_bytes(std::uint32_t component) const;

  // ---- what its requestor hears
  Status check(const Receipt& receipt) const;
  std::vector<WriterStatus> statuses(const machine::State& state) const;
  Evidence evidence(const machine::State& state) const;
  std::vector<SnapshotInfo> snapshots() const;

  BackupDocument document;
  // The arguments of the request under way.
  Receipt receipt;
  StreamRequest stream_request;
  std::uint64_t stream_handle = 0;
  ComponentName named_component;
  RestoreAuthority authority;  // restore_prepare
  RestoreRegistration registration;
  std::string copy_failure;
  std::map<std::uint32_t, RestoreAuthority> authorities;  // by writer
  // The answers of writers to requests that were passed on.
  std::map<std::uint32_t, WriterPayload> payloads;

 private:
  std::vector<std::uint32_t> indices_of(std::uint32_t writer) const;
  BackupView view_of(std::uint32_t writer) const;
  Label label_of(const machine::State& state, std::uint32_t component,
                 std::span<const SnapshotEvidence> snapshots, ComponentEvidence& evidence) const;

  const Cast& cast_;
  const std::uint16_t session_;
  bool has_snapshots_ = false;
  std::vector<std::uint32_t> writers_;  // of the document's components
  std::map<std::pair<std::uint32_t, std::uint64_t>, SimulatedStream> streams_;
};

}  // namespace stillframe::testkit
