#include "writers/ese/instance/attachment_list.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace stillframe::ese {

void AttachmentList::set_recovering(std::vector<Attachment> attached, Lgpos checkpoint) {
  const std::lock_guard lock(mutex_);
  recovering_ = std::move(attached);
  checkpoint_ = checkpoint;
}

void AttachmentList::set_recovered() {
  const std::lock_guard lock(mutex_);
  recovering_.clear();
}

void AttachmentList::set_checkpoint(Lgpos checkpoint) {
  const std::lock_guard lock(mutex_);
  checkpoint_ = checkpoint;
}

Status AttachmentList::check_room(const Attachment& attachment) const {
  const std::lock_guard lock(mutex_);
  std::vector<Attachment> all{attachment};
  for (const Entry& entry : entries_) all.push_back(entry.attachment);
  std::array<std::byte, kAttachmentsBytes> bytes{};
  if (encode_attachments(all, bytes)) return Ok{};
  return Error(Errc::limit_reached,
               "a log's header has no room for the paths of so many databases; detach some, or use "
               "shorter paths");
}

AttachmentList::Entry* AttachmentList::find_last(Dbid dbid) {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(), [dbid](const Entry& entry) {
    return entry.attachment.entry.dbid == dbid;
  });
  return found == entries_.rend() ? nullptr : &*found;
}

void AttachmentList::attach(InstanceDatabase& database, Attachment attachment, Lgpos at) {
  const std::lock_guard lock(mutex_);
  attachment.entry.attach = at;
  entries_.push_back({std::move(attachment), &database, {}, false});
}

void AttachmentList::detach(Dbid dbid, Lgpos at) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find_last(dbid);
  entry->attachment = newest(*entry);
  entry->detached_at = at;
  entry->settled = false;
  entry->database = nullptr;
}

// Under the lock that begun() takes: the header says of the newest generation what it says.
Status AttachmentList::settle_attached(Dbid dbid, LogTime now) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find_last(dbid);
  Status dirty =
      entry->database->become_dirty(entry->attachment.entry.attach, generation_, created_, now);
  entry->settled = dirty.ok();
  return dirty;
}

void AttachmentList::settle_detached(Dbid dbid) {
  const std::lock_guard lock(mutex_);
  find_last(dbid)->settled = true;
}

std::vector<InstanceDatabase*> AttachmentList::databases() const {
  const std::lock_guard lock(mutex_);
  std::vector<InstanceDatabase*> all;
  for (const Entry& entry : entries_) {
    if (entry.attached() && entry.database != nullptr) all.push_back(entry.database);
  }
  return all;
}

InstanceDatabase* AttachmentList::find(const BytePath& path) const {
  for (InstanceDatabase* database : databases()) {
    if (database->path() == path) return database;
  }
  return nullptr;
}

bool AttachmentList::number_taken(Dbid dbid) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [dbid](const Entry& entry) {
    return entry.attachment.entry.dbid == dbid && (entry.attached() || !entry.settled);
  });
}

std::optional<Lgpos> AttachmentList::oldest_unsettled() const {
  const std::lock_guard lock(mutex_);
  std::optional<Lgpos> oldest;
  for (const Entry& entry : entries_) {
    if (entry.settled) continue;
    const Lgpos at = entry.attached() ? entry.attachment.entry.attach : entry.detached_at;
    if (!oldest || at < *oldest) oldest = at;
  }
  return oldest;
}

Attachment AttachmentList::newest(const Entry& entry) {
  Attachment attachment = entry.attachment;
  if (entry.database != nullptr) {
    attachment.entry.dbtime = std::max(attachment.entry.dbtime, entry.database->last_dbtime());
    attachment.entry.objid_last =
        std::max(attachment.entry.objid_last, entry.database->last_objid());
  }
  return attachment;
}

std::vector<Attachment> AttachmentList::at(Lgpos at) const {
  const std::lock_guard lock(mutex_);
  std::vector<Attachment> attached;
  for (const Entry& entry : entries_) {
    const bool before = entry.attachment.entry.attach < at;
    if (before && (entry.attached() || entry.detached_at >= at)) attached.push_back(newest(entry));
  }
  return attached;
}

void AttachmentList::forget_before(Lgpos at) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [at](const Entry& entry) {
    return !entry.attached() && entry.settled && entry.detached_at < at;
  });
}

Lgpos AttachmentList::checkpoint() {
  const std::lock_guard lock(mutex_);
  return checkpoint_;
}

std::vector<Attachment> AttachmentList::attachments() {
  const std::lock_guard lock(mutex_);
  std::vector<Attachment> attached = recovering_;
  for (const Entry& entry : entries_) {
    if (entry.attached()) attached.push_back(newest(entry));
  }
  return attached;
}

Status AttachmentList::begun(Generation generation, LogTime created) {
  const std::lock_guard lock(mutex_);
  generation_ = generation;
  created_ = created;
  if (tell_) tell_(generation);
  for (const Entry& entry : entries_) {
    if (!entry.attached() || entry.database == nullptr) continue;
    if (Status s = entry.database->begin_generation(generation, created); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe::ese
