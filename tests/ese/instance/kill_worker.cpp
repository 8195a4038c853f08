// Works on databases until it is killed, and says of every durable commit that it has returned:
//
//   ese-kill-worker FOLDER SEED
//
// prints a line "THREAD NUMBER LAZY..." for each, where the last are, by thread, the numbers of the
// lazy commits that had returned when this one began: they are durable with it.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <thread>

#include <unistd.h>

#include "tests/ese/instance/killed_work.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/tables/cursor.hpp"

namespace stillframe::ese::tests {
namespace {

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.what().c_str());
  std::_Exit(1);
}

void check(const Status& status) {
  if (!status.ok()) fail(status.error());
}

template <class T>
T taken(Result<T> result) {
  if (!result.ok()) fail(result.error());
  return std::move(result).value();
}

struct Shared {
  KilledWork work;
  Instance& instance;
  std::vector<InstanceDatabase*> databases;
  std::array<std::atomic<std::int32_t>, kWorkThreads> lazy{};
};

class Worker {
 public:
  Worker(Shared& shared, std::size_t thread)
      : shared_(shared), thread_(thread), session_(taken(shared.instance.open_session())) {}

  void run() {
    read();
    for (;;) transact(++number_);
  }

 private:
  // Which rows there are, and where it stopped the last time.
  void read() {
    const auto transaction = session_.begin();
    for (std::size_t db = 0; db < kWorkDatabases; ++db) {
      auto use = taken(shared_.databases[db]->catalog().open_table(*transaction, kWorkTable));
      const auto definition = taken(use.table().definition(*transaction));
      Cursor cursor(use.table(), *transaction);
      check(cursor.first());
      for (; cursor.on_row(); check(cursor.next())) {
        const auto id = number_of(taken(cursor.values(*find_column(*definition, "id")))[0]);
        there_.insert({db, id});
        if (id != KilledWork::mark_of(thread_)) continue;
        number_ = number_of(taken(cursor.values(*find_column(*definition, "number")))[0]);
      }
    }
  }

  void transact(std::int32_t number) {
    const PlannedTransaction planned = shared_.work.transaction(thread_, number);
    const auto before = there_;
    const auto transaction = session_.begin();
    make_changes(planned, number, *transaction);
    std::string line = std::to_string(thread_) + " " + std::to_string(number);
    for (const auto& lazy : shared_.lazy) line += " " + std::to_string(lazy.load());
    line += "\n";
    switch (planned.ending) {
      case Ending::rolled_back:
        check(transaction->rollback());
        there_ = before;
        return;
      case Ending::lazy:
        check(transaction->commit(CommitMode::lazy));
        shared_.lazy[thread_].store(number);
        return;
      case Ending::durable:
        check(transaction->commit(CommitMode::durable));
        // In one piece, however many threads write.
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
        return;
    }
  }

  void make_changes(const PlannedTransaction& planned, std::int32_t number,
                    OpenTransaction& transaction) {
    std::vector<TableUse> uses;
    std::vector<TableRows> rows;
    for (InstanceDatabase* database : shared_.databases) {
      uses.push_back(taken(database->catalog().open_table(transaction, kWorkTable)));
      rows.emplace_back(uses.back().table(), transaction);
    }
    for (const PlannedChange& change : planned.changes) {
      change.remove ? remove(rows, change) : put(rows, change.database, change.id, number);
    }
    for (std::size_t db = 0; db < kWorkDatabases; ++db) {
      put(rows, db, KilledWork::mark_of(thread_), number);
    }
    const auto definition = taken(uses[0].table().definition(transaction));
    check(rows[0].add(bookmark_of(KilledWork::kSumId), *find_column(*definition, "sum"), 1));
  }

  void put(std::vector<TableRows>& rows, std::size_t db, std::int32_t id, std::int32_t number) {
    RowValues values{{kWorkNumber, {little(number)}}, {kWorkBlob, {shared_.work.blob(id, number)}}};
    if (!there_.insert({db, id}).second) return check(rows[db].replace(bookmark_of(id), values));
    values[kWorkId] = {little(id)};
    (void)taken(rows[db].insert(values));
  }

  void remove(std::vector<TableRows>& rows, const PlannedChange& change) {
    if (there_.erase({change.database, change.id}) == 0) return;
    check(rows[change.database].remove(bookmark_of(change.id)));
  }

  Shared& shared_;
  const std::size_t thread_;
  Session session_;
  std::set<std::pair<std::size_t, std::int32_t>> there_;  // by database and id
  std::int32_t number_ = 0;
};

int work(const std::string& folder, std::uint64_t seed) {
  const KilledWork work(folder, seed);
  const auto files = posix_files();
  const auto instance = taken(Instance::start(*files, work.options()));
  Shared shared{work, *instance, {}, {}};
  for (std::size_t db = 0; db < kWorkDatabases; ++db) {
    shared.databases.push_back(taken(instance->attach_database(work.database(db))));
  }
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kWorkThreads; ++t) {
    threads.emplace_back([&shared, t] { Worker(shared, t).run(); });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace stillframe::ese::tests

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s FOLDER SEED\n", argv[0]);
    return 2;
  }
  return stillframe::ese::tests::work(argv[1], std::strtoull(argv[2], nullptr, 10));
}
