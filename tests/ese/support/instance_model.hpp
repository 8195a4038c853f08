// Random work of several sessions on the databases of an instance, beside a model in memory that
// knows what must be there: after every commit, and after a crash.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/ese/support/instance_checks.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::tests {

class InstanceModel {
 public:
  // In a table `name` of each of these databases, created with them or when they are there.
  InstanceModel(std::vector<BytePath> databases, std::string name, std::uint64_t seed);
  ~InstanceModel();

  // Attaches the databases, or creates those that were not there for good yet. An error is of the
  // files or of the log.
  Status open(Instance& instance);
  // Those that are attached, for who shares them with others.
  void join(Instance& instance);
  // What was committed last, for copies of the databases in other places.
  std::unique_ptr<InstanceModel> of_copies(std::vector<BytePath> databases) const;
  // So many steps of sessions that overlap. Expects what the model says of each; an error is of the
  // files or of the log, and ends the work as a crash would.
  Status work(Instance& instance, std::uint64_t steps);
  // Ends all transactions.
  Status finish();
  // Forgets sessions without ending what they do.
  void crash();

  // Some moment while work goes on, as a backup has: it begins and ends in another thread than
  // work, and between two pieces of work at_moment() gives what may have been committed at it:
  // anything from what was at its beginning to the commit that may have been under way at its end.
  void begin_moment();
  void end_moment();
  std::unique_ptr<InstanceModel> at_moment(std::vector<BytePath> databases) const;

  // Expects that the databases hold what was committed: all that was durable, and of what was
  // committed after that nothing without what came before. What is found is what must be there from
  // here on.
  void expect_committed(Instance& instance);

  std::uint64_t operations() const { return operations_; }
  std::uint64_t commits() const { return commits_; }
  std::uint64_t conflicts() const { return conflicts_; }

 private:
  using Row = std::map<ColumnId, Values>;
  struct State {
    std::map<std::pair<std::size_t, std::int32_t>, Row> rows;  // by database and id
    std::map<std::size_t, bool> extra_index;                   // by database
    std::set<std::pair<std::size_t, std::string>> side_tables;
    std::set<std::size_t> tables;  // databases that have the table
    friend bool operator==(const State&, const State&) = default;
  };
  struct Change {
    std::pair<std::size_t, std::int32_t> key;
    std::optional<Row> row;             // none: removed, or
    std::optional<std::int32_t> delta;  // added to the counter
  };
  struct Worker;

  Status step(Instance& instance, Worker& worker);
  Status begin(Instance& instance, Worker& worker);
  Status end(Worker& worker);
  Status change(Worker& worker);
  Status insert(Worker& worker, std::size_t db);
  Status replace(Worker& worker, std::size_t db);
  Status remove(Worker& worker, std::size_t db);
  Status add(Worker& worker, std::size_t db);
  Status edit(Worker& worker, std::size_t db);
  Status change_definitions(Instance& instance);
  Status move_database(Instance& instance);
  Status commit_definitions(OpenTransaction& transaction, State next);
  Status make_table(Instance& instance, std::size_t db);

  // Whether the operation was made; `expected` is what has to refuse it otherwise.
  Result<bool> done(const Status& status, std::optional<EseErr> expected);
  void committed(State next, bool durable, bool surely);
  State read(Instance& instance);

  std::int32_t random_id();
  Value random_bytes(std::size_t most);
  RowValues random_values();

  const std::vector<BytePath> paths_;
  const std::string name_;
  std::mt19937_64 random_;
  std::vector<InstanceDatabase*> databases_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // The last one is what was committed last; the first one what is durable.
  std::vector<State> possible_{State{}};
  // Of a moment, oldest first. Whoever works adds to it.
  std::mutex moment_mutex_;  // also held to change possible_
  std::vector<State> moment_;
  enum class Moment { none, begun, ending } moment_phase_ = Moment::none;
  std::size_t page_bytes_ = 0;
  std::uint64_t operations_ = 0, commits_ = 0, conflicts_ = 0;
};

}  // namespace stillframe::ese::tests
