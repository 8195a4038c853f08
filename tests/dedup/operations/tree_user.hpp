// A user of a tree of files who does what comes to his mind, one system call after the other, and
// knows what each of them has to show.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <stillframe/descriptor.hpp>

namespace stillframe::dedup::tests {

// A file as it has to be, whatever its names are.
struct ExpectedFile {
  std::vector<std::byte> bytes;
  mode_t mode = 0644;
  uid_t user = 0;
  gid_t group = 0;
  std::map<std::string, std::string> attributes;
  nlink_t names = 0;
  // When it was written to last: exactly, if that was seen or set; else not before `written_after`.
  std::optional<timespec> modified;
  timespec written_after{};
  // Its ctime is not before that, whatever jobs do. Not what was seen of it: when a name goes, the
  // kernel shows a time of its own for a second, which is some milliseconds later.
  timespec changed_after{};
  Descriptor open;  // the user's, who keeps files open for some time
};

// All checks are GoogleTest's; whoever calls looks whether one of them failed for good.
class TreeUser {
 public:
  // `root` is an empty folder.
  TreeUser(std::string root, std::uint64_t seed);

  void act();
  std::uint64_t operations() const { return operations_; }
  // Whole files, and that there are no others. Opens none for writing.
  void check_everything();
  void close_all();

 private:
  using FileAt = std::shared_ptr<ExpectedFile>;  // its names share it
  struct Kind {
    unsigned weight;
    void (TreeUser::*act)(ExpectedFile& file, const std::string& name);
  };
  static const Kind kKinds[];

  void make(const std::string& name);
  void write_little(ExpectedFile& file, const std::string& name);
  void write_much(ExpectedFile& file, const std::string& name);
  void write_very_much(ExpectedFile& file, const std::string& name);
  void append(ExpectedFile& file, const std::string& name);
  void write_mapped(ExpectedFile& file, const std::string& name);
  void resize(ExpectedFile& file, const std::string& name);
  void punch(ExpectedFile& file, const std::string& name);
  void sync(ExpectedFile& file, const std::string& name);
  void read(ExpectedFile& file, const std::string& name);
  void look(ExpectedFile& file, const std::string& name);
  void set_times(ExpectedFile& file, const std::string& name);
  void set_rights(ExpectedFile& file, const std::string& name);
  void set_attribute(ExpectedFile& file, const std::string& name);
  void remove_attribute(ExpectedFile& file, const std::string& name);
  void read_attribute(ExpectedFile& file, const std::string& name);
  void close(ExpectedFile& file, const std::string& name);
  void rename(ExpectedFile& file, const std::string& name);
  void link(ExpectedFile& file, const std::string& name);
  void unlink(ExpectedFile& file, const std::string& name);

  void write(ExpectedFile& file, std::size_t offset, std::size_t count);
  void forget_name(const std::string& name);
  void note_written(ExpectedFile& file);
  void note_changed(ExpectedFile& file);  // before its attributes or names are
  void check(const ExpectedFile& file, const struct stat& about);
  void check_attributes(const ExpectedFile& file, const std::string& name);
  // What is written: bytes that other files have as well, so that there is something to share.
  const std::byte* some_bytes(std::size_t count);
  std::string some_name();
  std::string at(const std::string& name) const { return root_ + "/" + name; }
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  std::string where() const;

  const std::string root_;
  std::mt19937_64 random_;
  const std::uint64_t seed_;
  std::uint64_t operations_ = 0;
  std::string now_;  // the name of the file that is used
  std::vector<std::byte> pool_;
  std::map<std::string, FileAt> files_;
  std::vector<FileAt> nameless_;  // which are open
};

}  // namespace stillframe::dedup::tests
