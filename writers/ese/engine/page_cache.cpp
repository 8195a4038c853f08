#include "writers/ese/engine/page_cache.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "framework/base/check.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kShards = 64;
constexpr std::uint64_t kNoKey = ~std::uint64_t{0};
constexpr std::chrono::seconds kFrameWait{5};  // for somebody to give a page back
constexpr std::size_t kLineBytes = 64;         // of the processor's caches

// Neighbouring pages go to different places. The high bits choose the shard, others the slot.
std::uint64_t spread(std::uint64_t key) {
  return key * 0x9E3779B97F4A7C15;
}

}  // namespace

// What finding a page touches comes first, in one line of the processor's cache.
struct alignas(kLineBytes) PageFrame {
  std::byte* bytes = nullptr;
  PageFrame* next = nullptr;  // in its slot of the shard
  std::atomic<std::uint64_t> key{kNoKey};
  Latch latch;
  std::atomic<std::uint32_t> pins{0};
  std::atomic<bool> used_lately{false};

  std::mutex write_mutex;  // held by whoever writes it to its file
  std::mutex change_mutex;
  bool changed = false;
  Lgpos first_change, last_change;       // while `changed`
  std::optional<Lgpos> first_in_flight;  // of what is being written to the file just now

  bool is_changed() {
    const std::lock_guard lock(change_mutex);
    return changed;
  }
  std::optional<Lgpos> oldest_change() {
    const std::lock_guard lock(change_mutex);
    if (!changed) return first_in_flight;
    // What came later may be of a transaction that began before.
    return first_in_flight ? std::min(*first_in_flight, first_change) : first_change;
  }
};

// The frames by their pages: lists that go through the frames themselves. All with the mutex held.
struct alignas(kLineBytes) PageCache::Shard {
  std::mutex mutex;
  std::vector<Frame*> slots;
  std::uint64_t hits = 0;

  Frame*& slot_of(Key key) { return slots[(spread(key) >> 32) % slots.size()]; }
  Frame* find(Key key) {
    Frame* frame = slot_of(key);
    while (frame != nullptr && frame->key.load(std::memory_order_relaxed) != key) {
      frame = frame->next;
    }
    return frame;
  }
  // The frame has the page's name; false if another one has it already.
  bool add(Key key, Frame& frame) {
    if (find(key) != nullptr) return false;
    frame.next = std::exchange(slot_of(key), &frame);
    return true;
  }
  // And its name with it.
  void take_out(Key key, Frame& frame) {
    Frame** link = &slot_of(key);
    while (*link != &frame) link = &(*link)->next;
    *link = frame.next;
    frame.key.store(kNoKey, std::memory_order_release);
  }
};

// ---- PageRef

PageRef::PageRef(PageRef&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)), frame_(other.frame_), mode_(other.mode_) {}

PageRef& PageRef::operator=(PageRef&& other) noexcept {
  if (this != &other) {
    give_back();
    cache_ = std::exchange(other.cache_, nullptr);
    frame_ = other.frame_;
    mode_ = other.mode_;
  }
  return *this;
}

PageRef::~PageRef() {
  give_back();
}

void PageRef::give_back() noexcept {
  if (cache_ == nullptr) return;
  frame_->latch.unlock(mode_);
  std::exchange(cache_, nullptr)->unpin(*frame_);
}

Pgno PageRef::pgno() const noexcept {
  return Pgno{static_cast<std::uint32_t>(frame_->key.load(std::memory_order_relaxed))};
}

Bytes PageRef::bytes() const noexcept {
  return {frame_->bytes, cache_->page_bytes_};
}

MutableBytes PageRef::begin_change(Lgpos redo_from) noexcept {
  STILLFRAME_DCHECK(mode_ == LatchMode::exclusive, "only the holder of the latch changes a page");
  const std::lock_guard lock(frame_->change_mutex);
  if (!frame_->changed) {
    frame_->changed = true;
    frame_->first_change = redo_from;
    frame_->last_change = redo_from;
  }
  frame_->first_change = std::min(frame_->first_change, redo_from);
  return {frame_->bytes, cache_->page_bytes_};
}

