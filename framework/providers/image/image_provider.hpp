// Snapshots of file systems that live on loop image files.
#pragma once

#include <memory>
#include <span>

#include "framework/providers/builtin.hpp"

namespace stillframe {

// Freezes the file system through the guard pair and shares the blocks of its image with a clone,
// which lies on the image's own file system: that must share blocks (XFS, btrfs). Each volume is
// cut at one instant; volumes of a set one beside the other.
std::unique_ptr<Provider> make_image_provider(ProviderEnvironment environment);

// volume_not_supported, naming both, when one volume's image lies on another volume of the set:
// while the lower one is held, the upper one cannot be, and its snapshot would hold a clone of a
// clone.
Status check_images_not_nested(std::span<const Volume> volumes);

}  // namespace stillframe
