#include "framework/testkit/provider_suite/rich_tree.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::size_t kContentBytesMax = std::size_t{64} << 20;
constexpr int kDeepLevels = 24;  // of 200 bytes each: beyond PATH_MAX

// A POSIX ACL as the kernel stores it: version 2, then tag, permissions and id of each entry.
std::string acl_for_user_55() {
  const std::uint16_t entries[][2] = {{0x01, 6}, {0x02, 6}, {0x04, 4}, {0x10, 6}, {0x20, 4}};
  std::string bytes("\2\0\0\0", 4);
  for (const auto& [tag, permissions] : entries) {
    const std::uint32_t id = tag == 0x02 ? 55 : 0xffffffffu;
    bytes.append(reinterpret_cast<const char*>(&tag), 2);
    bytes.append(reinterpret_cast<const char*>(&permissions), 2);
    bytes.append(reinterpret_cast<const char*>(&id), 4);
  }
  return bytes;
}

Status checked(int result, const char* what, const BytePath& path) {
  if (result == 0) return Ok{};
  return posix_error(errno, what, path);
}

Status set_attribute(const BytePath& path, const char* name, const std::string& value) {
  return checked(::setxattr(path.c_str(), name, value.data(), value.size(), 0), name, path);
}

Status all_of(std::initializer_list<Status> steps) {
  for (const auto& step : steps) {
    if (!step.ok()) return step;
  }
  return Ok{};
}

Status build_deep(const BytePath& root) {
  auto top = open_directory(root);
  if (!top.ok()) return top.error();
  BytePath path = "deep";
  for (int level = 0; level < kDeepLevels; ++level) path += "/" + BytePath(200, 'd');
  auto bottom = make_directories_beneath(top.value().get(), path, 0755);
  if (!bottom.ok()) return bottom.error();
  Descriptor file(::openat(bottom.value().get(), "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file.valid()) return posix_error(errno, "create", "bottom");
  return write_all(file.get(), "far down", "bottom");
}

Status build_files(const BytePath& root) {
  return all_of({
      make_directories(root + "/dir/\xff\xfe not utf8\n", 0750),
      make_directories(root + "/empty directory", 0711),
      put_file(root + "/plain", "hello"),
      put_file(root + "/dir/\xff\xfe not utf8\n/\x80name", std::string(70000, 'x')),
      put_file(root + "/dir/" + BytePath(255, 'L'), "long name"),
      put_file(root + "/dir/back\\slash \"quoted\"\t", "odd"),
      put_file(root + "/empty", ""),
      put_file(root + "/big", std::string(3 << 20, 'b')),
      put_file(root + "/sparse", "after a hole", 4 << 20),
      put_file(root + "/sparse", "after another", 9 << 20),
      checked(::truncate((root + "/sparse").c_str(), 12 << 20), "truncate", "sparse"),
      put_file(root + "/only hole", ""),
      checked(::truncate((root + "/only hole").c_str(), 1 << 20), "truncate", "only hole"),
      checked(::link((root + "/plain").c_str(), (root + "/dir/second name").c_str()), "link",
              "second name"),
      checked(::symlink("../nowhere/\xff", (root + "/link").c_str()), "symlink", "link"),
      checked(::mkfifo((root + "/fifo").c_str(), 0640), "mkfifo", "fifo"),
      build_deep(root),
  });
}

Status build_as_root(const BytePath& root) {
  const std::string capability("\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  return all_of({
      checked(::mknod((root + "/device").c_str(), S_IFCHR | 0600, makedev(1, 3)), "mknod",
              "device"),
      checked(::lchown((root + "/link").c_str(), 1234, 4321), "chown", "link"),
      checked(::chown((root + "/empty").c_str(), 1000, 2000), "chown", "empty"),
      checked(::chmod((root + "/empty").c_str(), 06711), "chmod", "empty"),
      set_attribute(root + "/big", "security.capability", capability),
      set_attribute(root + "/plain", "trusted.secret", "t"),
  });
}

}  // namespace

Status put_file(const BytePath& path, const std::string& content, std::uint64_t offset) {
  auto file = open_file(path, O_WRONLY | O_CREAT, 0644);
  if (!file.ok()) return file.error();
  return write_all_at(file.value().get(), content, offset, path);
}

Result<std::string> get_file(const BytePath& path) {
  return read_file(path, kContentBytesMax);
}

Status build_rich_tree(const BytePath& root) {
  if (Status s = build_files(root); !s.ok()) return s;
  Status attributes = all_of({
      set_attribute(root + "/plain", "user.note", std::string("value\0x", 7)),
      set_attribute(root + "/dir", "user.directory", "d"),
      set_attribute(root + "/sparse", "system.posix_acl_access", acl_for_user_55()),
      set_attribute(root + "/dir", "system.posix_acl_default", acl_for_user_55()),
  });
  if (!attributes.ok()) return attributes;
  if (::geteuid() == 0) {
    if (Status s = build_as_root(root); !s.ok()) return s;
  }
  const timespec old[2] = {{1000000000, 123456789}, {999999999, 987654321}};
  for (const char* name : {"/plain", "/link", "/fifo", "/dir", "/sparse"}) {
    const BytePath path = root + name;
    Status set =
        checked(::utimensat(AT_FDCWD, path.c_str(), old, AT_SYMLINK_NOFOLLOW), "utimens", path);
    if (!set.ok()) return set;
  }
  return Ok{};
}

}  // namespace stillframe::testkit