void PageRef::end_change(Lgpos logged) noexcept {
  const std::lock_guard lock(frame_->change_mutex);
  frame_->last_change = std::max(frame_->last_change, logged);
}

MutableBytes PageRef::unlogged_bytes() noexcept {
  STILLFRAME_DCHECK(mode_ == LatchMode::exclusive, "only the holder of the latch changes a page");
  return {frame_->bytes, cache_->page_bytes_};
}

bool PageRef::try_upgrade() noexcept {
  if (mode_ == LatchMode::exclusive) return true;
  if (!frame_->latch.try_upgrade()) return false;
  mode_ = LatchMode::exclusive;
  return true;
}

// ---- PageCache

PageCache::PageCache(const PageCacheOptions& options, WriteAhead& log)
    : page_bytes_(options.page_bytes),
      frame_count_(options.frames),
      log_(log),
      memory_(page_bytes_ * frame_count_),
      frames_(std::make_unique<Frame[]>(frame_count_)),
      shards_(std::make_unique<Shard[]>(kShards)) {
  unused_.reserve(frame_count_);
  for (std::size_t i = frame_count_; i-- > 0;) {
    frames_[i].bytes = memory_.data() + i * page_bytes_;
    unused_.push_back(&frames_[i]);
  }
  for (std::size_t i = 0; i < kShards; ++i) {
    shards_[i].slots.resize(std::bit_ceil(1 + frame_count_ / kShards));
  }
}

PageCache::~PageCache() = default;

void PageCache::attach(Dbid db, PageStore& store) {
  stores_[static_cast<std::size_t>(db)].store(&store, std::memory_order_release);
}

void PageCache::detach(Dbid db) {
  for (std::size_t i = 0; i < frame_count_; ++i) {
    Frame& frame = frames_[i];
    const Key key = frame.key.load(std::memory_order_acquire);
    if (key == kNoKey || Dbid(key >> 32) != db) continue;
    Shard& shard = shard_of(key);
    {
      const std::lock_guard lock(shard.mutex);
      if (shard.find(key) != &frame) continue;  // evicted meanwhile
      frame.pins.fetch_add(1, std::memory_order_relaxed);
      shard.take_out(key, frame);
    }
    {
      const std::lock_guard lock(frame.change_mutex);
      frame.changed = false;
    }
    unpin(frame);
  }
  stores_[static_cast<std::size_t>(db)].store(nullptr, std::memory_order_release);
}

Result<PageRef> PageCache::fix(Dbid db, Pgno pgno, LatchMode mode) {
  return fix(key_of(db, pgno), mode, Source::store);
}

Result<PageRef> PageCache::fix_new(Dbid db, Pgno pgno) {
  auto page = fix(key_of(db, pgno), LatchMode::exclusive, Source::zeros);
  if (page.ok()) std::memset(page.value().frame_->bytes, 0, page_bytes_);
  return page;
}

PageCache::Key PageCache::key_of(Dbid db, Pgno pgno) noexcept {
  return Key{static_cast<std::uint8_t>(db)} << 32 | static_cast<std::uint32_t>(pgno);
}

PageCache::Shard& PageCache::shard_of(Key key) noexcept {
  return shards_[spread(key) >> (64 - std::bit_width(kShards - 1))];
}

Result<PageRef> PageCache::fix(Key key, LatchMode mode, Source source) {
  for (;;) {
    if (Frame* found = find_pinned(key)) {
      found->latch.lock(mode);
      if (found->key.load(std::memory_order_acquire) == key) return PageRef(*this, *found, mode);
      found->latch.unlock(mode);  // whoever was reading it could not
      unpin(*found);
      continue;
    }
    auto frame = free_frame();
    if (!frame.ok()) return frame.error();
    if (!publish(key, *frame.value())) continue;  // somebody else was faster
    misses_.fetch_add(1, std::memory_order_relaxed);
    if (Status s = fill(key, *frame.value(), source); !s.ok()) return s.error();
    if (mode == LatchMode::exclusive) return PageRef(*this, *frame.value(), mode);
    frame.value()->latch.unlock(LatchMode::exclusive);
    // Pinned, so it is this page still when the latch comes back.
    frame.value()->latch.lock(LatchMode::shared);
    return PageRef(*this, *frame.value(), mode);
  }
}

