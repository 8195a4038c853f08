#include "framework/chunkstore/cut.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace stillframe::chunkstore {

namespace {

// Cuts are found at a rate of 1.6 in the mean's bytes; with the limits at half and twice the mean,
// and the few chunks without one cut at their best weak place, that makes chunks of the mean.
// Places are weak up to four times the threshold: one chunk in 15,000 has none of these either.
constexpr double kCutsPerMean = 1.6;
constexpr std::uint32_t kWeakFactor = 4;

constexpr std::uint32_t strong_below(ChunkProfile profile) {
  return static_cast<std::uint32_t>(kCutsPerMean * 4294967296.0 /
                                    static_cast<double>(mean_chunk_bytes(profile)));
}
static_assert(kCutConstant > kWeakFactor * strong_below(ChunkProfile::kib16),
              "zeros must not be cut");

std::size_t leading_zeros(Bytes bytes) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t step = std::min(kZeros.size(), bytes.size() - at);
    if (std::memcmp(bytes.data() + at, kZeros.data(), step) != 0) break;
    at += step;
  }
  const std::size_t end = std::min(bytes.size(), at + kZeros.size());
  while (at < end && bytes[at] == std::byte{0}) ++at;
  return at;
}

}  // namespace

std::size_t find_cut(Bytes data, ChunkProfile profile, const CutLoops& loops) {
  const std::size_t end = std::min(data.size(), max_chunk_bytes(profile));
  const std::uint32_t strong = strong_below(profile);
  std::uint32_t best = kWeakFactor * strong;  // only what is better matters from here on
  std::size_t best_at = end;
  for (std::size_t at = min_chunk_bytes(profile); at < end; ++at) {
    at = loops.find(data.data(), at, end, best);
    if (at == end) break;
    best = cut_hash(data.data() + at - kCutWindowBytes);
    best_at = at;
    if (best < strong) return at;
  }
  // The end of a stream is a cut as good as any; a full chunk falls back to its best weak place.
  return end == max_chunk_bytes(profile) ? best_at : end;
}

StreamCutter::StreamCutter(ChunkProfile profile, Cutting cutting, std::size_t batch_bytes,
                           Sink sink)
    : profile_(profile),
      cutting_(cutting),
      batch_bytes_(std::max(batch_bytes, 2 * max_chunk_bytes(profile))),
      sink_(std::move(sink)) {}

Status StreamCutter::write(Bytes bytes) {
  if (bytes.size() >= batch_bytes_) {
    if (Status s = write_in_place(bytes); !s.ok()) return s;
  }
  while (!bytes.empty()) {
    const std::size_t step = step_of(bytes.size());
    make_room(step);
    std::memcpy(buffer_.data() + filled_, bytes.data(), step);
    filled_ += step;
    bytes = bytes.subspan(step);
    if (filled_ < batch_bytes_) break;
    if (Status s = cut_gathered(false); !s.ok()) return s;
  }
  return Ok{};
}

// Without copying them, which would cost more than cutting them. Leaves of `bytes` less than half a
// batch: what was gathered takes some of a piece that is a whole one, and the rest has to be worth
// it still.
Status StreamCutter::write_in_place(Bytes& bytes) {
  cut_gathered_with(bytes);
  while (bytes.size() >= batch_bytes_ / 2) {
    const std::size_t done = cut(bytes.first(std::min(bytes.size(), batch_bytes_)), false);
    if (Status s = hand_on(); !s.ok()) return s;
    bytes = bytes.subspan(done);
  }
  return hand_on();
}

// What was gathered, of which nothing is left then, and as much of `bytes` as its last chunk takes.
// They are max_chunk_bytes() or more: with so many, no cut but those within `bytes` can be open.
// What the pieces refer to stays until they are handed on.
void StreamCutter::cut_gathered_with(Bytes& bytes) {
  if (filled_ == 0) return;
  const std::size_t before = filled_, more = max_chunk_bytes(profile_);
  make_room(more);
  std::memcpy(buffer_.data() + filled_, bytes.data(), more);
  const std::size_t done = cut(Bytes(buffer_).first(filled_ + more), false);
  bytes = bytes.subspan(done - before);
  filled_ = 0;
}

