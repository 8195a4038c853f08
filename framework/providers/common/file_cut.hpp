// A snapshot made of files, cloned or copied one by one: the tree and its metadata are built before
// the hold, so that inside it only data is left to do, and what changed meanwhile.
#pragma once

#include <memory>
#include <string>

#include "framework/io/copy_data.hpp"
#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/volume_cut.hpp"

namespace stillframe {

struct FileCutKind {
  ProviderId provider;
  std::string provider_name;
  DataMode data = DataMode::copy;
  BytePath store;               // where the snapshot's directory is made
  std::uint64_t bytes_max = 0;  // of new data; 0: no limit but the space there is
};

// `environment` is not owned.
std::unique_ptr<VolumeCut> make_file_cut(const WorkEnvironment& environment, FileCutKind kind,
                                         const CutRequest& request);

}  // namespace stillframe
