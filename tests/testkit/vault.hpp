// A writer for the kit's own tests, and a requestor's first steps.
#pragma once

#include <algorithm>

#include <stillframe/testkit/simulation.hpp>

namespace stillframe::testkit {

// A writer with one database that streams and can be restored in stages.
class Vault : public Writer {
 public:
  WriterIdentity identity() const override {
    WriterIdentity identity;
    identity.name = "Vault";
    identity.instance_name = "vault";
    identity.capabilities.add(Capability::streaming)
        .add(Capability::logs)
        .add(Capability::restore_events)
        .add(Capability::staged_restore);
    return identity;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    Component& gold = metadata.components.emplace_back();
    gold.type = ComponentType::database;
    gold.name.name = "Gold";
    gold.selectable_for_restore = true;
    FileSet& files = gold.files.emplace_back();
    files.path = "/srv/vault/gold";
    files.pattern = "*";
    return metadata;
  }
  Status prepare_backup(const CallContext&, BackupView& view) override {
    if (refuses) return Error(Errc::writer_retryable, "the vault is being counted");
    for (BackupComponent& component : view.components) component.stamp = "stamp-1";
    return Ok{};
  }
  Status freeze(const CallContext&) override {
    held = true;
    return Ok{};
  }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = held;
    held = false;
    return statement;
  }
  Result<StreamInfo> open_stream(const CallContext&, const StreamRequest& request) override {
    asked_for = request.file;
    StreamInfo info;
    info.handle = 7;
    info.size = stream_size;
    info.read_unit = 512;
    delivered = 0;
    return info;
  }
  Result<std::size_t> read(const CallContext&, std::uint64_t, std::span<std::byte> out) override {
    if (delivered >= stream_breaks_at) return Error(Errc::io, "the disk is gone");
    const std::size_t n = std::min({out.size(), std::size_t{512}, stream_size - delivered});
    std::fill_n(out.begin(), n, std::byte{0x42});
    delivered += n;
    return n;
  }
  Status close(const CallContext&, std::uint64_t) override { return Ok{}; }
  Result<LogList> list_logs(const CallContext&, const ComponentName&) override {
    LogList logs;
    logs.low = 3;
    logs.high = 4;
    logs.files = {{"/srv/vault/3.log", 3, true}, {"/srv/vault/4.log", 4, true}};
    return logs;
  }
  Status truncate_logs(const CallContext&, const ComponentName&, const Receipt&) override {
    return Ok{};
  }
  Status pre_restore(const CallContext&, RestoreView&) override { return Ok{}; }
  Status restore_prepare(const CallContext&, const RestoreAuthority& authority) override {
    if (authority.token == "open sesame") return Ok{};
    return Error(Errc::access_denied, "wrong word");
  }
  Result<std::vector<RestoreLocation>> restore_locations(const CallContext&,
                                                         const ComponentName& name) override {
    return std::vector<RestoreLocation>{{name, "database", "/srv/vault/gold"}};
  }
  Status restore_register(const CallContext&, const RestoreAuthority&,
                          const RestoreRegistration& registration) override {
    interlocked = true;
    moved = registration.moved;
    return Ok{};
  }
  Status restore_complete(const CallContext&, const ComponentName&, const Status& copied) override {
    restored = copied.ok();
    interlocked = !copied.ok();
    return Ok{};
  }
  Status post_restore(const CallContext&, const RestoreView&) override { return Ok{}; }

  bool refuses = false, held = false, interlocked = false, restored = false;
  BytePath asked_for;
  std::vector<std::pair<BytePath, BytePath>> moved;
  std::size_t stream_size = 4096, stream_breaks_at = 1 << 30, delivered = 0;
};

// A requestor's way to a prepared session with everything selected.
inline Result<BackupSession> prepared_session(SimulatedCoordinator& coordinator, BackupType type) {
  auto channel = coordinator.connect();
  if (!channel.ok()) return channel.error();
  Client client(std::move(channel).value());
  BackupOptions options;
  options.type = type;
  auto begun = client.begin_backup(options);
  if (!begun.ok()) return begun.error();
  if (auto s = begun.value().gather(); !s.ok()) return s.error();
  ComponentSelector everything;
  everything.component = "*";
  everything.policy = ConsistencyPolicy::allow_degraded;
  if (Status s = begun.value().select({everything}); !s.ok()) return s.error();
  if (auto s = begun.value().prepare(); !s.ok()) return s.error();
  return begun;
}

// One run of `requestor` with the vault and one simulated writer.
inline RunOutcome run_with(Vault& vault, OwnRequestor requestor, std::uint64_t seed = 1) {
  Simulation simulation(seed);
  simulation.add_writer(vault).add_company(1).add_requestor(std::move(requestor));
  return simulation.run();
}

}  // namespace stillframe::testkit
