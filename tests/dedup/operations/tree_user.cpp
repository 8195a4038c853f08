#include "tests/dedup/operations/tree_user.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace stillframe::dedup::tests {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPoolBytes = 8 << 20;
constexpr std::size_t kUsualBytes = 200'000;
constexpr std::size_t kNames = 24;
constexpr const char* kFolders[] = {"", "one/", "one/two/"};
constexpr const char* kAttributes[] = {"user.a", "user.bb", "user.ccc"};

std::pair<std::int64_t, std::int64_t> in_order(const timespec& time) {
  return {time.tv_sec, time.tv_nsec};
}

std::size_t length_of(off_t bytes) {
  return static_cast<std::size_t>(bytes);
}

off_t offset_of(std::size_t bytes) {
  return static_cast<off_t>(bytes);
}

}  // namespace

const TreeUser::Kind TreeUser::kKinds[] = {
    {300, &TreeUser::write_little},  {20, &TreeUser::write_much},
    {1, &TreeUser::write_very_much}, {60, &TreeUser::append},
    {10, &TreeUser::write_mapped},   {30, &TreeUser::resize},
    {30, &TreeUser::punch},          {2, &TreeUser::sync},
    {280, &TreeUser::read},          {80, &TreeUser::look},
    {15, &TreeUser::set_times},      {15, &TreeUser::set_rights},
    {20, &TreeUser::set_attribute},  {10, &TreeUser::remove_attribute},
    {30, &TreeUser::read_attribute}, {30, &TreeUser::close},
    {25, &TreeUser::rename},         {12, &TreeUser::link},
    {20, &TreeUser::unlink},
};

TreeUser::TreeUser(std::string root, std::uint64_t seed)
    : root_(std::move(root)), random_(seed), seed_(seed), pool_(kPoolBytes) {
  for (std::byte& one : pool_) one = static_cast<std::byte>(random_());
  for (const char* folder : kFolders) fs::create_directories(at(folder));
}

std::string TreeUser::where() const {
  return "seed " + std::to_string(seed_) + ", operation " + std::to_string(operations_) + ", " +
         (now_.empty() ? "a file without a name" : now_);
}

const std::byte* TreeUser::some_bytes(std::size_t count) {
  return pool_.data() + below(pool_.size() - count + 1);
}

std::string TreeUser::some_name() {
  return kFolders[below(std::size(kFolders))] +
         std::string(1, static_cast<char>('a' + below(kNames / 3)));
}