PageFrame* PageCache::find_pinned(Key key) noexcept {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  Frame* const found = shard.find(key);
  if (found == nullptr) return nullptr;
  // Its header and its tags are what is looked at first, and they are far from each other.
  __builtin_prefetch(found->bytes);
  __builtin_prefetch(found->bytes + page_bytes_ - kLineBytes);
  __builtin_prefetch(found->bytes + page_bytes_ - 2 * kLineBytes);
  ++shard.hits;
  found->pins.fetch_add(1, std::memory_order_relaxed);
  if (!found->used_lately.load(std::memory_order_relaxed)) {
    found->used_lately.store(true, std::memory_order_relaxed);
  }
  return found;
}

// Gives the frame its page's name, latched, so that others find it and wait for its bytes.
bool PageCache::publish(Key key, Frame& frame) {
  frame.latch.lock(LatchMode::exclusive);
  frame.key.store(key, std::memory_order_release);
  frame.used_lately.store(true, std::memory_order_relaxed);
  Shard& shard = shard_of(key);
  {
    const std::lock_guard lock(shard.mutex);
    if (shard.add(key, frame)) return true;
  }
  frame.key.store(kNoKey, std::memory_order_release);
  frame.latch.unlock(LatchMode::exclusive);
  unpin(frame);
  return false;
}

Status PageCache::fill(Key key, Frame& frame, Source source) {
  if (source == Source::zeros) return Ok{};  // fix_new() clears it
  PageStore* store = store_of(Dbid(key >> 32));
  Status read =
      store == nullptr
          ? Status(Error(Errc::wrong_state, "the database of a page is not attached"))
          : store->read(Pgno{static_cast<std::uint32_t>(key)}, {frame.bytes, page_bytes_});
  if (read.ok()) return read;
  {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    shard.take_out(key, frame);
  }
  frame.latch.unlock(LatchMode::exclusive);
  unpin(frame);
  return read;
}

Result<PageFrame*> PageCache::free_frame() {
  std::optional<std::chrono::steady_clock::time_point> give_up;  // asked for when it has to wait
  for (;;) {
    if (Frame* unused = unused_frame()) return unused;
    std::optional<Error> refusal;
    // Twice around: the first time takes the marks of recent use away.
    for (std::size_t looked = 0; looked < 2 * frame_count_; ++looked) {
      Frame& frame = frames_[hand_.fetch_add(1, std::memory_order_relaxed) % frame_count_];
      if (frame.pins.load(std::memory_order_relaxed) != 0) continue;
      if (frame.used_lately.exchange(false, std::memory_order_relaxed)) continue;
      if (try_evict(frame, refusal)) return &frame;
    }
    // What the disk or the log refuses now, waiting does not mend.
    if (refusal) return refusal->while_doing("making room in the page cache");
    const auto now = std::chrono::steady_clock::now();
    if (!give_up) give_up = now + kFrameWait;
    if (now > *give_up) {
      return Error(Errc::out_of_resources,
                   "all " + std::to_string(frame_count_) +
                       " pages of the cache are in use or cannot be written; make it larger");
    }
    std::this_thread::yield();
  }
}

PageFrame* PageCache::unused_frame() noexcept {
  const std::lock_guard lock(unused_mutex_);
  if (unused_.empty()) return nullptr;
  Frame* frame = unused_.back();
  unused_.pop_back();
  frame->pins.store(1, std::memory_order_relaxed);
  return frame;
}

