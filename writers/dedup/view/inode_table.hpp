// The files that the kernel has asked the view for. Each inode of the file system below is one
// entry, whatever names it has, so a deduplicated file is never open twice.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <sys/stat.h>
#include <sys/types.h>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "writers/dedup/volume/dedup_file.hpp"

namespace stillframe::dedup {

struct Inode {
  Descriptor place;  // O_PATH: keeps it, also when its last name is gone
  dev_t device = 0;
  ino_t number = 0;
  std::uint64_t lookups = 0;        // that the kernel has not forgotten
  std::uint64_t opened = 0;         // handles
  std::uint64_t writers = 0;        // of these, those that may write
  std::unique_ptr<DedupFile> file;  // while it is open, or is being changed

  // For calls that take a path and follow it: to this inode, whatever its name.
  std::string path() const;
};

class InodeTable {
 public:
  // The entry for this inode, one look-up more. Takes the descriptor if it is new.
  Inode& look_up(Descriptor place, const struct stat& about);
  void forget(Inode& inode, std::uint64_t lookups);
  // As look_up() counts, so for ever.
  Inode& set_root(Descriptor place, const struct stat& about);
  Inode& root() { return *root_; }
  bool is_root(const Inode& inode) const { return &inode == root_; }
  std::size_t size() const { return inodes_.size(); }
  const Inode* find(dev_t device, ino_t number) const;
  void for_each(const std::function<void(const Inode&)>& each) const;

 private:
  std::map<std::pair<dev_t, ino_t>, std::unique_ptr<Inode>> inodes_;
  Inode* root_ = nullptr;
};

}  // namespace stillframe::dedup
