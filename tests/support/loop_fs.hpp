// A real file system on a sparse image file and a loop device, for tests that need one. Everything
// it made is undone by its destructor, mounts that a test left on the device included.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace stillframe::tests {

enum class FsKind { btrfs, xfs, ext4 };

const char* to_string(FsKind kind) noexcept;

struct LoopFsOptions {
  std::uint64_t image_bytes = std::uint64_t{512} << 20;  // mkfs.xfs wants at least 300 MiB
  std::string image_directory;  // where the image lies; empty: a new temporary directory
  std::string mount_options;    // as mount -o takes them
};

class LoopFs {
 public:
  // Null when this machine cannot do it; `reason` then says what is missing, for GTEST_SKIP().
  static std::unique_ptr<LoopFs> make(FsKind kind, std::string& reason,
                                      const LoopFsOptions& options = {});
  LoopFs(const LoopFs&) = delete;
  LoopFs& operator=(const LoopFs&) = delete;
  ~LoopFs();

  FsKind kind() const noexcept { return kind_; }
  const std::string& mount_point() const noexcept { return mount_point_; }
  const std::string& device() const noexcept { return device_; }
  const std::string& image() const noexcept { return image_; }
  // A directory beside the mount that goes away with it, for exposures, state and the like.
  const std::string& scratch() const noexcept { return scratch_; }

  // The file system's own mount, taken away and put back. False when the kernel refuses.
  bool unmount();
  bool mount(const std::string& options = {});
  // Lets go of the loop device of an unmounted file system, as a reboot does; the next mount()
  // attaches one again.
  void detach();

 private:
  LoopFs() = default;
  bool attach(std::string& reason);

  FsKind kind_ = FsKind::ext4;
  std::string base_;  // the temporary directory all of this lies in
  std::string image_, device_, mount_point_, scratch_;
  int loop_ = -1;  // kept open: the device detaches itself at the last close
};

// Where something is mounted, and from what; read from /proc/self/mountinfo.
struct MountedAt {
  std::string mount_point, root, source, options;
  int depth = 0;  // position in the table: later ones lie on top
};
std::vector<MountedAt> mounted_now();

// Runs a program and waits for it; what it printed is appended to `output`. -1: it could not start.
int run_program(const std::vector<std::string>& arguments, std::string* output = nullptr);

// A new directory below $TMPDIR or /tmp, removed with everything in it by the destructor (which
// does not descend into mounts).
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& prefix = "stillframe");
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace stillframe::tests
