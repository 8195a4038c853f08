// The clone of an image as a mounted file system.
#pragma once

#include <stillframe/provider.hpp>

namespace stillframe {

enum class ImageAccess { writable, sealed };

// Mounts the image file at the directory `place` (nosuid, nodev, noexec). The first mount of a
// clone must be a writable one: it replays the log of a file system that was cut while mounted.
// `volume` is what was cut: its type, and for btrfs the subvolume.
Status mount_image(const BytePath& image, const BytePath& place, const Volume& volume,
                   ImageAccess access);

// Takes the mount away, if there is one. The loop device goes with it. in_use names who is there.
Status unmount_image(const BytePath& place);

// Whether the kernel can mount a copy of this file system beside the original.
Status can_mount_copy(const Volume& volume);

}  // namespace stillframe
