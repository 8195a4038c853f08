#include "writers/ese/engine/version_store.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(), [](char c) { return std::byte(c); });
  return bytes;
}

class EseVersionStore : public testing::Test {
 protected:
  NodeName node(std::string_view key) {
    key_ = bytes_of(key);
    return {Dbid{1}, Objid{8}, key_};
  }
  void add(const TransactionState& by, std::string_view key, Change change) {
    auto state = std::find_if(live_.begin(), live_.end(), [&](auto& t) { return t.get() == &by; });
    ASSERT_TRUE(store_.add(node(key), std::move(change), *state).ok());
  }
  TransactionState& begin(int session) {
    live_.push_back(transactions_.begin(Procid{static_cast<std::uint16_t>(session)}));
    return *live_.back();
  }
  // What `reader` sees of a node whose page says `there` and `text`; nothing if it sees no node.
  std::optional<std::string> seen(const TransactionState& reader, std::string_view key, bool there,
                                  std::string_view text) {
    NodeState state{there, bytes_of(text)};
    store_.show_to(reader, node(key), state);
    if (!state.there) return {};
    return std::string(reinterpret_cast<const char*>(state.data.data()), state.data.size());
  }

  Transactions transactions_;
  VersionStore store_{1 << 20};
  std::vector<std::shared_ptr<TransactionState>> live_;
  std::vector<std::byte> key_;
};

TEST_F(EseVersionStore, NobodySeesWhatHasNotBeenCommitted) {
  TransactionState& writer = begin(1);
  TransactionState& reader = begin(2);
  add(writer, "k", {VersionOper::insert, {}, 0, 0, 4});
  EXPECT_EQ(seen(writer, "k", true, "new"), "new");
  EXPECT_EQ(seen(reader, "k", true, "new"), std::nullopt);
  transactions_.commit(writer);
  EXPECT_EQ(seen(reader, "k", true, "new"), std::nullopt);  // it began before
  EXPECT_EQ(seen(begin(3), "k", true, "new"), "new");
}

TEST_F(EseVersionStore, ReadersSeeTheDataOfTheirOwnTime) {
  TransactionState& before_both = begin(1);
  TransactionState& first = begin(2);
  add(first, "k", {VersionOper::replace, bytes_of("one"), 0, 0, 4});
  transactions_.commit(first);
  TransactionState& between = begin(3);
  TransactionState& second = begin(4);
  add(second, "k", {VersionOper::replace, bytes_of("two"), 0, 0, 4});
  transactions_.commit(second);
  EXPECT_EQ(seen(before_both, "k", true, "three"), "one");
  EXPECT_EQ(seen(between, "k", true, "three"), "two");
  EXPECT_EQ(seen(begin(5), "k", true, "three"), "three");
}

TEST_F(EseVersionStore, ADeletedNodeIsThereForThoseWhoBeganBefore) {
  TransactionState& reader = begin(1);
  TransactionState& writer = begin(2);
  add(writer, "k", {VersionOper::flag_delete, {}, 0, 0, 4});
  transactions_.commit(writer);
  EXPECT_EQ(seen(reader, "k", false, "old"), "old");
  EXPECT_EQ(seen(begin(3), "k", false, "old"), std::nullopt);
}

TEST_F(EseVersionStore, TheFirstWriterWins) {
  TransactionState& first = begin(1);
  TransactionState& second = begin(2);
  add(first, "k", {VersionOper::replace, bytes_of("x"), 0, 0, 4});
  const auto refused = [&](TransactionState& writer) {
    Status s = store_.may_change(node("k"), VersionOper::replace, writer);
    return !s.ok() && is(s.error(), EseErr::write_conflict);
  };
  EXPECT_TRUE(refused(second));
  EXPECT_FALSE(refused(first));
  transactions_.commit(first);
  EXPECT_TRUE(refused(second));  // it does not see what it would overwrite
  EXPECT_FALSE(refused(begin(3)));
}

