// What will happen when, in virtual time. Things of one instant happen in the order they were put
// in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace stillframe::testkit {

using Nanos = std::int64_t;
inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

enum class ItemKind : std::uint8_t {
  request,         // session: its requestor's next act
  fault,           // session, index: fires the fault
  writer_done,     // writer, seq: the verb under way ends
  writer_restart,  // writer
  hold_expires,    // writer, seq: the SDK's own timer
  lease_expires,   // writer, seq: the SDK has heard nothing for a lease
  audit_hold,      // writer, seq: just after either; nobody may be frozen any more
  provider_done,   // provider, seq
  provider_restart,
  operation_done,   // session, seq, extra: failure
  timer,            // session, index: writer, seq, extra: timer kind
  gone_writer,      // session, index: a writer's link is lost
  gone_provider,    // session, index
  returned_writer,  // session, index
  coordinator_restart,
  copy_done,     // session: the requestor's restore copy
  guest,         // index: a requestor of somebody else's goes on
  quick_answer,  // session, index: writer, seq; extra 1: the writer is gone, 2: cancelled
  quick_step,    // session, index: provider, seq; extra 1: the provider is gone
};

struct Item {
  Nanos at = 0;
  std::uint32_t order = 0;
  ItemKind kind = ItemKind::request;
  std::uint8_t extra = 0;
  std::uint16_t session = 0;
  std::uint32_t index = 0;
  std::uint32_t seq = 0;
  std::uint32_t epoch = 0;  // of the coordinator that is concerned
};

// A binary heap that keeps its storage between runs.
class Agenda {
 public:
  void clear() {
    heap_.clear();
    order_ = 0;
  }
  bool empty() const { return heap_.empty(); }
  void put(Item item) {
    item.order = order_++;
    heap_.push_back(item);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  Item take() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Item item = heap_.back();
    heap_.pop_back();
    return item;
  }

 private:
  static bool later(const Item& a, const Item& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  std::vector<Item> heap_;
  std::uint32_t order_ = 0;
};

}  // namespace stillframe::testkit
