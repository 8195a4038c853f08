#include "writers/ese/writer/jet_instance_host.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include <stillframe/ese/jet_status.hpp>

#include "writers/ese/writer/jet_stream.hpp"

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

// The page size is the process's; how large logs are, they say themselves.
Status set_places(JET_INSTANCE instance, const InstancePlaces& there) {
  struct Setting {
    std::uint32_t parameter;
    JET_API_PTR number;
    const char* text;
  };
  for (const Setting& each :
       {Setting{JET_paramLogFilePath, 0, there.logs.c_str()},
        Setting{JET_paramSystemPath, 0, there.system.c_str()},
        Setting{JET_paramBaseName, 0, there.base.c_str()},
        Setting{JET_paramLegacyFileNames, there.extensions == LogExtensions::log_chk ? 1U : 0U,
                nullptr}}) {
    const JET_ERR err =
        JetSetSystemParameterA(&instance, JET_sesidNil, each.parameter, each.number, each.text);
    if (Status s = status_of(err, "JetSetSystemParameter"); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace

InstancePlaces places_of_files(InstanceFiles files) {
  InstancePlaces places;
  places.logs = std::move(files.logs);
  places.system = files.system.empty() ? places.logs : std::move(files.system);
  places.base = std::move(files.base);
  places.extensions = files.legacy_names ? LogExtensions::log_chk : LogExtensions::jtx_jcp;
  places.databases = std::move(files.databases);
  return places;
}

Status JetInstanceHost::recover_copy(const InstancePlaces& there) {
  static std::atomic<std::uint64_t> number{0};  // names are the process's
  const std::string name = "stillframe recovery " + std::to_string(++number);
  JET_INSTANCE instance = JET_instanceNil;
  const JET_ERR created = JetCreateInstanceA(&instance, name.c_str());
  if (Status s = status_of(created, "JetCreateInstance"); !s.ok()) return s;
  std::vector<JET_RSTMAP_A> map;
  for (std::size_t i = 0; i < there.databases.size(); ++i) {
    map.push_back({places_.databases[i].c_str(), there.databases[i].c_str()});
  }
  JET_RSTINFO_A info{};
  info.cbStruct = sizeof info;
  info.rgrstmap = map.data();
  info.crstmap = static_cast<std::int32_t>(map.size());
  Status done = set_places(instance, there);
  if (!done.ok()) {
    (void)JetTerm2(instance, JET_bitTermAbrupt);
    return done;
  }
  // A JetInit that fails ends the instance.
  done = status_of(JetInit3A(&instance, &info, JET_bitReplayIgnoreMissingDB), "JetInit3");
  if (!done.ok()) return done;
  return status_of(JetTerm2(instance, JET_bitTermComplete), "JetTerm2");
}

Result<std::shared_ptr<HostSnapshot>> JetInstanceHost::begin_snapshot(SnapshotKind kind) {
  const auto instance = owner_.running();
  if (!instance.ok()) return instance.error();
  return JetSnapshotSession::begin(instance.value(), kind);
}

Result<std::unique_ptr<HostStream>> JetInstanceHost::begin_stream(StreamKind kind) {
  const auto instance = owner_.running();
  if (!instance.ok()) return instance.error();
  return begin_jet_stream(instance.value(), kind);
}

}  // namespace stillframe::ese