std::size_t StreamCutter::step_of(std::uint64_t wanted) const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, batch_bytes_ - filled_));
}

// Grows with what is written, up to a batch: most files are small.
void StreamCutter::make_room(std::size_t more) {
  if (filled_ + more <= buffer_.size()) return;
  buffer_.resize(std::max(filled_ + more, std::min(batch_bytes_, 2 * buffer_.size())));
}

// A run of zeros may be longer than any memory: once it is known to be one it is only counted.
Status StreamCutter::write_zeros(std::uint64_t count) {
  while (count > 0) {
    if (filled_ == 0 && zero_run_ > 0) {
      const std::uint64_t unit = cutting_ == Cutting::aligned ? mean_chunk_bytes(profile_) : 1;
      zero_run_ += count / unit * unit;
      count %= unit;
    }
    const std::size_t step = step_of(count);
    make_room(step);
    std::memset(buffer_.data() + filled_, 0, step);
    filled_ += step;
    count -= step;
    if (filled_ < batch_bytes_) break;
    if (Status s = cut_gathered(false); !s.ok()) return s;
  }
  return Ok{};
}

Status StreamCutter::finish(Bytes last) {
  if (last.size() < max_chunk_bytes(profile_) && filled_ > 0) {
    if (Status s = write(last); !s.ok()) return s;
    return cut_gathered(true);
  }
  if (last.size() >= batch_bytes_) {
    if (Status s = write_in_place(last); !s.ok()) return s;
  }
  cut_gathered_with(last);
  (void)cut(last, true);
  end_zero_run();
  return hand_on();
}

Status StreamCutter::cut_gathered(bool at_end) {
  const std::size_t done = cut(Bytes(buffer_).first(filled_), at_end);
  if (at_end) end_zero_run();
  const Status taken = hand_on();
  if (done < filled_) std::memmove(buffer_.data(), buffer_.data() + done, filled_ - done);
  filled_ -= done;
  return taken;
}

// Divides into pieces what later bytes cannot change, and at the end all there is. Returns how many
// bytes that were.
std::size_t StreamCutter::cut(Bytes bytes, bool at_end) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const Bytes ahead = bytes.subspan(done);
    const std::size_t zeros = zeros_to_elide(ahead, at_end);
    zero_run_ += zeros;
    done += zeros;
    if (zeros > 0) continue;
    if (!at_end && ahead.size() < max_chunk_bytes(profile_)) break;
    end_zero_run();
    const std::size_t length = cutting_ == Cutting::aligned
                                   ? std::min(ahead.size(), mean_chunk_bytes(profile_))
                                   : find_cut(ahead, profile_);
    pieces_.push_back({ahead.first(length), 0});
    done += length;
  }
  return done;
}

Status StreamCutter::hand_on() {
  const Status taken = pieces_.empty() ? Ok{} : sink_(pieces_);
  pieces_.clear();
  return taken;
}

// How many of the next bytes are, or go on with, a zero run. More bytes may add to it and never
// take back.
std::size_t StreamCutter::zeros_to_elide(Bytes ahead, bool at_end) const {
  const std::size_t zeros = leading_zeros(ahead);
  if (at_end && zeros == ahead.size()) return zeros;
  if (cutting_ == Cutting::aligned) return zeros - zeros % mean_chunk_bytes(profile_);
  return zero_run_ > 0 || zeros >= min_chunk_bytes(profile_) ? zeros : 0;
}

void StreamCutter::end_zero_run() {
  if (zero_run_ > 0) pieces_.push_back({{}, std::exchange(zero_run_, 0)});
}

}  // namespace stillframe::chunkstore
