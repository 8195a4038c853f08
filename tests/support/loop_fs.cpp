#include "tests/support/loop_fs.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <linux/loop.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/io/busy.hpp"

extern char** environ;

namespace stillframe::tests {
namespace {

constexpr int kAttachTries = 500;  // other tests take loop devices at the same time
constexpr unsigned kAttachPauseUs = 10'000;

std::string temporary_root() {
  const char* set = std::getenv("TMPDIR");
  return set != nullptr && *set != '\0' ? set : "/tmp";
}

std::string make_temporary(const std::string& prefix) {
  std::string name = temporary_root() + "/" + prefix + ".XXXXXX";
  return mkdtemp(name.data()) == nullptr ? std::string() : name;
}

std::string because(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

std::string unescape_octal(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' &&
                        text[i + 1] <= '3' && text[i + 2] >= '0' && text[i + 3] >= '0';
    if (!escape) {
      out += text[i];
      continue;
    }
    out +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
    i += 3;
  }
  return out;
}

std::vector<std::string> mkfs_command(FsKind kind, const std::string& image) {
  switch (kind) {
    case FsKind::btrfs:
      return {"mkfs.btrfs", "-q", "-f", image};
    case FsKind::xfs:
      return {"mkfs.xfs", "-q", "-f", "-m", "reflink=1", image};
    case FsKind::ext4:
      return {"mkfs.ext4", "-q", "-F", image};
  }
  return {};
}

void split_options(const std::string& options, unsigned long& flags, std::string& data) {
  std::istringstream in(options);
  for (std::string option; std::getline(in, option, ',');) {
    if (option == "ro") {
      flags |= MS_RDONLY;
    } else if (option == "nosuid") {
      flags |= MS_NOSUID;
    } else if (option == "nodev") {
      flags |= MS_NODEV;
    } else if (option == "noexec") {
      flags |= MS_NOEXEC;
    } else if (option == "noatime") {
      flags |= MS_NOATIME;
    } else if (!option.empty()) {
      data += (data.empty() ? "" : ",") + option;
    }
  }
}

}  // namespace

const char* to_string(FsKind kind) noexcept {
  switch (kind) {
    case FsKind::btrfs:
      return "btrfs";
    case FsKind::xfs:
      return "xfs";
    case FsKind::ext4:
      return "ext4";
  }
  return "";
}

int run_program(const std::vector<std::string>& arguments, std::string* output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  pid_t child = -1;
  const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char buffer[4096];
  for (ssize_t got; failed == 0 && (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    if (output != nullptr) output->append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  if (failed != 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

std::vector<MountedAt> mounted_now() {
  std::vector<MountedAt> all;
  std::ifstream in("/proc/self/mountinfo");
  int depth = 0;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point, options, field;
    fields >> id >> parent >> device >> root >> point >> options;
    while (fields >> field && field != "-") continue;
    std::string type, source;
    fields >> type >> source;
    all.push_back(
        {unescape_octal(point), unescape_octal(root), unescape_octal(source), options, depth++});
  }
  return all;
}

std::unique_ptr<LoopFs> LoopFs::make(FsKind kind, std::string& reason,
                                     const LoopFsOptions& options) {
  if (geteuid() != 0) {
    reason = "needs root for loop devices and mounts";
    return nullptr;
  }
  std::unique_ptr<LoopFs> fs(new LoopFs);
  fs->kind_ = kind;
  fs->base_ = make_temporary("stillframe-loop");
  if (fs->base_.empty()) {
    reason = because("no temporary directory");
    return nullptr;
  }
  fs->mount_point_ = fs->base_ + "/mnt";
  fs->scratch_ = fs->base_ + "/scratch";
  const std::string directory =
      options.image_directory.empty() ? fs->base_ : options.image_directory;
  fs->image_ = directory + fs->base_.substr(fs->base_.rfind('/')) + ".img";
  ::mkdir(fs->mount_point_.c_str(), 0755);
  ::mkdir(fs->scratch_.c_str(), 0700);
  const int image = open(fs->image_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (image < 0 || ftruncate(image, static_cast<off_t>(options.image_bytes)) != 0) {
    reason = because("cannot make " + fs->image_);
    if (image >= 0) close(image);
    return nullptr;
  }
  close(image);
  std::string printed;
  if (run_program(mkfs_command(kind, fs->image_), &printed) != 0) {
    reason = std::string("mkfs.") + to_string(kind) + " is missing or failed: " + printed;
    return nullptr;
  }
  if (!fs->attach(reason)) return nullptr;
  if (!fs->mount(options.mount_options)) {
    reason = because(std::string("this kernel cannot mount ") + to_string(kind));
    return nullptr;
  }
  return fs;
}

bool LoopFs::attach(std::string& reason) {
  const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) {
    reason = because("/dev/loop-control");
    return false;
  }
  const int image = open(image_.c_str(), O_RDWR | O_CLOEXEC);
  for (int tries = 0; tries < kAttachTries && loop_ < 0; ++tries) {
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) break;
    device_ = "/dev/loop" + std::to_string(number);
    // Without udev the node has to be made by hand; with it, this fails and does no harm.
    ::mknod(device_.c_str(), S_IFBLK | 0660, makedev(7, static_cast<unsigned>(number)));
    const int loop = open(device_.c_str(), O_RDWR | O_CLOEXEC);
    if (loop < 0) {
      usleep(kAttachPauseUs);
      continue;
    }
    loop_config config{};
    config.fd = static_cast<__u32>(image);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    std::strncpy(reinterpret_cast<char*>(config.info.lo_file_name), image_.c_str(),
                 LO_NAME_SIZE - 1);
    if (ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
      loop_ = loop;
    } else {
      close(loop);  // somebody else was faster, or still looks at what was on it
      usleep(kAttachPauseUs);
    }
  }
  if (loop_ < 0) reason = because("no free loop device");
  close(image);
  close(control);
  return loop_ >= 0;
}

bool LoopFs::mount(const std::string& options) {
  unsigned long flags = 0;
  std::string data, reason;
  split_options(options, flags, data);
  if (loop_ < 0 && !attach(reason)) return false;
  return ::mount(device_.c_str(), mount_point_.c_str(), to_string(kind_), flags, data.c_str()) == 0;
}

// Tests beside this one look at mounts and make namespaces: what they hold up passes.
bool LoopFs::unmount() {
  return while_busy(
             [&] { return umount2(mount_point_.c_str(), UMOUNT_NOFOLLOW) == 0 ? 0 : errno; }) == 0;
}

void LoopFs::detach() {
  if (loop_ >= 0) close(loop_);
  loop_ = -1;
  device_.clear();  // somebody else's from here on
}

LoopFs::~LoopFs() {
  // Newest first, and again: one unmounting can uncover another.
  for (int pass = 0; pass < 4 && !base_.empty(); ++pass) {
    auto mounts = mounted_now();
    for (auto it = mounts.rbegin(); it != mounts.rend(); ++it) {
      const bool of_device = loop_ >= 0 && it->source == device_;
      const bool ours = of_device || it->mount_point.rfind(base_ + "/", 0) == 0;
      if (ours) umount2(it->mount_point.c_str(), pass < 2 ? 0 : MNT_DETACH);
    }
  }
  if (loop_ >= 0) close(loop_);
  if (!image_.empty()) unlink(image_.c_str());
  if (!base_.empty()) run_program({"rm", "-rf", "--one-file-system", base_});
}

TemporaryDirectory::TemporaryDirectory(const std::string& prefix) : path_(make_temporary(prefix)) {}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) run_program({"rm", "-rf", "--one-file-system", path_});
}

}  // namespace stillframe::tests