void TreeUser::act() {
  static const unsigned all = [] {
    unsigned sum = 0;
    for (const Kind& kind : kKinds) sum += kind.weight;
    return sum;
  }();
  ++operations_;
  if (!nameless_.empty() && below(8) == 0) {
    now_.clear();
  } else {
    now_ = some_name();
    if (files_.count(now_) == 0) return make(now_);
  }
  const FileAt file = now_.empty() ? nameless_[below(nameless_.size())] : files_[now_];
  if (!file->open.valid()) {
    file->open = Descriptor(::open(at(now_).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(file->open.valid()) << where() << ": " << std::strerror(errno);
  }
  auto left = static_cast<unsigned>(below(all));
  const Kind* kind = kKinds;
  for (; left >= kind->weight; ++kind) left -= kind->weight;
  (this->*kind->act)(*file, now_);
}

void TreeUser::make(const std::string& name) {
  auto made = std::make_shared<ExpectedFile>();
  made->mode = static_cast<mode_t>(0400 + below(0400));
  ::timespec before{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &before);
  made->open =
      Descriptor(::open(at(name).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, made->mode));
  ASSERT_TRUE(made->open.valid()) << where() << ": " << std::strerror(errno);
  ASSERT_EQ(::fchmod(made->open.get(), made->mode), 0) << where();  // whatever the mask is
  made->written_after = before;
  made->names = 1;
  files_[name] = made;
  write(*made, 0, below(kUsualBytes));
}

// --- what is in a file

void TreeUser::note_written(ExpectedFile& file) {
  file.modified.reset();
}

void TreeUser::note_changed(ExpectedFile& file) {
  ::clock_gettime(CLOCK_REALTIME_COARSE, &file.changed_after);
}

void TreeUser::write(ExpectedFile& file, std::size_t offset, std::size_t count) {
  if (count == 0) return;
  const std::byte* from = some_bytes(count);
  ::clock_gettime(CLOCK_REALTIME_COARSE, &file.written_after);
  ASSERT_EQ(::pwrite(file.open.get(), from, count, offset_of(offset)), static_cast<ssize_t>(count))
      << where() << ": " << std::strerror(errno);
  note_written(file);
  if (file.bytes.size() < offset + count) file.bytes.resize(offset + count);
  std::copy_n(from, count, file.bytes.begin() + offset_of(offset));
}

void TreeUser::write_little(ExpectedFile& file, const std::string&) {
  write(file, below(file.bytes.size() + 100), 1 + below(700));
}

void TreeUser::write_much(ExpectedFile& file, const std::string&) {
  write(file, below(kUsualBytes), 1 + below(kUsualBytes));
}

void TreeUser::write_very_much(ExpectedFile& file, const std::string&) {
  write(file, below(4 << 20), 1 + below(4 << 20));
}

void TreeUser::append(ExpectedFile& file, const std::string&) {
  write(file, file.bytes.size(), 1 + below(3000));
}

void TreeUser::write_mapped(ExpectedFile& file, const std::string&) {
  if (file.bytes.empty()) return;
  const std::size_t count = file.bytes.size();
  void* at = ::mmap(nullptr, count, PROT_READ | PROT_WRITE, MAP_SHARED, file.open.get(), 0);
  ASSERT_NE(at, MAP_FAILED) << where() << ": " << std::strerror(errno);
  auto* mapped = static_cast<std::byte*>(at);
  for (int i = 0; i < 3; ++i) {
    const std::size_t offset = below(count);
    EXPECT_EQ(mapped[offset], file.bytes[offset]) << where() << ", mapped, at " << offset;
    mapped[offset] = file.bytes[offset] = static_cast<std::byte>(random_());
  }
  EXPECT_EQ(::msync(at, count, MS_SYNC), 0) << where();
  ASSERT_EQ(::munmap(at, count), 0) << where();
  // The kernel keeps a time of its own for a second, which is not the one of these pages.
  note_written(file);
  file.written_after = {};
}

void TreeUser::resize(ExpectedFile& file, const std::string&) {
  const std::size_t bytes = below(kUsualBytes);
  ::clock_gettime(CLOCK_REALTIME_COARSE, &file.written_after);
  ASSERT_EQ(::ftruncate(file.open.get(), offset_of(bytes)), 0)
      << where() << ": " << std::strerror(errno);
  if (bytes == file.bytes.size()) file.written_after = {};
  note_written(file);
  file.bytes.resize(bytes);
}

void TreeUser::punch(ExpectedFile& file, const std::string&) {
  if (file.bytes.empty()) return;
  const std::size_t offset = below(file.bytes.size());
  const std::size_t count = 1 + below(file.bytes.size() - offset);
  ASSERT_EQ(::fallocate(file.open.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        offset_of(offset), offset_of(count)),
            0)
      << where() << ": " << std::strerror(errno);
  std::fill_n(file.bytes.begin() + offset_of(offset), count, std::byte{0});
  note_written(file);
  file.written_after = {};  // what was a hole before may stay as it is
}

void TreeUser::sync(ExpectedFile& file, const std::string&) {
  ASSERT_EQ(::fsync(file.open.get()), 0) << where() << ": " << std::strerror(errno);
}

void TreeUser::read(ExpectedFile& file, const std::string&) {
  const std::size_t offset = below(file.bytes.size() + 100);
  const std::size_t count = below(8) == 0 ? kUsualBytes : below(5000);
  std::vector<std::byte> found(count);
  const ssize_t got = ::pread(file.open.get(), found.data(), count, offset_of(offset));
  ASSERT_GE(got, 0) << where() << ": " << std::strerror(errno);
  found.resize(length_of(got));
  const std::size_t begin = std::min(offset, file.bytes.size());
  const std::size_t expected = std::min(count, file.bytes.size() - begin);
  ASSERT_EQ(found.size(), expected) << where() << ", at " << offset;
  ASSERT_TRUE(std::equal(found.begin(), found.end(), file.bytes.begin() + offset_of(begin)))
      << where() << ", " << count << " bytes at " << offset << " of " << file.bytes.size();
}

// --- what is told of a file

void TreeUser::check(const ExpectedFile& file, const struct stat& about) {
  ASSERT_EQ(length_of(about.st_size), file.bytes.size()) << where();
  ASSERT_EQ(about.st_mode, S_IFREG | file.mode) << where();
  ASSERT_EQ(about.st_uid, file.user) << where();
  ASSERT_EQ(about.st_gid, file.group) << where();
  ASSERT_EQ(about.st_nlink, file.names) << where();
  ASSERT_GE(in_order(about.st_ctim), in_order(file.changed_after)) << where();
  if (file.modified) {
    ASSERT_EQ(in_order(about.st_mtim), in_order(*file.modified)) << where();
  } else {
    ASSERT_GE(in_order(about.st_mtim), in_order(file.written_after)) << where();
  }
}

void TreeUser::look(ExpectedFile& file, const std::string&) {
  struct stat about {};
  ASSERT_EQ(::fstat(file.open.get(), &about), 0) << where();
  check(file, about);
  if (in_order(file.written_after) != std::pair<std::int64_t, std::int64_t>(0, 0)) {
    file.modified = about.st_mtim;
  }
}

void TreeUser::set_times(ExpectedFile& file, const std::string&) {
  const timespec time{static_cast<time_t>(1'000'000'000 + below(500'000'000)),
                      static_cast<long>(below(1'000'000'000))};
  const timespec times[2] = {time, time};
  ASSERT_EQ(::futimens(file.open.get(), times), 0) << where();
  file.modified = file.written_after = time;
}

void TreeUser::set_rights(ExpectedFile& file, const std::string&) {
  note_changed(file);
  file.mode = static_cast<mode_t>(below(01000));
  ASSERT_EQ(::fchmod(file.open.get(), file.mode), 0) << where();
  file.user = static_cast<uid_t>(below(3) * 1000);
  file.group = static_cast<gid_t>(below(3) * 1000);
  ASSERT_EQ(::fchown(file.open.get(), file.user, file.group), 0) << where();
}

void TreeUser::set_attribute(ExpectedFile& file, const std::string&) {
  const char* name = kAttributes[below(std::size(kAttributes))];
  const std::string value(below(100), static_cast<char>('a' + below(26)));
  note_changed(file);
  ASSERT_EQ(::fsetxattr(file.open.get(), name, value.data(), value.size(), 0), 0)
      << where() << ": " << std::strerror(errno);
  file.attributes[name] = value;
}

void TreeUser::remove_attribute(ExpectedFile& file, const std::string&) {
  const char* name = kAttributes[below(std::size(kAttributes))];
  const int expected = file.attributes.erase(name) > 0 ? 0 : -1;
  ASSERT_EQ(::fremovexattr(file.open.get(), name), expected) << where() << " " << name;
  if (expected != 0) {
    ASSERT_EQ(errno, ENODATA) << where();
  }
}

void TreeUser::read_attribute(ExpectedFile& file, const std::string&) {
  const char* name = kAttributes[below(std::size(kAttributes))];
  char value[256];
  const ssize_t got = ::fgetxattr(file.open.get(), name, value, sizeof value);
  const auto there = file.attributes.find(name);
  if (there == file.attributes.end()) {
    ASSERT_EQ(got, -1) << where() << " " << name;
    return;
  }
  ASSERT_GE(got, 0) << where() << " " << name << ": " << std::strerror(errno);
  ASSERT_EQ(std::string(value, static_cast<std::size_t>(got)), there->second) << where();
}

// --- names

// Closing is what lets a job at a file, so that it happens now and then.
void TreeUser::close(ExpectedFile& file, const std::string&) {
  file.open.reset();
  const auto gone = [&](const FileAt& one) { return one.get() == &file; };
  nameless_.erase(std::remove_if(nameless_.begin(), nameless_.end(), gone), nameless_.end());
}

void TreeUser::close_all() {
  for (auto& [name, file] : files_) file->open.reset();
  nameless_.clear();
}

void TreeUser::forget_name(const std::string& name) {
  const auto there = files_.find(name);
  if (there == files_.end()) return;
  if (--there->second->names == 0 && there->second->open.valid()) {
    nameless_.push_back(there->second);
  }
  files_.erase(there);
}

void TreeUser::rename(ExpectedFile&, const std::string& name) {
  if (name.empty()) return;
  const std::string to = some_name();
  ASSERT_EQ(::rename(at(name).c_str(), at(to).c_str()), 0) << where() << " to " << to;
  const FileAt moved = files_[name];
  const auto there = files_.find(to);
  if (there != files_.end() && there->second == moved) return;  // two names of it: both stay
  forget_name(to);
  files_.erase(name);
  files_[to] = moved;
}

void TreeUser::link(ExpectedFile&, const std::string& name) {
  const std::string to = some_name();
  if (name.empty()) return;
  const bool possible = files_.count(to) == 0;
  if (possible) note_changed(*files_[name]);
  ASSERT_EQ(::link(at(name).c_str(), at(to).c_str()), possible ? 0 : -1) << where() << " " << to;
  if (!possible) {
    ASSERT_EQ(errno, EEXIST) << where();
    return;
  }
  files_[to] = files_[name];
  ++files_[to]->names;
}

void TreeUser::unlink(ExpectedFile&, const std::string& name) {
  if (name.empty()) return;
  ASSERT_EQ(::unlink(at(name).c_str()), 0) << where() << ": " << std::strerror(errno);
  forget_name(name);
}

// --- all of it

void TreeUser::check_attributes(const ExpectedFile& file, const std::string& name) {
  char names[256];
  const ssize_t got = ::listxattr(at(name).c_str(), names, sizeof names);
  ASSERT_GE(got, 0) << where() << ": " << std::strerror(errno);
  std::set<std::string> found, expected;
  for (ssize_t i = 0; i < got; i += static_cast<ssize_t>(std::strlen(names + i)) + 1) {
    found.insert(names + i);
  }
  for (const auto& [attribute, value] : file.attributes) expected.insert(attribute);
  ASSERT_EQ(found, expected) << where();
}

void TreeUser::check_everything() {
  std::set<std::string> found, expected;
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    if (!entry.is_directory()) found.insert(fs::relative(entry.path(), root_));
  }
  for (const auto& [name, file] : files_) expected.insert(name);
  ASSERT_EQ(found, expected) << where();
  for (const auto& [name, file] : files_) {
    now_ = name;
    const Descriptor open(::open(at(name).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(open.valid()) << where() << ": " << std::strerror(errno);
    struct stat about {};
    ASSERT_EQ(::fstat(open.get(), &about), 0) << where();
    check(*file, about);
    std::vector<std::byte> bytes(file->bytes.size());
    ASSERT_EQ(::pread(open.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()))
        << where();
    ASSERT_TRUE(bytes == file->bytes) << where() << ", the whole of it";
    check_attributes(*file, name);
  }
}

}  // namespace stillframe::dedup::tests