// On success the frame has no page and is pinned by the caller.
bool PageCache::try_evict(Frame& frame, std::optional<Error>& refusal) {
  const Key key = frame.key.load(std::memory_order_acquire);
  if (key == kNoKey) return false;
  Shard& shard = shard_of(key);
  if (!pin_idle(frame)) return false;
  const Status written = frame.is_changed() ? write_with_others(frame) : Status(Ok{});
  if (frame.key.load() != key || !written.ok()) {
    if (!written.ok() && written.error().code() != Errc::in_use) refusal = written.error();
    unpin(frame);
    return false;
  }
  {
    const std::lock_guard lock(shard.mutex);
    if (frame.pins.load() == 1 && !frame.is_changed()) {
      shard.take_out(key, frame);
      evictions_.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
  }
  unpin(frame);  // somebody wants it after all
  return false;
}

// Only if nobody else has; whoever looks for the page finds it still.
bool PageCache::pin_idle(Frame& frame) {
  const Key key = frame.key.load(std::memory_order_acquire);
  if (key == kNoKey) return false;
  const std::lock_guard lock(shard_of(key).mutex);
  std::uint32_t nobody = 0;
  return frame.key.load() == key && frame.pins.compare_exchange_strong(nobody, 1);
}

void PageCache::unpin(Frame& frame) noexcept {
  // Asked while it is still pinned: a frame without a page cannot be found, so nobody pins it
  // again.
  const bool without_page = frame.key.load(std::memory_order_acquire) == kNoKey;
  if (frame.pins.fetch_sub(1, std::memory_order_acq_rel) != 1 || !without_page) return;
  const std::lock_guard lock(unused_mutex_);
  unused_.push_back(&frame);
}

// Pages that wait to be written go along: writing is dearest for the first of a batch.
Status PageCache::write_with_others(Frame& frame) {
  std::vector<Writing> batch;
  auto own = start_writing(frame, IfBusy::skip);
  if (!own.ok()) return own.error();
  if (!own.value()) {
    return frame.is_changed() ? Error(Errc::in_use, "the page is being used") : Status(Ok{});
  }
  batch.push_back(std::move(*own.value()));
  std::vector<Frame*> pinned;
  const std::size_t from = hand_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < frame_count_ && batch.size() < kEvictedAtOnce; ++i) {
    Frame& other = frames_[(from + i) % frame_count_];
    if (!other.is_changed() || !pin_idle(other)) continue;
    pinned.push_back(&other);
    auto writing = start_writing(other, IfBusy::skip);
    // What another page refuses is for whoever needs its frame.
    if (writing.ok() && writing.value()) batch.push_back(std::move(*writing.value()));
  }
  Status written = finish_writing(batch);
  for (Frame* other : pinned) unpin(*other);
  return written;
}

// Copies the page under its latch, so that who changes it waits for the copy and not for the disk.
// Whoever evicts may hold latches that the holder of this one wants, so it never waits for it.
Result<std::optional<PageCache::Writing>> PageCache::start_writing(Frame& frame, IfBusy if_busy) {
  std::unique_lock alone(frame.write_mutex, std::defer_lock);
  if (if_busy == IfBusy::wait) {
    alone.lock();
    frame.latch.lock(LatchMode::shared);
  } else if (!alone.try_lock() || !frame.latch.try_lock(LatchMode::shared)) {
    return std::optional<Writing>();
  }
  const Key key = frame.key.load(std::memory_order_acquire);
  Writing writing{&frame, key, std::move(alone), {}, {}};
  PageStore* store = store_of(Dbid(key >> 32));
  Result<std::optional<Lgpos>> needed = std::optional<Lgpos>();
  if (store != nullptr && frame.is_changed()) {
    needed = store->before_write(Pgno{static_cast<std::uint32_t>(key)}, {frame.bytes, page_bytes_});
  }
  const auto last = needed.ok() ? begin_write(frame, writing.copy) : std::nullopt;
  frame.latch.unlock(LatchMode::shared);
  if (!needed.ok()) return needed.error();
  if (!last) return std::optional<Writing>();
  writing.last = std::max(*last, needed.value().value_or(Lgpos{}));
  return std::optional(std::move(writing));
}

Status PageCache::finish_writing(std::vector<Writing>& batch) {
  if (batch.empty()) return Ok{};
  Lgpos last;
  for (const Writing& writing : batch) last = std::max(last, writing.last);
  Status written = log_.make_durable(last);
  if (written.ok()) written = write_copies(batch);
  for (const Writing& writing : batch) end_write(*writing.frame, written.ok(), writing.last);
  batch.clear();
  return written;
}

