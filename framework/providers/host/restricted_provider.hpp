// A provider for a caller that may ask for snapshots and is trusted with nothing else, such as an
// unprivileged daemon behind a broker.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <stillframe/provider.hpp>

namespace stillframe {

struct ProviderRestrictions {
  std::vector<BytePath> expose_below;  // directories that nobody but root can change
  std::uint64_t bytes_max = 0;         // no request raises its limit above this; 0: it may
};

// What a request says about its volume is not believed: only the mount point and the device number
// are read, and everything else is what this machine says about them (wrong_state when they do not
// fit it). A place to expose at lies below one of the directories, whose parts are no links, else
// access_denied names them. Sets and snapshots are named by ids, so there are no other paths to
// choose but the file sets', which the providers keep on their volume.
std::unique_ptr<Provider> restrict_provider(std::unique_ptr<Provider> provider,
                                            ProviderRestrictions restrictions);

}  // namespace stillframe
