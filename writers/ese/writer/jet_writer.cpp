// <stillframe/ese/writer.hpp>: the writer over calls of jet.h, so that the program and its writer
// share the one engine that libstillframe-ese has.
#include <cstdint>
#include <utility>

#include <stillframe/ese/jet_status.hpp>
#include <stillframe/ese/writer.hpp>

#include "writers/ese/writer/ese_verifier.hpp"
#include "writers/ese/writer/ese_writer.hpp"

namespace stillframe::ese {

namespace {

using stillframe::jet::InstanceFiles;
using stillframe::jet::InstanceOwner;
using stillframe::jet::detail::status_of;

JET_GRBIT bits_of(SnapshotKind kind) {
  switch (kind) {
    case SnapshotKind::full:
      return 0;
    case SnapshotKind::copy:
      return JET_bitCopySnapshot;
    case SnapshotKind::logs:
      return JET_bitIncrementalSnapshot;
    case SnapshotKind::log_copy:
      return JET_bitIncrementalSnapshot | JET_bitCopySnapshot;
  }
  return 0;
}

// Several threads may make the calls: JET lets one wait for another.
class JetSnapshotSession final : public HostSnapshot {
 public:
  static Result<std::shared_ptr<HostSnapshot>> begin(JET_INSTANCE instance, SnapshotKind kind) {
    JET_OSSNAPID id = 0;
    const JET_GRBIT bits = bits_of(kind) | JET_bitContinueAfterThaw | JET_bitExplicitPrepare;
    Status begun = status_of(JetOSSnapshotPrepare(&id, bits), "JetOSSnapshotPrepare");
    if (!begun.ok()) return begun.error();
    auto session = std::make_shared<JetSnapshotSession>(instance, id);
    begun =
        status_of(JetOSSnapshotPrepareInstance(id, instance, 0), "JetOSSnapshotPrepareInstance");
    if (!begun.ok()) return begun.error();
    return std::shared_ptr<HostSnapshot>(std::move(session));
  }

  JetSnapshotSession(JET_INSTANCE instance, JET_OSSNAPID id) : instance_(instance), id_(id) {}
  JetSnapshotSession(const JetSnapshotSession&) = delete;
  JetSnapshotSession& operator=(const JetSnapshotSession&) = delete;
  ~JetSnapshotSession() override { JetOSSnapshotAbort(id_, 0); }  // refused when it has ended

  // JET has one timeout for the process (JET_paramOSSnapshotTimeout); the SDK thaws by its own.
  Status freeze(std::chrono::milliseconds) override {
    std::uint32_t count = 0;
    JET_INSTANCE_INFO_A* frozen = nullptr;
    Status done = status_of(JetOSSnapshotFreezeA(id_, &count, &frozen, 0), "JetOSSnapshotFreeze");
    if (frozen != nullptr) JetFreeBuffer(reinterpret_cast<char*>(frozen));
    return done;
  }
  Status thaw() override { return status_of(JetOSSnapshotThaw(id_, 0), "JetOSSnapshotThaw"); }
  Status truncate_log() override {
    return status_of(JetOSSnapshotTruncateLogInstance(id_, instance_, JET_bitAllDatabasesSnapshot),
                     "JetOSSnapshotTruncateLogInstance");
  }
  Status end() override { return status_of(JetOSSnapshotEnd(id_, 0), "JetOSSnapshotEnd"); }

 private:
  const JET_INSTANCE instance_;
  const JET_OSSNAPID id_;
};

class JetInstanceHost final : public InstanceHost {
 public:
  JetInstanceHost(InstanceOwner& owner, InstanceFiles files) : owner_(owner) {
    places_.logs = std::move(files.logs);
    places_.system = files.system.empty() ? places_.logs : std::move(files.system);
    places_.base = std::move(files.base);
    places_.extensions = files.legacy_names ? LogExtensions::log_chk : LogExtensions::jtx_jcp;
    places_.databases = std::move(files.databases);
  }

  const InstancePlaces& places() const override { return places_; }
  Files& files() override { return *files_; }

  Status running() const override {
    const auto instance = owner_.running();
    return instance.ok() ? Status(Ok{}) : Status(instance.error());
  }
  Status open() override { return owner_.go_online(); }
  Status close() override { return owner_.go_offline(); }

  // JET has no such call: the engine writes in the background, and recovery does the rest.
  Status flush() override { return Ok{}; }
  Result<std::shared_ptr<HostSnapshot>> begin_snapshot(SnapshotKind kind) override {
    const auto instance = owner_.running();
    if (!instance.ok()) return instance.error();
    return JetSnapshotSession::begin(instance.value(), kind);
  }

 private:
  InstanceOwner& owner_;
  const std::unique_ptr<Files> files_ = posix_files();
  InstancePlaces places_;
};

}  // namespace

}  // namespace stillframe::ese

namespace stillframe::jet {

std::unique_ptr<Writer> make_writer(InstanceOwner& owner, InstanceFiles files,
                                    std::string instance_name) {
  auto host = std::make_unique<ese::JetInstanceHost>(owner, std::move(files));
  return std::make_unique<ese::EseWriter>(std::move(host), std::move(instance_name));
}

std::unique_ptr<Verifier> make_verifier() {
  return std::make_unique<ese::EseVerifier>();
}

}  // namespace stillframe::jet
