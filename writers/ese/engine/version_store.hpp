// What nodes were before transactions that others may not see yet. The pages hold the newest state
// of every node; a reader that must not see it asks here for the one it may see.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/transaction.hpp"
#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

// A node by its tree and bookmark: the key, and in trees with equal keys the data behind it. Splits
// move nodes between pages, so a page number would not do.
struct NodeName {
  Dbid db{};
  Objid tree = Objid::null;
  Bytes bookmark;
};

enum class VersionOper : std::uint16_t {
  insert = 1,
  replace = 2,
  flag_delete = 3,
  delta = 4,  // adds to an integer inside the data; several transactions may do so at a time
};

// One change of one node, with what undoes it.
struct Change {
  VersionOper oper = VersionOper::insert;
  std::vector<std::byte> old_data;  // replace
  std::int64_t delta = 0;           // delta: what was added,
  std::uint16_t offset = 0;         // where in the data,
  std::uint8_t width = 4;           // and to how many bytes
};

// A node as a reader sees it.
struct NodeState {
  bool there = false;
  std::vector<std::byte> data;
};

class VersionStore {
 public:
  explicit VersionStore(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  ~VersionStore();
  VersionStore(const VersionStore&) = delete;
  VersionStore& operator=(const VersionStore&) = delete;

  // Whether `writer` may change the node now. WriteConflict if another transaction has changed it
  // and `writer` does not see that change; deltas do not conflict with each other.
  Status may_change(const NodeName& node, VersionOper oper, const TransactionState& writer) const;

  // Notes a change, after may_change() said yes and before the node's page is given back: the
  // page's latch is what keeps others from changing the node in between. VersionStoreOutOfMemory at
  // the limit.
  Result<Rceid> add(const NodeName& node, Change change, std::shared_ptr<TransactionState> by);

  // Turns the state on the page, `state`, into the one that `reader` sees.
  void show_to(const TransactionState& reader, const NodeName& node, NodeState& state) const;

  // The change by its number, to undo it; and forgetting it, once it is undone.
  Result<Change> find(const NodeName& node, Rceid rceid) const;
  void forget(const NodeName& node, Rceid rceid);

  // There is no version of any node that a latch keeps from getting one: every mark on its page is
  // of versions that went. Takes no lock.
  bool none() const noexcept { return versions_.load(std::memory_order_relaxed) == 0; }

  // The same of versions of states that were replaced or flagged deleted, which pending() gives.
  bool none_pending() const noexcept { return pending_.load(std::memory_order_relaxed) == 0; }

  // How many versions the node has, of whatever transactions.
  std::size_t count(const NodeName& node) const;
  bool has_versions(const NodeName& node) const { return count(node) > 0; }
  // How many bytes more than `data_bytes`, which it has now, the node may need when transactions
  // that have not ended are undone.
  std::size_t bytes_for_undo(const NodeName& node, std::size_t data_bytes) const;

  // Replaced and deleted states, of transactions that have committed too; and where the log holds
  // what undoes one.
  struct Pending {
    Rceid rceid{};
    Change change;
    std::shared_ptr<const TransactionState> by;  // shared with the version
    Lgpos undo_info;                             // none if it is not logged yet
  };
  std::vector<Pending> pending(const NodeName& node) const;
  void set_undo_info(const NodeName& node, Rceid rceid, Lgpos at);

  // A node whose last version went, if that may have left it flagged deleted: then it can go.
  struct Settled {
    Dbid db{};
    Objid tree = Objid::null;
    std::vector<std::byte> bookmark;
  };
  // Drops versions of transactions that committed before `oldest`, at most `most` of them. Nodes
  // whose last version was forgotten since the last call are told of too.
  std::vector<Settled> purge(Trx oldest, std::size_t most);

  std::size_t bytes() const;
  std::size_t versions() const;
  std::size_t versions_of(Dbid db) const;

 private:
  // One change of one node, in one piece of memory with the node's name behind it.
  struct Version;
  struct Delete {
    void operator()(Version* version) const noexcept;
  };
  using Owned = std::unique_ptr<Version, Delete>;
  static Owned make(const NodeName& node, Change change, std::shared_ptr<TransactionState> by);

  // Versions by the hash of their nodes; those of one node newest first.
  struct Bucket {
    mutable std::mutex mutex;
    std::vector<Version*> slots;
    std::size_t versions = 0;

    void put(Version& version);
    // The newest version of the node, and from one the next older.
    Version* find(std::uint64_t hash, const NodeName& node) const noexcept;
    static Version* older(const Version& version, const NodeName& node) noexcept;
    // Takes it out; whether it was the last one of its node.
    bool take(Version& version);

   private:
    void grow();
  };

  static constexpr std::size_t kBuckets = 256;

  Bucket& bucket_of(std::uint64_t hash) const { return buckets_[hash % kBuckets]; }
  // Calls visit(version) for every version of the node, newest first, until it says true.
  template <class Visit>
  void visit(const NodeName& node, const Visit& visit) const;
  void forget_made(Version& version);

  const std::size_t bytes_max_;
  mutable Bucket buckets_[kBuckets];
  mutable std::mutex made_mutex_;
  Version* oldest_ = nullptr;  // all versions in order of creation
  Version* newest_ = nullptr;
  std::atomic<std::size_t> versions_{0}, pending_{0};  // changed with made_mutex_ held
  std::vector<Settled> undone_;                        // nodes without versions since forget()
  std::size_t bytes_ = 0;
  std::uint32_t next_rceid_ = 1;
};

}  // namespace stillframe::ese
