#include "framework/testkit/cast.hpp"

namespace stillframe::testkit {
namespace {

bool lies_below(const BytePath& path, const BytePath& mount_point) {
  if (path.rfind(mount_point, 0) != 0) return false;
  return path.size() == mount_point.size() || mount_point == "/" || path[mount_point.size()] == '/';
}

}  // namespace

Volume Cast::volume(std::size_t index) const {
  Volume volume;
  volume.id = "simulated:" + std::to_string(index);
  volume.mount_point = volumes[index].mount_point;
  volume.mount_root = "/";
  volume.fs_type = "simulated";
  return volume;
}

ProviderInfo Cast::provider() const {
  ProviderInfo info;
  info.id = simulated_id<ProviderId>(5, 0);
  info.name = "simulated";
  info.atomicity = Atomicity::volume;
  return info;
}

SnapshotInfo Cast::snapshot(std::size_t index, const SetId& set) const {
  SnapshotInfo info;
  info.snapshot = SnapshotId(set.bytes());
  UuidBytes bytes = set.bytes();
  bytes[12] = static_cast<std::uint8_t>(index + 1);
  info.snapshot = SnapshotId(bytes);
  info.set = set;
  info.provider = provider().id;
  info.provider_name = provider().name;
  info.volume = volume(index);
  info.state = SnapshotState::created;
  info.root = volumes[index].root;
  info.host = "simulation";
  return info;
}

machine::VolumeMask Cast::volumes_of(std::size_t writer, std::size_t component,
                                     const std::vector<std::size_t>& members) const {
  machine::VolumeMask mask = 0;
  const auto add = [&](std::size_t index) {
    for (const FileSet& files : writers[writer].components[index].files) {
      std::size_t best = volumes.size();
      for (std::size_t v = 0; v < volumes.size(); ++v) {
        const bool longer = best == volumes.size() ||
                            volumes[v].mount_point.size() > volumes[best].mount_point.size();
        if (longer && lies_below(files.path, volumes[v].mount_point)) best = v;
      }
      if (best < volumes.size()) mask |= machine::VolumeMask{1} << best;
    }
  };
  add(component);
  for (std::size_t member : members) add(member);
  // What names no files of a known volume lies somewhere all the same.
  return mask != 0 ? mask : machine::VolumeMask{1} << writer % volumes.size();
}

bool Cast::has_logs(std::size_t writer, std::size_t component) const {
  return writers[writer].identity.capabilities.has(Capability::logs) &&
         writers[writer].components[component].type == ComponentType::database;
}

WriterMetadata company_writer(std::uint16_t number, const std::vector<SimulatedVolume>& volumes) {
  WriterMetadata metadata;
  metadata.identity.class_id = simulated_id<WriterClassId>(6, number);
  metadata.identity.name = "Company " + std::to_string(number + 1);
  metadata.identity.instance_name = "company-" + std::to_string(number + 1);
  metadata.identity.level = static_cast<FreezeLevel>(number % kFreezeLevels);
  metadata.identity.capabilities.add(Capability::logs)
      .add(Capability::restore_events)
      .add(Capability::streaming);
  metadata.instance = simulated_id<WriterInstanceId>(7, number);
  Component& data = metadata.components.emplace_back();
  data.type = ComponentType::database;
  data.name.name = "Data";
  FileSet& files = data.files.emplace_back();
  files.path = volumes[number % volumes.size()].mount_point;
  files.pattern = "*";
  return metadata;
}

}  // namespace stillframe::testkit