TEST_F(EseVersionStore, DeltasOfSeveralTransactionsDoNotConflict) {
  std::vector<std::byte> counter(4);
  store_le(counter.data(), std::uint32_t{100 + 5 + 7});
  TransactionState& a = begin(1);
  TransactionState& b = begin(2);
  TransactionState& reader = begin(3);
  add(a, "k", {VersionOper::delta, {}, 5, 0, 4});
  EXPECT_TRUE(store_.may_change(node("k"), VersionOper::delta, b).ok());
  EXPECT_FALSE(store_.may_change(node("k"), VersionOper::replace, b).ok());
  add(b, "k", {VersionOper::delta, {}, 7, 0, 4});
  const auto value = [&](TransactionState& by) {
    NodeState state{true, counter};
    store_.show_to(by, node("k"), state);
    return load_le<std::uint32_t>(state.data.data());
  };
  EXPECT_EQ(value(reader), 100u);
  EXPECT_EQ(value(a), 105u);
  EXPECT_EQ(value(b), 107u);
  transactions_.commit(b);
  EXPECT_EQ(value(begin(4)), 107u);
  EXPECT_EQ(value(a), 105u);
}

TEST_F(EseVersionStore, VersionsStayWhileSomebodyNeedsThem) {
  TransactionState& reader = begin(1);
  TransactionState& writer = begin(2);
  add(writer, "k", {VersionOper::flag_delete, {}, 0, 0, 4});
  transactions_.commit(writer);
  EXPECT_TRUE(store_.purge(transactions_.oldest_needed(), 10).empty());
  EXPECT_EQ(store_.versions(), 1u);
  transactions_.commit(reader);
  const auto settled = store_.purge(transactions_.oldest_needed(), 10);
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].tree, Objid{8});
  EXPECT_EQ(settled[0].bookmark, bytes_of("k"));
  EXPECT_EQ(store_.bytes(), 0u);
}

TEST_F(EseVersionStore, TheLimitIsKept) {
  VersionStore small(1000);
  auto by = transactions_.begin(Procid{1});
  const std::vector<std::byte> key(4), data(500);
  const NodeName name{Dbid{1}, Objid{8}, key};
  const auto first = small.add(name, {VersionOper::replace, data, 0, 0, 4}, by);
  ASSERT_TRUE(first.ok());
  const auto second = small.add(name, {VersionOper::replace, data, 0, 0, 4}, by);
  EXPECT_TRUE(is(second.error(), EseErr::version_store_out_of_memory));
  EXPECT_EQ(small.find(name, first.value()).value().old_data, data);
  small.forget(name, first.value());
  EXPECT_EQ(small.bytes(), 0u);
  EXPECT_TRUE(small.add(name, {VersionOper::replace, data, 0, 0, 4}, by).ok());
}

// Only what may be flagged deleted on its page is worth a look.
TEST_F(EseVersionStore, WhatStayedAliveDoesNotSettle) {
  TransactionState& writer = begin(1);
  add(writer, "made", {VersionOper::insert, {}, 0, 0, 4});
  add(writer, "changed", {VersionOper::replace, bytes_of("x"), 0, 0, 4});
  add(writer, "back", {VersionOper::flag_delete, {}, 0, 0, 4});
  add(writer, "back", {VersionOper::insert, {}, 0, 0, 4});
  add(writer, "gone", {VersionOper::insert, {}, 0, 0, 4});
  add(writer, "gone", {VersionOper::flag_delete, {}, 0, 0, 4});
  transactions_.commit(writer);
  const auto settled = store_.purge(transactions_.oldest_needed(), 10);
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].bookmark, bytes_of("gone"));
  EXPECT_EQ(store_.versions(), 0u);
  EXPECT_EQ(store_.bytes(), 0u);
}

// More nodes than a table begins with, so that its lists are dealt out again.
TEST_F(EseVersionStore, ManyNodesKeepTheirVersionsInOrder) {
  TransactionState& writer = begin(1);
  for (const char* data : {"first", "second", "third"}) {
    for (int i = 0; i < 1500; ++i) {
      add(writer, "k" + std::to_string(i), {VersionOper::replace, bytes_of(data), 0, 0, 4});
    }
  }
  TransactionState& reader = begin(2);
  for (int i = 0; i < 1500; ++i) {
    const std::vector<std::byte> key = bytes_of("k" + std::to_string(i));
    NodeState state{true, bytes_of("now")};
    store_.show_to(reader, {Dbid{1}, Objid{8}, key}, state);
    ASSERT_EQ(state.data, bytes_of("first")) << i;
    ASSERT_EQ(store_.count({Dbid{1}, Objid{8}, key}), 3u) << i;
  }
}

