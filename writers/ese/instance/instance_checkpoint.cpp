// What the background does: cleaning up, and keeping the way of a recovery short.
#include <algorithm>
#include <chrono>

#include "writers/ese/instance/instance.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kVersionsAtOnce = 10000;
constexpr std::size_t kFewVersions = 16;  // parts of the store, of which one may be in use
constexpr int kRoundsMax = 100;           // of cleaning up at once
// A round that takes longer waits for something else, and perhaps for who waits for it.
constexpr std::chrono::milliseconds kWaitForRoom{1000};

// Positions as bytes of the log, roughly: by segments.
std::uint64_t segments_of(Lgpos at, std::uint16_t file_segments) {
  return static_cast<std::uint64_t>(at.generation) * file_segments + at.isec;
}

Lgpos from_segments(std::uint64_t segments, std::uint16_t file_segments) {
  return {0, static_cast<std::uint16_t>(segments % file_segments),
          Generation{static_cast<std::int32_t>(segments / file_segments)}};
}

}  // namespace

Status Instance::maintain() {
  const std::lock_guard admin(admin_mutex_);
  const Status done = maintain_all();
  tell_maintenance(done);
  return done;
}

// Rounds come several times a second, and what one cannot do the next one often cannot either: it
// is told again only when it is something else.
void Instance::tell_maintenance(const Status& done) {
  std::optional<std::pair<Errc, std::int32_t>> trouble;
  if (!done.ok()) trouble = {done.error().code(), done.error().application_code()};
  if (trouble == background_trouble_) return;
  background_trouble_ = trouble;
  if (done.ok()) {
    events_.tell(EngineEvent::background_works_again, EventLevel::info,
                 "the work in the background succeeds again");
  } else {
    events_.tell(EngineEvent::background_failed, EventLevel::error,
                 "the work in the background failed and is tried again: " + done.error().what());
  }
}

Status Instance::maintain_all() {
  if (databases_.empty()) return Ok{};
  if (Status s = forget_old_versions(); !s.ok()) {
    return s.error().while_doing("cleaning up");
  }
  const std::uint16_t file_segments = log_->header().fields.file_segments;
  const std::uint64_t depth = options_.checkpoint_depth / kLogSegmentBytes;
  const std::uint64_t end = segments_of(log_->end(), file_segments);
  if (end - segments_of(attachments_.checkpoint(), file_segments) <= depth) return Ok{};
  // Half of it, so that not every round has to.
  const Lgpos until = from_segments(end - depth / 2, file_segments);
  if (Status s = cache_->write_changed(until); !s.ok()) {
    return s.error().while_doing("writing pages");
  }
  Status advanced = advance_checkpoint();
  return advanced.ok() ? advanced : advanced.error().while_doing("advancing the checkpoint");
}

Status Instance::flush() {
  const std::lock_guard admin(admin_mutex_);
  if (Status s = cache_->write_changed(); !s.ok()) return s;
  return advance_checkpoint();
}

// A version keeps its page from being written before its commit is durable; so that comes first.
// Only as far as commits go: what an open transaction has logged would be synced for nothing.
Result<std::size_t> Instance::clean_up_once() {
  const Trx oldest = transactions_.oldest_needed();
  if (Status s = log_->make_durable(transactions_.last_commit()); !s.ok()) return s.error();
  const auto settled = versions_.purge(oldest, kVersionsAtOnce);
  for (const auto& database : databases_) {
    if (Status s = database->catalog().clean_up(settled); !s.ok()) return s.error();
  }
  return settled.size();
}

// One round, and more while there is much to forget: who writes fast makes more versions in a
// pause than one round takes.
Status Instance::forget_old_versions() {
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::size_t before = versions_.bytes();
    if (auto cleaned = clean_up_once(); !cleaned.ok()) return cleaned.error();
    const std::size_t now = versions_.bytes();
    if (now >= before || now < options_.version_bytes / kFewVersions) return Ok{};
  }
  return Ok{};
}

// A writer that is faster than the background would fill the store though all it did has ended. It
// waits before it begins something, where it holds nothing that the background needs.
void Instance::make_room_for_versions() {
  const std::size_t bytes = versions_.bytes();
  if (bytes <= options_.version_bytes / 2) return;
  if (bytes <= options_.version_bytes / 4 * 3) return background_.wake();
  background_.hurry(kWaitForRoom);
}

Status Instance::clean_up() {
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::size_t before = versions_.versions();
    const auto cleaned = clean_up_once();
    if (!cleaned.ok()) return cleaned.error();
    if (cleaned.value() == 0 && versions_.versions() == before) return Ok{};
  }
  return Ok{};
}

Status Instance::sync_databases() {
  for (const auto& database : databases_) {
    if (Status s = database->store().sync(); !s.ok()) return s;
  }
  return Ok{};
}

// The end of the log before looking, then transactions, then pages: one that ends between the two
// looks has changed its pages before, and one that begins after the first begins behind that end.
Status Instance::advance_checkpoint() {
  Lgpos oldest = log_->end();
  const auto keep_back = [&oldest](const std::optional<Lgpos>& at) {
    if (at) oldest = std::min(oldest, *at);
  };
  keep_back(attachments_.oldest_unsettled());
  keep_back(transactions_.oldest_in_log());
  keep_back(cache_->oldest_change());
  if (oldest <= attachments_.checkpoint()) return Ok{};
  // What was written is in the files only now, and what the checkpoint says in the log: also how
  // those ended that are not kept back any more. Without a commit that was not waited for, recovery
  // would begin behind the transaction's beginning and could not take it back.
  if (Status s = sync_databases(); !s.ok()) return s;
  if (Status s = log_->make_all_durable(); !s.ok()) return s;
  for (const auto& database : databases_) {
    if (Status s = database->need_logs_from(oldest.generation); !s.ok()) return s;
  }
  return write_checkpoint(oldest, false);
}

Status Instance::write_checkpoint(Lgpos at, bool in_order) {
  Checkpoint checkpoint;
  checkpoint.fields.checkpoint = at;
  checkpoint.fields.log = log_->header().fields.log;
  checkpoint.fields.environment = environment();
  checkpoint.fields.database_consistency = at;
  if (!in_order) {
    checkpoint.fields.flags = CheckpointFields::kAttachmentsValid;
    checkpoint.attachments = attachments_.at(at);
  }
  if (Status s = checkpoint_writer_.write(checkpoint); !s.ok()) {
    return s.error().while_doing("writing the checkpoint");
  }
  attachments_.set_checkpoint(at);
  attachments_.forget_before(at);
  if (!options_.circular) return Ok{};
  const auto removed = remove_spent_logs(at.generation);
  return removed.ok() ? Status(Ok{}) : Status(removed.error());
}

}  // namespace stillframe::ese
