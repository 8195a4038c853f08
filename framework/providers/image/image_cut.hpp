// One volume that lives on an image file, cut by cloning the file while the volume is frozen.
#pragma once

#include <memory>
#include <string_view>

#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/snapshot_store.hpp"
#include "framework/providers/common/volume_cut.hpp"

namespace stillframe {

inline constexpr std::string_view kImageName = "image";  // the clone, in the snapshot's directory
inline constexpr std::string_view kImageRoot = "root";   // where it is mounted

struct ImageCutPlan {
  ProviderId provider;
  std::string provider_name;
  BytePath store;  // on the file system that holds the image: blocks are shared within one only
};

// `environment` is not owned. `trouble` is an error that prepare() answers with.
std::unique_ptr<VolumeCut> make_image_cut(const WorkEnvironment& environment, ImageCutPlan plan,
                                          const CutRequest& request, Status trouble);

}  // namespace stillframe