// Random transactions against a model in which each takes a copy of everything when it begins.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const auto what = random_() % 10;
      if (open_.size() < 2 || (what == 0 && open_.size() < 6)) {
        begin();
      } else if (what == 1) {
        end(random_() % open_.size(), random_() % 3 == 0);
      } else {
        change(open_[random_() % open_.size()]);
      }
      if (random_() % 20 == 0) store_.purge(transactions_.oldest_needed(), 5);
      compare();
    }
    while (!open_.empty()) end(0, false);
    store_.purge(transactions_.oldest_needed(), ~std::size_t{0});
    EXPECT_EQ(store_.versions(), 0u);
    EXPECT_EQ(store_.bytes(), 0u);
  }

 private:
  using Rows = std::map<std::string, std::string>;
  struct Made {
    std::string key;
    Rceid rceid{};
  };
  struct Open {
    std::shared_ptr<TransactionState> state;
    Rows sees, wrote;
    std::vector<std::string> removed;
    std::vector<Made> made;
  };

  NodeName name(const std::string& key) {
    key_ = bytes_of(key);
    return {Dbid{1}, Objid{9}, key_};
  }

  void begin() {
    Open open;
    open.state = transactions_.begin(Procid{static_cast<std::uint16_t>(++sessions_)});
    open.sees = committed_;
    open_.push_back(std::move(open));
  }

  void change(Open& open) {
    const std::string key(1, static_cast<char>('a' + random_() % 5));
    NodeState& page = page_[key];
    const bool mine = open.sees.contains(key);
    const auto oper = mine ? (random_() % 2 == 0 ? VersionOper::replace : VersionOper::flag_delete)
                           : VersionOper::insert;
    Status allowed = store_.may_change(name(key), oper, *open.state);
    // The model's rule: what the page holds must be what this transaction sees.
    const std::string on_page(reinterpret_cast<const char*>(page.data.data()), page.data.size());
    const bool same = mine ? page.there && on_page == open.sees[key] : !page.there;
    ASSERT_TRUE(same || !allowed.ok()) << "a change that it does not see may be overwritten";
    if (!allowed.ok()) return;
    // A dead node comes back with other data: two changes, so that each can be undone.
    if (oper == VersionOper::insert && !page.data.empty()) {
      note(open, key, {VersionOper::replace, page.data, 0, 0, 4});
    }
    note(open, key,
         {oper, oper == VersionOper::replace ? page.data : std::vector<std::byte>{}, 0, 0, 4});
    page.there = oper != VersionOper::flag_delete;
    if (page.there) {
      page.data = bytes_of(std::to_string(++values_));
      open.sees[key] = std::to_string(values_);
    } else {
      open.sees.erase(key);
    }
    touched_[open.state.get()].push_back(key);
  }

  void note(Open& open, const std::string& key, Change change) {
    auto rceid = store_.add(name(key), std::move(change), open.state);
    ASSERT_TRUE(rceid.ok());
    open.made.push_back({key, rceid.value()});
  }

  void end(std::size_t index, bool roll_back) {
    Open open = std::move(open_[index]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
    const auto keys = std::exchange(touched_[open.state.get()], {});
    if (!roll_back) {
      for (const std::string& key : keys) {
        committed_.erase(key);
        if (open.sees.contains(key)) committed_[key] = open.sees[key];
      }
      transactions_.commit(*open.state);
      return;
    }
    for (auto made = open.made.rbegin(); made != open.made.rend(); ++made) {
      auto change = store_.find(name(made->key), made->rceid);
      ASSERT_TRUE(change.ok());
      NodeState& page = page_[made->key];
      if (change.value().oper == VersionOper::insert) page.there = false;
      if (change.value().oper == VersionOper::flag_delete) page.there = true;
      if (change.value().oper == VersionOper::replace) page.data = change.value().old_data;
      store_.forget(name(made->key), made->rceid);
    }
    transactions_.rollback(*open.state);
  }

  void compare() {
    for (const Open& open : open_) {
      for (auto& [key, page] : page_) {
        NodeState state = page;
        store_.show_to(*open.state, name(key), state);
        const auto wanted = open.sees.find(key);
        ASSERT_EQ(state.there, wanted != open.sees.end()) << key;
        if (state.there) {
          ASSERT_EQ(state.data, bytes_of(wanted->second)) << key;
        }
      }
    }
  }

  std::mt19937_64 random_;
  Transactions transactions_;
  VersionStore store_{1 << 20};
  std::map<std::string, NodeState> page_;
  Rows committed_;
  std::vector<Open> open_;
  std::map<const TransactionState*, std::vector<std::string>> touched_;
  std::vector<std::byte> key_;
  int sessions_ = 0, values_ = 0;
};

TEST(EseVersions, EveryTransactionSeesItsOwnTime) {
  const auto seeds = stillframe::tests::scaled(200);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History(seed).run(300);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace stillframe::ese