// In the order of the files, each database by itself.
Status PageCache::write_copies(std::vector<Writing>& batch) {
  std::sort(batch.begin(), batch.end(),
            [](const Writing& a, const Writing& b) { return a.key < b.key; });
  std::vector<PageToWrite> pages;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    pages.push_back({Pgno{static_cast<std::uint32_t>(batch[i].key)}, batch[i].copy});
    const Dbid db{static_cast<std::uint8_t>(batch[i].key >> 32)};
    if (i + 1 < batch.size() && Dbid(batch[i + 1].key >> 32) == db) continue;
    if (PageStore* store = store_of(db)) {
      if (Status s = store->write(pages); !s.ok()) return s;
    }
    pages.clear();
  }
  return Ok{};
}

// The position up to which the log must be durable before `copy` may be written; nothing when the
// page has not changed.
std::optional<Lgpos> PageCache::begin_write(Frame& frame, std::vector<std::byte>& copy) {
  const std::lock_guard lock(frame.change_mutex);
  if (!frame.changed) return {};
  copy.assign(frame.bytes, frame.bytes + page_bytes_);
  frame.changed = false;
  frame.first_in_flight = frame.first_change;
  return frame.last_change;
}

void PageCache::end_write(Frame& frame, bool written, Lgpos last) {
  const std::lock_guard lock(frame.change_mutex);
  if (!written) {  // as if it had never been tried
    frame.first_change = frame.changed ? std::min(*frame.first_in_flight, frame.first_change)
                                       : *frame.first_in_flight;
    if (!frame.changed) frame.last_change = last;
    frame.changed = true;
  }
  frame.first_in_flight.reset();
  writes_.fetch_add(1, std::memory_order_relaxed);
}

Status PageCache::write_changed(std::optional<Lgpos> until) {
  Status outcome = Ok{};
  // In the order of the file: disks like that better, and so does a reader of what a crash left.
  std::vector<std::pair<Key, Frame*>> changed;
  for (std::size_t i = 0; i < frame_count_; ++i) {
    Frame& frame = frames_[i];
    const auto oldest = frame.oldest_change();
    if (oldest && (!until || *oldest < *until)) changed.emplace_back(frame.key.load(), &frame);
  }
  std::sort(changed.begin(), changed.end());
  std::vector<Writing> batch;
  std::vector<Frame*> pinned;
  const auto write_batch = [&] {
    if (Status s = finish_writing(batch); !s.ok() && outcome.ok()) outcome = s;
    for (Frame* frame : pinned) unpin(*frame);
    pinned.clear();
  };
  for (const auto& [key, frame] : changed) {
    Frame* found = find_pinned(key);
    if (found == nullptr) continue;  // evicted, and so written, meanwhile
    auto writing = start_writing(*found, IfBusy::skip);
    if (writing.ok() && !writing.value()) {
      write_batch();  // who waits for a page holds no other: somebody may wait for those
      writing = start_writing(*found, IfBusy::wait);
    }
    pinned.push_back(found);
    if (!writing.ok() && outcome.ok()) outcome = writing.error();
    if (writing.ok() && writing.value()) batch.push_back(std::move(*writing.value()));
    if (batch.size() == kWrittenAtOnce) write_batch();
  }
  write_batch();
  return outcome;
}

std::optional<Lgpos> PageCache::oldest_change() const {
  std::optional<Lgpos> oldest;
  for (std::size_t i = 0; i < frame_count_; ++i) {
    const auto own = frames_[i].oldest_change();
    if (own && (!oldest || *own < *oldest)) oldest = own;
  }
  return oldest;
}

PageStore* PageCache::store_of(Dbid db) const noexcept {
  return stores_[static_cast<std::size_t>(db)].load(std::memory_order_acquire);
}

PageCacheStats PageCache::stats() const noexcept {
  PageCacheStats stats{0, misses_.load(), writes_.load(), evictions_.load()};
  for (std::size_t i = 0; i < kShards; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    stats.hits += shards_[i].hits;
  }
  return stats;
}

}  // namespace stillframe::ese
