#include "writers/ese/engine/version_store.hpp"

#include <algorithm>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kVersionOverhead = 160;  // what a version costs beside its bytes, roughly
constexpr std::size_t kSlotsMin = 16;

std::uint64_t hash_of(const NodeName& node) {
  const std::string_view bytes(reinterpret_cast<const char*>(node.bookmark.data()),
                               node.bookmark.size());
  const auto tree = std::uint64_t{static_cast<std::uint32_t>(node.tree)} << 8 |
                    static_cast<std::uint8_t>(node.db);
  return std::hash<std::string_view>{}(bytes) ^ tree * 0x9E3779B97F4A7C15;
}

// Whether the page alone does not say what undoes it.
bool is_pending(const Change& change) {
  return change.oper == VersionOper::replace || change.oper == VersionOper::flag_delete;
}

void subtract(const Change& change, std::vector<std::byte>& data) {
  STILLFRAME_CHECK(change.offset + change.width <= data.size(), "a delta outside of its data");
  std::byte* at = data.data() + change.offset;
  if (change.width == sizeof(std::int64_t)) {
    store_le(at, load_le<std::uint64_t>(at) - static_cast<std::uint64_t>(change.delta));
  } else {
    store_le(at, load_le<std::uint32_t>(at) - static_cast<std::uint32_t>(change.delta));
  }
}

void undo(const Change& change, NodeState& state) {
  switch (change.oper) {
    case VersionOper::insert:
      state.there = false;
      return;
    case VersionOper::flag_delete:
      state.there = true;
      return;
    case VersionOper::replace:
      state.data = change.old_data;
      return;
    case VersionOper::delta:
      subtract(change, state.data);
      return;
  }
}

Error write_conflict(const TransactionState& other) {
  return ese_error(EseErr::write_conflict,
                   std::string("the record was changed by ") +
                       (other.committed() ? "a transaction that committed after this one began"
                                          : "another transaction that has not ended") +
                       "; roll back and try again");
}

}  // namespace

struct VersionStore::Version {
  Version* next = nullptr;  // in its slot
  Version* made_before = nullptr;
  Version* made_after = nullptr;
  std::uint64_t hash = 0;
  Dbid db{};
  Objid tree = Objid::null;
  std::size_t bookmark_bytes = 0;
  Rceid rceid{};
  Change change;
  std::shared_ptr<TransactionState> by;  // shared with the session and with its other versions
  Lgpos undo_info;                       // where the log holds what undoes it

  std::byte* bookmark_at() { return reinterpret_cast<std::byte*>(this + 1); }
  Bytes bookmark() const { return {reinterpret_cast<const std::byte*>(this + 1), bookmark_bytes}; }
  bool is_of(std::uint64_t other, const NodeName& node) const {
    return hash == other && db == node.db && tree == node.tree &&
           bookmark_bytes == node.bookmark.size() &&
           std::equal(node.bookmark.begin(), node.bookmark.end(), bookmark().begin());
  }
  Settled settled() const { return {db, tree, {bookmark().begin(), bookmark().end()}}; }
  std::size_t cost() const { return kVersionOverhead + bookmark_bytes + change.old_data.size(); }
};

void VersionStore::Delete::operator()(Version* version) const noexcept {
  version->~Version();
  ::operator delete(version);
}

VersionStore::Owned VersionStore::make(const NodeName& node, Change change,
                                       std::shared_ptr<TransactionState> by) {
  void* memory = ::operator new(sizeof(Version) + node.bookmark.size());
  Owned version(new (memory) Version);
  version->hash = hash_of(node);
  version->db = node.db;
  version->tree = node.tree;
  version->bookmark_bytes = node.bookmark.size();
  std::copy(node.bookmark.begin(), node.bookmark.end(), version->bookmark_at());
  version->change = std::move(change);
  version->by = std::move(by);
  return version;
}

VersionStore::~VersionStore() {
  while (oldest_ != nullptr) Owned(std::exchange(oldest_, oldest_->made_after));
}

// ---- By node

