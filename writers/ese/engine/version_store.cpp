#include "writers/ese/engine/version_store.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kNamePrefix = sizeof(Dbid) + sizeof(Objid);
constexpr std::size_t kVersionOverhead = 160;  // what a version costs beside its bytes, roughly

std::string name_of(const NodeName& node) {
  std::string name(kNamePrefix, '\0');
  std::memcpy(name.data(), &node.db, sizeof node.db);
  std::memcpy(name.data() + sizeof node.db, &node.tree, sizeof node.tree);
  name.append(reinterpret_cast<const char*>(node.bookmark.data()), node.bookmark.size());
  return name;
}

VersionStore::Settled settled_of(const std::string& name) {
  VersionStore::Settled settled;
  std::memcpy(&settled.db, name.data(), sizeof settled.db);
  std::memcpy(&settled.tree, name.data() + sizeof settled.db, sizeof settled.tree);
  const auto* bytes = reinterpret_cast<const std::byte*>(name.data());
  settled.bookmark.assign(bytes + kNamePrefix, bytes + name.size());
  return settled;
}

std::size_t cost_of(const std::string& name, const Change& change) {
  return kVersionOverhead + name.size() + change.old_data.size();
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

Status VersionStore::may_change(const NodeName& node, VersionOper oper,
                                const TransactionState& writer) const {
  const std::string name = name_of(node);
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  const auto found = bucket.chains.find(name);
  if (found == bucket.chains.end()) return Ok{};
  for (const Version& version : found->second) {
    const bool both_add = oper == VersionOper::delta && version.change.oper == oper;
    if (!both_add && !version.by->seen_by(writer)) return write_conflict(*version.by);
  }
  return Ok{};
}

Result<Rceid> VersionStore::add(const NodeName& node, Change change,
                                std::shared_ptr<TransactionState> by) {
  const std::string name = name_of(node);
  Rceid rceid{};
  {
    const std::lock_guard lock(made_mutex_);
    const std::size_t cost = cost_of(name, change);
    if (bytes_ + cost > bytes_max_) {
      return ese_error(EseErr::version_store_out_of_memory,
                       "the version store is full with " + std::to_string(bytes_) +
                           " bytes; end long transactions, or make it larger");
    }
    bytes_ += cost;
    rceid = Rceid{next_rceid_};
    next_rceid_ = next_rceid_ + 1 == 0 ? 1 : next_rceid_ + 1;
    made_.push_back({name, rceid, by});
  }
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  bucket.chains[name].push_back({rceid, std::move(change), std::move(by), {}});
  return rceid;
}

// From the newest back. Below a change that the reader sees there are only deltas it may not see:
// any other change on top of an unseen one would have been a conflict.
void VersionStore::show_to(const TransactionState& reader, const NodeName& node,
                           NodeState& state) const {
  const std::string name = name_of(node);
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  const auto found = bucket.chains.find(name);
  if (found == bucket.chains.end()) return;
  for (auto version = found->second.rbegin(); version != found->second.rend(); ++version) {
    if (!version->by->seen_by(reader)) {
      undo(version->change, state);
    } else if (version->change.oper != VersionOper::delta) {
      return;
    }
  }
}

Result<Change> VersionStore::find(const NodeName& node, Rceid rceid) const {
  const std::string name = name_of(node);
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  if (const auto found = bucket.chains.find(name); found != bucket.chains.end()) {
    for (const Version& version : found->second) {
      if (version.rceid == rceid) return version.change;
    }
  }
  return Error(Errc::not_found, "no version has this number");
}

void VersionStore::forget(const NodeName& node, Rceid rceid) {
  const std::string name = name_of(node);
  const bool last = drop(name, rceid);
  const std::lock_guard lock(made_mutex_);
  if (last) undone_.push_back(settled_of(name));
  const auto made = std::find_if(made_.rbegin(), made_.rend(),
                                 [&](const Made& each) { return each.rceid == rceid; });
  if (made != made_.rend()) made_.erase(std::next(made).base());
}

std::size_t VersionStore::count(const NodeName& node) const {
  const std::string name = name_of(node);
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  const auto found = bucket.chains.find(name);
  return found == bucket.chains.end() ? 0 : found->second.size();
}

std::size_t VersionStore::bytes_for_undo(const NodeName& node, std::size_t data_bytes) const {
  const std::string name = name_of(node);
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  const auto found = bucket.chains.find(name);
  if (found == bucket.chains.end()) return 0;
  std::size_t most = data_bytes;
  for (const Version& version : found->second) {
    if (version.change.oper != VersionOper::replace || version.by->committed()) continue;
    most = std::max(most, version.change.old_data.size());
  }
  return most - data_bytes;
}

std::vector<VersionStore::Pending> VersionStore::pending(const NodeName& node) const {
  const std::string name = name_of(node);
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  std::vector<Pending> found_pending;
  const auto found = bucket.chains.find(name);
  if (found == bucket.chains.end()) return found_pending;
  for (const Version& version : found->second) {
    const bool needs = version.change.oper == VersionOper::replace ||
                       version.change.oper == VersionOper::flag_delete;
    if (!needs) continue;
    found_pending.push_back({version.rceid, version.change, version.by, version.undo_info});
  }
  return found_pending;
}

void VersionStore::set_undo_info(const NodeName& node, Rceid rceid, Lgpos at) {
  const std::string name = name_of(node);
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  const auto found = bucket.chains.find(name);
  if (found == bucket.chains.end()) return;
  for (Version& version : found->second) {
    if (version.rceid == rceid) version.undo_info = at;
  }
}

std::vector<VersionStore::Settled> VersionStore::purge(Trx oldest, std::size_t most) {
  std::vector<Made> done;
  std::vector<Settled> settled;
  {
    const std::lock_guard lock(made_mutex_);
    settled.swap(undone_);
    std::deque<Made> kept;
    for (Made& made : made_) {
      const bool old = made.by->committed() && before(made.by->committed_at(), oldest);
      if (old && done.size() < most) {
        done.push_back(std::move(made));
      } else {
        kept.push_back(std::move(made));
      }
    }
    made_ = std::move(kept);
  }
  for (const Made& made : done) {
    if (drop(made.name, made.rceid)) settled.push_back(settled_of(made.name));
  }
  return settled;
}

bool VersionStore::drop(const std::string& name, Rceid rceid) {
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(bucket.mutex);
  const auto found = bucket.chains.find(name);
  if (found == bucket.chains.end()) return false;
  Chain& chain = found->second;
  const auto version = std::find_if(chain.begin(), chain.end(),
                                    [&](const Version& each) { return each.rceid == rceid; });
  if (version == chain.end()) return false;
  {
    const std::lock_guard sizes(made_mutex_);
    bytes_ -= cost_of(name, version->change);
  }
  chain.erase(version);
  if (!chain.empty()) return false;
  bucket.chains.erase(found);
  return true;
}

VersionStore::Bucket& VersionStore::bucket_of(const std::string& name) const {
  return buckets_[std::hash<std::string>{}(name) % kBuckets];
}

std::size_t VersionStore::bytes() const {
  const std::lock_guard lock(made_mutex_);
  return bytes_;
}

std::size_t VersionStore::versions_of(Dbid db) const {
  const std::lock_guard lock(made_mutex_);
  return static_cast<std::size_t>(std::count_if(made_.begin(), made_.end(), [db](const Made& made) {
    return settled_of(made.name).db == db;
  }));
}

std::size_t VersionStore::versions() const {
  const std::lock_guard lock(made_mutex_);
  return made_.size();
}

}  // namespace stillframe::ese
