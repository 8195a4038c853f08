// Loop devices: a file that can be mounted.
#pragma once

#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// A device that shows a file. It detaches itself when this object and every mount of it are gone.
struct LoopDevice {
  BytePath path;      // "/dev/loop3"
  Descriptor handle;  // keeps it attached until it is mounted
};

Result<LoopDevice> attach_loop(const BytePath& image, bool read_only);

// Opens a device of which nothing is mounted, and keeps others from mounting it until the
// descriptor is closed. in_use while a file system on it is alive, in whichever mount namespace.
Result<Descriptor> claim_device(const BytePath& device);

// Whether the loop device at `device` shows the very file `image_fd` is open on, by device and
// inode: the path the kernel tells may lead elsewhere by now.
Result<bool> loop_shows(const BytePath& device, int image_fd);

// Every loop device that shows the file `image`.
std::vector<BytePath> loops_showing(const BytePath& image);

// Gives the empty file `to` the copy-on-write setting of `from`: btrfs shares blocks only between
// files that agree on it. Best effort; other file systems have none.
void copy_no_cow(int from, int to);

}  // namespace stillframe
