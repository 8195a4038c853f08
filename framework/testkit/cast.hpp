// Who and what a run of the public Simulation is made of: writers with names and components,
// volumes with mount points, and ids that are the same in every run.
#pragma once

#include <vector>

#include <stillframe/requestor.hpp>

#include "framework/coordinator/machine/event.hpp"

namespace stillframe::testkit {

// Recognisable, and the same in every run.
template <class IdType>
IdType simulated_id(std::uint8_t kind, std::uint16_t number) {
  UuidBytes bytes{};
  bytes[0] = 0x51;
  bytes[13] = static_cast<std::uint8_t>(number >> 8);
  bytes[14] = static_cast<std::uint8_t>(number & 0xff);
  bytes[15] = kind;
  return IdType(bytes);
}

struct SimulatedVolume {
  BytePath mount_point;
  BytePath root;  // of its snapshot
};

struct Cast {
  std::vector<WriterMetadata> writers;  // yours first, then the company
  std::vector<SimulatedVolume> volumes;

  Volume volume(std::size_t index) const;
  SnapshotInfo snapshot(std::size_t index, const SetId& set) const;
  ProviderInfo provider() const;
  // The volumes of a component and of the members that come along with it.
  machine::VolumeMask volumes_of(std::size_t writer, std::size_t component,
                                 const std::vector<std::size_t>& members = {}) const;
  bool has_logs(std::size_t writer, std::size_t component) const;
};

// A writer of the company: one component, on the volume of its number.
WriterMetadata company_writer(std::uint16_t number, const std::vector<SimulatedVolume>& volumes);

}  // namespace stillframe::testkit