void VersionStore::Bucket::put(Version& version) {
  if (versions >= slots.size()) grow();
  Version*& slot = slots[version.hash / kBuckets % slots.size()];
  version.next = slot;
  slot = &version;
  ++versions;
}

// From the back of each list, so that its order stays.
void VersionStore::Bucket::grow() {
  std::vector<Version*> old(std::max(kSlotsMin, 2 * slots.size()));
  old.swap(slots);
  std::vector<Version*> list;
  for (Version* version : old) {
    list.clear();
    for (; version != nullptr; version = version->next) list.push_back(version);
    for (std::size_t i = list.size(); i-- > 0;) {
      Version*& slot = slots[list[i]->hash / kBuckets % slots.size()];
      list[i]->next = slot;
      slot = list[i];
    }
  }
}

VersionStore::Version* VersionStore::Bucket::find(std::uint64_t hash,
                                                  const NodeName& node) const noexcept {
  if (slots.empty()) return nullptr;
  Version* version = slots[hash / kBuckets % slots.size()];
  while (version != nullptr && !version->is_of(hash, node)) version = version->next;
  return version;
}

VersionStore::Version* VersionStore::Bucket::older(const Version& version,
                                                   const NodeName& node) noexcept {
  Version* next = version.next;
  while (next != nullptr && !next->is_of(version.hash, node)) next = next->next;
  return next;
}

bool VersionStore::Bucket::take(Version& version) {
  Version** link = &slots[version.hash / kBuckets % slots.size()];
  while (*link != &version) link = &(*link)->next;
  *link = version.next;
  --versions;
  return find(version.hash, {version.db, version.tree, version.bookmark()}) == nullptr;
}

template <class Visit>
void VersionStore::visit(const NodeName& node, const Visit& visit) const {
  if (none()) return;
  const std::uint64_t hash = hash_of(node);
  const Bucket& bucket = bucket_of(hash);
  const std::lock_guard lock(bucket.mutex);
  for (Version* version = bucket.find(hash, node); version != nullptr;
       version = Bucket::older(*version, node)) {
    if (visit(*version)) return;
  }
}

Status VersionStore::may_change(const NodeName& node, VersionOper oper,
                                const TransactionState& writer) const {
  Status may = Ok{};
  visit(node, [&](const Version& version) {
    const bool both_add = oper == VersionOper::delta && version.change.oper == oper;
    if (both_add || version.by->seen_by(writer)) return false;
    may = write_conflict(*version.by);
    return true;
  });
  return may;
}

Result<Rceid> VersionStore::add(const NodeName& node, Change change,
                                std::shared_ptr<TransactionState> by) {
  Owned version = make(node, std::move(change), std::move(by));
  {
    const std::lock_guard lock(made_mutex_);
    const std::size_t cost = version->cost();
    if (bytes_ + cost > bytes_max_) {
      return ese_error(EseErr::version_store_out_of_memory,
                       "the version store is full with " + std::to_string(bytes_) +
                           " bytes; end long transactions, or make it larger");
    }
    bytes_ += cost;
    versions_.fetch_add(1, std::memory_order_relaxed);
    if (is_pending(version->change)) pending_.fetch_add(1, std::memory_order_relaxed);
    version->rceid = Rceid{next_rceid_};
    next_rceid_ = next_rceid_ + 1 == 0 ? 1 : next_rceid_ + 1;
    version->made_before = newest_;
    (newest_ == nullptr ? oldest_ : newest_->made_after) = version.get();
    newest_ = version.get();
  }
  Version& made = *version.release();  // the list's from here on
  Bucket& bucket = bucket_of(made.hash);
  const std::lock_guard lock(bucket.mutex);
  bucket.put(made);
  return made.rceid;
}

// From the newest back. Below a change that the reader sees there are only deltas it may not see:
// any other change on top of an unseen one would have been a conflict.
void VersionStore::show_to(const TransactionState& reader, const NodeName& node,
                           NodeState& state) const {
  visit(node, [&](const Version& version) {
    if (version.by->seen_by(reader)) return version.change.oper != VersionOper::delta;
    undo(version.change, state);
    return false;
  });
}

