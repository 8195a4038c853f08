// The pages in memory. A fixed number of frames, allocated once, hold pages of all databases of an
// instance; who wants a page pins and latches its frame through a PageRef. A changed page reaches
// its file only after the log that describes the change is durable.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/base/sanitized.hpp"
#include "writers/ese/engine/latch.hpp"
#include "writers/ese/engine/page_memory.hpp"
#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct PageToWrite {
  Pgno pgno{};
  MutableBytes page;  // a copy of the caller's, to be sealed in place
};

// Where the pages of one database come from and go to.
class PageStore {
 public:
  virtual ~PageStore() = default;
  // Fills `into` with the page, verified; a page of zeros is EseErr::page_not_initialized.
  virtual Status read(Pgno pgno, MutableBytes into) = 0;
  // Called with the page latched, so that it is as it will be written: up to where the log has to
  // be durable for that, beyond the page's own last change.
  virtual Result<std::optional<Lgpos>> before_write(Pgno, Bytes) { return std::optional<Lgpos>(); }
  // After an error any of them may be written, or not. Several at once may be cheaper.
  virtual Status write(std::span<const PageToWrite> pages) = 0;
};

// The log as the cache sees it: returns once everything up to `at` is durable.
class WriteAhead {
 public:
  virtual ~WriteAhead() = default;
  virtual Status make_durable(Lgpos at) = 0;
};

class PageCache;
struct PageFrame;

// A pinned and latched page. Gives both back when it goes.
class [[nodiscard]] PageRef {
 public:
  PageRef(PageRef&& other) noexcept;
  PageRef& operator=(PageRef&& other) noexcept;
  ~PageRef();

  Pgno pgno() const noexcept;
  Bytes bytes() const noexcept;
  // Changing a page, with the exclusive latch: begin_change() with where redo has to begin to carry
  // the change out, then the log record, then the change, then end_change() with the record's
  // position. The first keeps a checkpoint that is computed meanwhile from passing the record by.
  MutableBytes begin_change(Lgpos redo_from) noexcept;
  void end_change(Lgpos logged) noexcept;
  // For what no log and no file has to know of, with the exclusive latch: marks that mean something
  // in this process alone. It reaches the file with the page's next change, or never.
  MutableBytes unlogged_bytes() noexcept;
  LatchMode mode() const noexcept { return mode_; }
  // Without letting go in between; false if another thread reads the page too.
  bool try_upgrade() noexcept;

 private:
  friend class PageCache;
  PageRef(PageCache& cache, PageFrame& frame, LatchMode mode)
      : cache_(&cache), frame_(&frame), mode_(mode) {}
  void give_back() noexcept;

  PageCache* cache_;  // null when moved from
  PageFrame* frame_;
  LatchMode mode_;
};

struct PageCacheOptions {
  std::size_t page_bytes = 8192;
  std::size_t frames = 1024;  // the limit: no more pages than this are ever in memory
};

struct PageCacheStats {
  std::uint64_t hits = 0, misses = 0, writes = 0, evictions = 0;
};

class PageCache {
 public:
  PageCache(const PageCacheOptions& options, WriteAhead& log);
  ~PageCache();  // writes nothing: who wants that calls write_changed() before

  // A database takes part between attach() and detach(); `store` outlives that.
  void attach(Dbid db, PageStore& store);
  // Forgets its pages. The caller has written what was changed and holds no PageRef.
  void detach(Dbid db);

  // The page, read if it is not here. Waits for its latch, and for a frame while all are pinned up
  // to kFrameWait (then Errc::out_of_resources).
  Result<PageRef> fix(Dbid db, Pgno pgno, LatchMode mode);
  // The page as zeros, exclusive, whatever its file holds: for pages that are about to be made.
  Result<PageRef> fix_new(Dbid db, Pgno pgno);

  // Writes every page that was first changed before `until` (all, without one). Returns the first
  // failure; the pages it concerns stay changed. Syncing the files is the caller's.
  Status write_changed(std::optional<Lgpos> until = {});
  // The oldest first change of any page that is not in its file yet; redo has to begin there or
  // before.
  std::optional<Lgpos> oldest_change() const;

  std::size_t frames() const noexcept { return frame_count_; }
  PageCacheStats stats() const noexcept;

 private:
  friend class PageRef;
  struct Shard;
  using Frame = PageFrame;
  using Key = std::uint64_t;  // database and page number in one word, so that it can be atomic

  static Key key_of(Dbid db, Pgno pgno) noexcept;
  Shard& shard_of(Key key) noexcept;

  enum class Source { store, zeros };
  Result<PageRef> fix(Key key, LatchMode mode, Source source);
  Frame* find_pinned(Key key) noexcept;
  bool publish(Key key, Frame& frame);
  Status fill(Key key, Frame& frame, Source source);

  // A frame without a page, pinned by the caller alone.
  Result<Frame*> free_frame();
  Frame* unused_frame() noexcept;
  bool try_evict(Frame& frame, std::optional<Error>& refusal);
  void unpin(Frame& frame) noexcept;

  // A page on its way to its file, copied; nobody else writes it meanwhile.
  struct Writing {
    Frame* frame;
    Key key;
    std::unique_lock<std::mutex> alone;
    std::vector<std::byte> copy;
    Lgpos last;
  };
  enum class IfBusy { wait, skip };
  // Each page of a batch is locked; the thread sanitizer follows 64 locks of a thread at most.
  static constexpr std::size_t kWrittenAtOnce = kThreadSanitizer ? 48 : 256;
  static constexpr std::size_t kEvictedAtOnce = 16;

  Status write_with_others(Frame& frame);
  bool pin_idle(Frame& frame);
  // None if the page has not changed, or is busy and shall be skipped.
  Result<std::optional<Writing>> start_writing(Frame& frame, IfBusy if_busy);
  Status finish_writing(std::vector<Writing>& batch);
  Status write_copies(std::vector<Writing>& batch);
  std::optional<Lgpos> begin_write(Frame& frame, std::vector<std::byte>& copy);
  void end_write(Frame& frame, bool written, Lgpos last);
  PageStore* store_of(Dbid db) const noexcept;

  const std::size_t page_bytes_;
  const std::size_t frame_count_;
  WriteAhead& log_;
  PageMemory memory_;
  std::unique_ptr<Frame[]> frames_;
  std::unique_ptr<Shard[]> shards_;
  std::atomic<std::size_t> hand_{0};  // where the clock looks next

  std::mutex unused_mutex_;
  std::vector<Frame*> unused_;

  std::array<std::atomic<PageStore*>, 256> stores_{};  // by dbid
  std::atomic<std::uint64_t> misses_{0}, writes_{0}, evictions_{0};
};

}  // namespace stillframe::ese
