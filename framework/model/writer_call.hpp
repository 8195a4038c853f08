// One verb said to one writer, and what it answers: the same values in process, on the wire and in
// the testkit.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/writer.hpp>

#include "framework/model/verb.hpp"

namespace stillframe {

struct NoArgs {
  friend bool operator==(const NoArgs&, const NoArgs&) = default;
};
struct SnapshotArgs {  // prepare_snapshot, post_snapshot
  SnapshotSetView set;
  BackupView backup;
  friend bool operator==(const SnapshotArgs&, const SnapshotArgs&) = default;
};
struct CompleteArgs {  // backup_complete
  BackupView backup;
  Receipt receipt;
  friend bool operator==(const CompleteArgs&, const CompleteArgs&) = default;
};
struct ShutdownArgs {
  SetId set;
  friend bool operator==(const ShutdownArgs&, const ShutdownArgs&) = default;
};
struct ReadArgs {
  std::uint64_t handle = 0;
  std::uint64_t bytes_max = 0;
  friend bool operator==(const ReadArgs&, const ReadArgs&) = default;
};
struct CloseArgs {
  std::uint64_t handle = 0;
  friend bool operator==(const CloseArgs&, const CloseArgs&) = default;
};
struct ComponentArgs {  // list_logs, restore_locations
  ComponentName component;
  friend bool operator==(const ComponentArgs&, const ComponentArgs&) = default;
};
struct TruncateArgs {
  ComponentName component;
  Receipt receipt;
  friend bool operator==(const TruncateArgs&, const TruncateArgs&) = default;
};
struct RegisterArgs {
  RestoreAuthority authority;
  RestoreRegistration registration;
  friend bool operator==(const RegisterArgs&, const RegisterArgs&) = default;
};
struct RestoreCompleteArgs {
  ComponentName component;
  bool copied_ok = false;
  std::string failure;  // empty when copied_ok
  friend bool operator==(const RestoreCompleteArgs&, const RestoreCompleteArgs&) = default;
};

using WriterArgs =
    std::variant<NoArgs, BackupView, SnapshotArgs, CompleteArgs, ShutdownArgs, StreamRequest,
                 ReadArgs, CloseArgs, ComponentArgs, TruncateArgs, RestoreView, RestoreAuthority,
                 RegisterArgs, RestoreCompleteArgs, VerifyRequest>;

struct WriterCall {
  Verb verb = Verb::identify;
  SessionId session;
  BootTime deadline;
  Duration hold_limit{0};  // freeze: the hold ends by itself after this
  Duration lease{0};       // freeze: the hold ends by itself after this much silence
  WriterArgs args;
};

using WriterPayload = std::variant<NoArgs, WriterMetadata, BackupView, HoldStatement, StreamInfo,
                                   std::vector<std::byte>, LogList, RestoreView,
                                   std::vector<RestoreLocation>, VerifyReport>;

struct WriterAnswer {
  Status status = Ok{};
  // Beside a failed status: only what the writer edited, when it says partial_failure.
  WriterPayload payload;
  // open_stream: the read end of a pipe that delivers the whole stream, so that no byte of it
  // passes through the coordinator. `read` is for transports that cannot carry descriptors.
  std::vector<Descriptor> descriptors;
};

}  // namespace stillframe
