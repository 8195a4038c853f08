// The requests of the kernel, each answered by one function. One thread at a time.
#pragma once

#define FUSE_USE_VERSION 314
#include <functional>
#include <set>
#include <string>
#include <utility>

#include <fuse_lowlevel.h>

#include "writers/dedup/view/inode_table.hpp"
#include "writers/dedup/view/turn_mutex.hpp"
#include "writers/dedup/view/view.hpp"

namespace stillframe::dedup {

class Operations {
 public:
  Operations(VolumeParts volume, std::function<void(const Error&)> report, ViewAccess access)
      : volume_(volume), report_(std::move(report)), access_(access) {}

  InodeTable& inodes() { return inodes_; }
  const InodeTable& inodes() const { return inodes_; }
  TurnMutex& mutex() { return mutex_; }
  static const fuse_lowlevel_ops& table();
  static const fuse_lowlevel_ops& reading_table();
  bool reads_only() const { return access_ == ViewAccess::read_only; }

  // The errno for whoever asked; the whole error goes where the volume's operator reads it.
  int told(const Error& error, const Inode& inode) const;
  // 0, or an errno. The inode's file is open afterwards.
  int open_dedup(Inode& inode);
  // What nobody has open any more is made durable and closed.
  int close_if_unused(Inode& inode);
  Result<Inode*> find(const std::string& path);  // one look-up more
  // Of the files that are open, or that somebody can open though they have no name.
  Result<std::set<FileId>> in_use() const;
  // Syncs the files that have something to tell the table; the first error, after all of them.
  Status settle();

 private:
  friend struct Requests;

  Inode& inode(fuse_ino_t number);
  int look_up(Inode& parent, const char* name, fuse_entry_param& entry);
  bool hides(const Inode& parent, const char* name) const;
  // What users see of a file, from what it is below: the ctime that optimizing moved and they did
  // not; and of a snapshot the size.
  void show(const Inode& inode, struct stat& about) const;
  const FileRecord* record_of(const Inode& inode) const;
  int resize(Inode& inode, off_t bytes);
  int own(Inode& parent, const char* name, const fuse_ctx& who);

  VolumeParts volume_;
  const std::function<void(const Error&)> report_;
  const ViewAccess access_;
  InodeTable inodes_;
  TurnMutex mutex_;
};

}  // namespace stillframe::dedup
