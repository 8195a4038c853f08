// A place in an index that outlives transactions: each one finds it again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/format/key.hpp"
#include "writers/ese/tables/table_object.hpp"

namespace stillframe::ese::jet {

// What a call reads in. `serial` names the transaction among all that the session had, `changes`
// counts what the session did: what was read under the same two is still so.
struct Now {
  OpenTransaction& transaction;
  std::uint64_t serial;
  std::uint64_t changes;
};

// One thread at a time.
class IndexWalk {
 public:
  explicit IndexWalk(TableObject& table) : table_(table) {}

  enum class Where {
    before_first,
    on,
    deleted,  // on an entry that this session has removed
    beside,   // just before where key() is or would be, and on nothing
    after_last,
  };

  // None: the rows' own order. Stands before the first entry.
  void use(std::optional<Index> index);
  const std::optional<Index>& index() const { return index_; }

  Where where() const { return where_; }
  bool on() const { return where_ == Where::on; }
  // Of the entry, and of its row. Of a place beside: of the entry that was there.
  const Key& key() const { return key_; }
  const Key& row() const { return row_; }

  // To an entry, or off the end.
  Status first(const Now& now);
  Status last(const Now& now);
  Status next(const Now& now);
  Status previous(const Now& now);
  // To the first entry whose key is not below `key`.
  Status seek(const Now& now, Bytes key);
  // To this very entry; beside it if it is not there.
  Status go_to(const Now& now, const Key& key, const Key& row);

  void step_beside(Where where = Where::beside);
  void leave_first() { where_ = Where::before_first; }
  void leave_last() { where_ = Where::after_last; }

  // Whether the entry it is on is there for this transaction.
  Result<bool> there(const Now& now);
  // The row it is on; RecordDeleted, NoCurrentRecord.
  Result<std::vector<std::byte>> record(const Now& now);

 private:
  BTree& tree() const;
  bool unique() const { return !index_ || index_->unique(); }
  bool current(const Now& now) const;
  Status renew(const Now& now);
  Status find(const Now& now);  // where key() and row() are, or would be
  bool same_entry() const;
  void adopt(Where off_the_end);

  TableObject& table_;
  std::optional<Index> index_;
  Where where_ = Where::before_first;
  Key key_, row_;
  std::unique_ptr<BTreeReader> reader_;
  std::optional<std::uint64_t> serial_, changes_;  // that the reader is of
};

}  // namespace stillframe::ese::jet
