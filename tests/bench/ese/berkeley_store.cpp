#include "tests/bench/ese/berkeley_store.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <db.h>

namespace stillframe::ese::bench {

namespace {

constexpr std::uint32_t kLogFileBytes = 16U << 20, kLogBufferBytes = 1U << 20;
constexpr std::uint32_t kLocks = 200'000;
constexpr int kFileMode = 0640;

Error failure(int code, const std::string& doing) {
  return Error(Errc::io, "Berkeley DB, " + doing + ": " + db_strerror(code));
}

Status outcome(int code, const char* doing) {
  return code == 0 ? Status(Ok{}) : Status(failure(code, doing));
}

DBT name_of(Bytes bytes) {
  DBT thing{};
  thing.data = const_cast<std::byte*>(bytes.data());  // read only: its interface has no const
  thing.size = static_cast<std::uint32_t>(bytes.size());
  thing.ulen = thing.size;
  thing.flags = DB_DBT_USERMEM;
  return thing;
}

class BerkeleySession final : public MeasuredSession {
 public:
  BerkeleySession(DB_ENV& environment, DB& table, std::size_t checkpoint_bytes)
      : environment_(environment),
        table_(table),
        checkpoint_kilobytes_(static_cast<std::uint32_t>(
            std::min<std::size_t>(checkpoint_bytes / 1024, 0x7FFFFFFF))) {}
  ~BerkeleySession() override {
    if (transaction_ != nullptr) transaction_->abort(transaction_);
  }

  // Reads need none, and are quicker without.
  Status begin() override { return Ok{}; }

  Status insert(const Row& row) override { return put(row, DB_NOOVERWRITE); }
  Status update(const Row& row) override { return put(row, 0); }

  Status read(Bytes key, MutableBytes value) override {
    DBT name = name_of(key), found = name_of(value);
    return outcome(table_.get(&table_, nullptr, &name, &found, 0), "reading a row");
  }

  Result<std::uint64_t> scan(Bytes key, std::uint64_t rows, std::uint64_t& sum) override {
    DBC* cursor = nullptr;
    if (int code = table_.cursor(&table_, nullptr, &cursor, 0); code != 0) {
      return failure(code, "opening a cursor");
    }
    std::array<std::byte, kKeyBytes> at{};
    std::array<std::byte, kValueBytes> value{};
    std::copy(key.begin(), key.end(), at.begin());
    DBT name = name_of(at), found = name_of(value);
    std::uint64_t seen = 0;
    int code = cursor->get(cursor, &name, &found, DB_SET_RANGE);
    for (; code == 0 && seen < rows; ++seen) {
      sum += load_le<std::uint64_t>(value.data());
      code = cursor->get(cursor, &name, &found, DB_NEXT);
    }
    cursor->close(cursor);
    if (code != 0 && code != DB_NOTFOUND) return failure(code, "scanning");
    return seen;
  }

  Status commit() override {
    if (transaction_ == nullptr) return Ok{};
    DB_TXN* ended = std::exchange(transaction_, nullptr);
    if (int code = ended->commit(ended, DB_TXN_SYNC); code != 0) return failure(code, "committing");
    return outcome(environment_.txn_checkpoint(&environment_, checkpoint_kilobytes_, 0, 0),
                   "a checkpoint");
  }

  // Locks are of pages, so others may be in the way.
  Status insert_alone(const Row& row) override {
    for (;;) {
      if (int code = begin_writing(); code != 0) return failure(code, "beginning");
      DBT key = name_of(row.key), value = name_of(row.value);
      const int code = table_.put(&table_, transaction_, &key, &value, DB_NOOVERWRITE);
      if (code == 0) return commit();
      DB_TXN* ended = std::exchange(transaction_, nullptr);
      ended->abort(ended);
      if (code != DB_LOCK_DEADLOCK) return failure(code, "inserting a row");
    }
  }

 private:
  int begin_writing() {
    if (transaction_ != nullptr) return 0;
    return environment_.txn_begin(&environment_, nullptr, &transaction_, 0);
  }

  Status put(const Row& row, std::uint32_t flags) {
    if (int code = begin_writing(); code != 0) return failure(code, "beginning");
    DBT key = name_of(row.key), value = name_of(row.value);
    return outcome(table_.put(&table_, transaction_, &key, &value, flags), "writing a row");
  }

  DB_ENV& environment_;
  DB& table_;
  const std::uint32_t checkpoint_kilobytes_;
  DB_TXN* transaction_ = nullptr;
};

class BerkeleyStore final : public MeasuredStore {
 public:
  std::string_view name() const override { return "Berkeley DB"; }

  Status open(const StoreOptions& options, After after) override {
    options_ = options;
    if (Status s = outcome(open_environment(after), "opening its environment"); !s.ok()) return s;
    return outcome(open_table(), "opening its table");
  }

  Status close() override {
    Status done =
        outcome(environment_->txn_checkpoint(environment_, 0, 0, DB_FORCE), "the last checkpoint");
    const int table = table_->close(table_, 0);
    const int environment = environment_->close(environment_, 0);
    if (!done.ok()) return done;
    return outcome(table != 0 ? table : environment, "closing");
  }

  Result<std::unique_ptr<MeasuredSession>> session() override {
    return std::unique_ptr<MeasuredSession>(
        std::make_unique<BerkeleySession>(*environment_, *table_, options_.checkpoint_bytes));
  }

 private:
  // Recovery brings the table up to date and ends with a checkpoint.
  int open_environment(After after) {
    if (int code = db_env_create(&environment_, 0); code != 0) return code;
    DB_ENV* env = environment_;
    constexpr std::uint64_t kGiga = std::uint64_t{1} << 30;
    const std::uint64_t cache = options_.cache_bytes;
    for (const int code :
         {env->set_cachesize(env, static_cast<std::uint32_t>(cache / kGiga),
                             static_cast<std::uint32_t>(cache % kGiga), 1),
          env->set_lg_bsize(env, kLogBufferBytes), env->set_lg_max(env, kLogFileBytes),
          env->set_lk_max_locks(env, kLocks), env->set_lk_max_objects(env, kLocks),
          env->set_lk_detect(env, DB_LOCK_DEFAULT),
          env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1)}) {
      if (code != 0) return code;
    }
    const std::uint32_t recover = after == After::crash ? DB_RECOVER : 0;
    return env->open(env, options_.folder.c_str(),
                     DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_LOCK | DB_INIT_MPOOL |
                         DB_PRIVATE | DB_THREAD | recover,
                     kFileMode);
  }

  int open_table() {
    if (int code = db_create(&table_, environment_, 0); code != 0) return code;
    return table_->open(table_, nullptr, "rows.db", nullptr, DB_BTREE,
                        DB_CREATE | DB_AUTO_COMMIT | DB_THREAD, kFileMode);
  }

  StoreOptions options_;
  DB_ENV* environment_ = nullptr;
  DB* table_ = nullptr;
};

}  // namespace

std::unique_ptr<MeasuredStore> make_berkeley_store() {
  return std::make_unique<BerkeleyStore>();
}

}  // namespace stillframe::ese::bench
