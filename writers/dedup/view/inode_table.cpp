#include "writers/dedup/view/inode_table.hpp"

#include "framework/base/check.hpp"

namespace stillframe::dedup {

std::string Inode::path() const {
  return "/proc/self/fd/" + std::to_string(place.get());
}

Inode& InodeTable::look_up(Descriptor place, const struct stat& about) {
  auto& entry = inodes_[{about.st_dev, about.st_ino}];
  if (!entry) {
    entry = std::make_unique<Inode>();
    entry->place = std::move(place);
    entry->device = about.st_dev;
    entry->number = about.st_ino;
  }
  ++entry->lookups;
  return *entry;
}

void InodeTable::forget(Inode& inode, std::uint64_t lookups) {
  STILLFRAME_CHECK(inode.lookups >= lookups, "the kernel forgets what it was told");
  inode.lookups -= lookups;
  if (inode.lookups == 0 && inode.opened == 0) inodes_.erase({inode.device, inode.number});
}

const Inode* InodeTable::find(dev_t device, ino_t number) const {
  const auto found = inodes_.find({device, number});
  return found == inodes_.end() ? nullptr : found->second.get();
}

void InodeTable::for_each(const std::function<void(const Inode&)>& each) const {
  for (const auto& [key, inode] : inodes_) each(*inode);
}

Inode& InodeTable::set_root(Descriptor place, const struct stat& about) {
  root_ = &look_up(std::move(place), about);
  return *root_;
}

}  // namespace stillframe::dedup
