#include "framework/testkit/provider_suite/describe_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/copy_metadata.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 18;
constexpr std::size_t kDifferencesMax = 12;
// Below this, how a file system rounds up says more than what the file holds.
constexpr off_t kSparseFrom = 256 * 1024;

std::string hex(std::uint64_t number) {
  std::ostringstream out;
  out << std::hex << number;
  return out.str();
}

// FNV-1a: this is a comparison within one test, not a proof.
class Digest {
 public:
  void add(const char* bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      hash_ = (hash_ ^ static_cast<unsigned char>(bytes[i])) * 1099511628211ULL;
    }
  }
  std::string text() const { return hex(hash_); }

 private:
  std::uint64_t hash_ = 1469598103934665603ULL;
};

class Describer {
 public:
  explicit Describer(const DescribeOptions& options) : options_(options) {}

  Result<TreeDescription> run(const BytePath& root) {
    auto top = open_directory(root);
    if (!top.ok()) return top.error();
    struct stat status {};
    if (::fstat(top.value().get(), &status) != 0) return posix_error(errno, "look at", root);
    if (Status s = add({top.value().get(), ".", "", status}); !s.ok()) return s.error();
    Status walked =
        walk_tree(top.value().get(), WalkOptions{}, [this](const WalkEntry& entry) -> Result<bool> {
          for (const auto& out : options_.leave_out) {
            if (is_within(entry.path, out)) return false;
          }
          if (Status s = add(entry); !s.ok()) return s.error();
          return true;
        });
    if (!walked.ok()) return walked.error();
    return std::move(tree_);
  }

 private:
  Status add(const WalkEntry& entry) {
    std::ostringstream line;
    const auto& st = entry.status;
    const bool directory = S_ISDIR(st.st_mode);
    line << kind(st.st_mode) << " mode " << std::oct << (st.st_mode & 07777) << std::dec
         << " owner " << st.st_uid << ":" << st.st_gid;
    if (!directory || options_.directory_times) {
      line << " changed " << st.st_mtim.tv_sec << "." << st.st_mtim.tv_nsec;
    }
    if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)) line << " device " << st.st_rdev;
    if (!directory && st.st_nlink > 1) {
      const auto first = links_.emplace(std::pair{st.st_dev, st.st_ino}, entry.path).first->second;
      line << " same file as " << escape_path(first);
    }
    if (Status s = content(entry, line); !s.ok()) return s;
    attributes(entry, line);
    tree_[entry.path] = line.str();
    return Ok{};
  }

  static const char* kind(mode_t mode) {
    if (S_ISREG(mode)) return "file";
    if (S_ISDIR(mode)) return "directory";
    if (S_ISLNK(mode)) return "link";
    if (S_ISFIFO(mode)) return "fifo";
    if (S_ISSOCK(mode)) return "socket";
    return S_ISBLK(mode) ? "block device" : "character device";
  }

  Status content(const WalkEntry& entry, std::ostream& line) {
    if (S_ISLNK(entry.status.st_mode)) {
      BytePath target(kBytePathBytesMax, '\0');
      const ssize_t got =
          ::readlinkat(entry.directory, entry.name.c_str(), target.data(), target.size());
      target.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      line << " to " << escape_path(target);
    }
    if (!S_ISREG(entry.status.st_mode)) return Ok{};
    Descriptor file(::openat(entry.directory, entry.name.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC));
    if (!file.valid()) return posix_error(errno, "open", entry.path);
    Digest digest;
    std::vector<char> block(kReadBytes);
    for (;;) {
      const ssize_t got = ::read(file.get(), block.data(), block.size());
      if (got < 0) return posix_error(errno, "read", entry.path);
      if (got == 0) break;
      digest.add(block.data(), static_cast<std::size_t>(got));
    }
    line << " size " << entry.status.st_size << " digest " << digest.text();
    if (entry.status.st_size >= kSparseFrom) {
      const bool hole = ::lseek(file.get(), 0, SEEK_HOLE) < entry.status.st_size;
      line << (hole ? " sparse" : " dense");
    }
    if (has_nocow(file.get())) line << " nocow";
    return Ok{};
  }

  static void attributes(const WalkEntry& entry, std::ostream& line) {
    const std::string path = "/proc/self/fd/" + std::to_string(entry.directory) + "/" + entry.name;
    std::string names(65536, '\0'), value(65536, '\0');
    const ssize_t got = ::llistxattr(path.c_str(), names.data(), names.size());
    std::vector<std::string> all;
    for (ssize_t at = 0; at < got;) {
      all.emplace_back(names.data() + at);
      at += static_cast<ssize_t>(all.back().size()) + 1;
    }
    std::sort(all.begin(), all.end());
    for (const auto& name : all) {
      const ssize_t bytes = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
      Digest digest;
      if (bytes > 0) digest.add(value.data(), static_cast<std::size_t>(bytes));
      line << " " << escape_path(name) << "=" << bytes << ":" << digest.text();
    }
  }

  const DescribeOptions& options_;
  TreeDescription tree_;
  std::map<std::pair<dev_t, ino_t>, BytePath> links_;
};

}  // namespace

Result<TreeDescription> describe_tree(const BytePath& root, const DescribeOptions& options) {
  return Describer(options).run(root);
}

std::string differences(const TreeDescription& expected, const TreeDescription& actual) {
  std::ostringstream out;
  std::size_t count = 0;
  const auto shown = [](const BytePath& path) {
    const auto text = "'" + escape_path(path) + "'";
    return text.size() < 200 ? text : text.substr(0, 200) + "...";
  };
  for (const auto& [path, line] : expected) {
    const auto at = actual.find(path);
    if (at != actual.end() && at->second == line) continue;
    if (++count > kDifferencesMax) break;
    out << shown(path) << ": expected " << line << "\n  got "
        << (at == actual.end() ? "nothing" : at->second) << "\n";
  }
  for (const auto& [path, line] : actual) {
    if (expected.count(path) != 0) continue;
    if (++count > kDifferencesMax) break;
    out << shown(path) << ": not expected: " << line << "\n";
  }
  return out.str();
}

}  // namespace stillframe::testkit