Result<Change> VersionStore::find(const NodeName& node, Rceid rceid) const {
  std::optional<Change> found;
  visit(node, [&](const Version& version) {
    if (version.rceid == rceid) found = version.change;
    return found.has_value();
  });
  if (found) return std::move(*found);
  return Error(Errc::not_found, "no version has this number");
}

void VersionStore::forget(const NodeName& node, Rceid rceid) {
  const std::uint64_t hash = hash_of(node);
  Bucket& bucket = bucket_of(hash);
  Owned gone;
  bool last = false;
  {
    const std::lock_guard lock(bucket.mutex);
    Version* version = bucket.find(hash, node);
    while (version != nullptr && version->rceid != rceid) version = Bucket::older(*version, node);
    if (version == nullptr) return;
    last = bucket.take(*version);
    gone.reset(version);
  }
  const std::lock_guard lock(made_mutex_);
  if (last) undone_.push_back(gone->settled());
  forget_made(*gone);
}

// With made_mutex_ held.
void VersionStore::forget_made(Version& version) {
  Version* const before = version.made_before;
  Version* const after = version.made_after;
  (before == nullptr ? oldest_ : before->made_after) = after;
  (after == nullptr ? newest_ : after->made_before) = before;
  versions_.fetch_sub(1, std::memory_order_relaxed);
  if (is_pending(version.change)) pending_.fetch_sub(1, std::memory_order_relaxed);
  bytes_ -= version.cost();
}

std::size_t VersionStore::count(const NodeName& node) const {
  std::size_t count = 0;
  visit(node, [&](const Version&) {
    ++count;
    return false;
  });
  return count;
}

std::size_t VersionStore::bytes_for_undo(const NodeName& node, std::size_t data_bytes) const {
  std::size_t most = data_bytes;
  visit(node, [&](const Version& version) {
    if (version.change.oper == VersionOper::replace && !version.by->committed()) {
      most = std::max(most, version.change.old_data.size());
    }
    return false;
  });
  return most - data_bytes;
}

std::vector<VersionStore::Pending> VersionStore::pending(const NodeName& node) const {
  std::vector<Pending> found;
  visit(node, [&](const Version& version) {
    if (is_pending(version.change))
      found.push_back({version.rceid, version.change, version.by, version.undo_info});
    return false;
  });
  std::reverse(found.begin(), found.end());
  return found;
}

void VersionStore::set_undo_info(const NodeName& node, Rceid rceid, Lgpos at) {
  visit(node, [&](Version& version) {
    if (version.rceid == rceid) version.undo_info = at;
    return version.rceid == rceid;
  });
}

// ---- All of them

std::vector<VersionStore::Settled> VersionStore::purge(Trx oldest, std::size_t most) {
  std::vector<Owned> done;
  std::vector<Settled> settled;
  {
    const std::lock_guard lock(made_mutex_);
    settled.swap(undone_);
    for (Version* version = oldest_; version != nullptr && done.size() < most;) {
      Version* const next = version->made_after;
      if (version->by->committed() && before(version->by->committed_at(), oldest)) {
        forget_made(*version);
        done.emplace_back(version);
      }
      version = next;
    }
  }
  for (const Owned& version : done) {
    Bucket& bucket = bucket_of(version->hash);
    const std::lock_guard lock(bucket.mutex);
    const bool last = bucket.take(*version);
    // Whatever else came last left the node alive.
    if (last && version->change.oper == VersionOper::flag_delete) {
      settled.push_back(version->settled());
    }
  }
  return settled;
}

std::size_t VersionStore::bytes() const {
  const std::lock_guard lock(made_mutex_);
  return bytes_;
}

std::size_t VersionStore::versions_of(Dbid db) const {
  const std::lock_guard lock(made_mutex_);
  std::size_t count = 0;
  for (const Version* version = oldest_; version != nullptr; version = version->made_after) {
    if (version->db == db) ++count;
  }
  return count;
}

std::size_t VersionStore::versions() const {
  return versions_.load(std::memory_order_relaxed);
}

}  // namespace stillframe::ese
