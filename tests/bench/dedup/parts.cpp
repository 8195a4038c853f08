#include "tests/bench/dedup/parts.hpp"

#include <algorithm>
#include <ctime>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "framework/chunkstore/fingerprint.hpp"
#include "framework/chunkstore/frame.hpp"
#include "framework/chunkstore/stream_kind.hpp"
#include "framework/chunkstore/stream_writer.hpp"
#include "framework/io/file.hpp"
#include "tests/bench/dedup/own_store.hpp"

namespace stillframe::dedup::bench {

namespace {

using namespace chunkstore;

double processor_now() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <class Work>
auto timed(double& seconds, const Work& work) {
  const double begin = processor_now();
  auto result = work();
  seconds += processor_now() - begin;
  return result;
}

// One part after the other over a piece that stays in the processor's cache between them, as in a
// store.
class PartsOf {
 public:
  PartsOf(ChunkProfile profile, Descriptor scratch)
      : profile_(profile), scratch_(std::move(scratch)) {}

  Status take(const std::string& path) {
    const auto file = open_file(path, O_RDONLY);
    if (!file.ok()) return file.error();
    std::optional<Cutting> cutting;
    for (off_t at = 0;;) {
      const ssize_t got = timed(parts_.read, [&] {
        return ::pread(file.value().get(), piece_.data(), piece_.size(), at);
      });
      if (got < 0) return Error(Errc::io, "cannot read '" + path + "'");
      const Bytes bytes = Bytes(piece_).first(static_cast<std::size_t>(got));
      if (!cutting) {
        cutting = best_cutting(stream_kind(bytes.first(std::min(bytes.size(), kStreamKindBytes))));
      }
      parts_.bytes += static_cast<double>(got);
      if (Status s = take_piece(bytes, *cutting); !s.ok()) return s;
      if (static_cast<std::size_t>(got) < piece_.size()) return Ok{};
      at += got;
    }
  }

  Result<Parts> finish() {
    if (Status s = write_frame(); !s.ok()) return s.error();
    return parts_;
  }

 private:
  Status take_piece(Bytes bytes, Cutting cutting) {
    std::vector<Bytes> chunks;
    const Status cut = timed(parts_.cut, [&] {
      StreamCutter cutter(profile_, cutting, kStreamPieceBytes, [&](std::span<const Piece> pieces) {
        for (const Piece& piece : pieces) {
          if (piece.zeros == 0) chunks.push_back(piece.bytes);
        }
        return Status(Ok{});
      });
      return cutter.finish(bytes);
    });
    if (!cut.ok()) return cut;
    std::vector<Fingerprint> sums(chunks.size());
    timed(parts_.fingerprints, [&] {
      fingerprints(chunks, sums);
      return 0;
    });
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (!known_.insert(sums[i]).second) continue;
      frame_.insert(frame_.end(), chunks[i].begin(), chunks[i].end());
      if (frame_.size() < kFrameFilledBytes) continue;
      if (Status s = write_frame(); !s.ok()) return s;
    }
    return Ok{};
  }

  Status write_frame() {
    if (frame_.empty()) return Ok{};
    room_.resize(frame_.size());
    const auto packed =
        timed(parts_.compress, [&] { return codec_.compress(frame_, Compression::zstd, room_); });
    const ssize_t written = timed(parts_.write, [&] {
      return ::pwrite(scratch_.get(), room_.data(), packed.bytes, written_);
    });
    if (written != static_cast<ssize_t>(packed.bytes)) return Error(Errc::io, "cannot write");
    written_ += written;
    frame_.clear();
    return Ok{};
  }

  const ChunkProfile profile_;
  const Descriptor scratch_;
  FrameCodec codec_;
  Parts parts_;
  std::vector<std::byte> piece_ = std::vector<std::byte>(kStreamPieceBytes);
  std::vector<std::byte> frame_, room_;
  std::set<Fingerprint> known_;
  off_t written_ = 0;
};

}  // namespace

Result<Parts> measure_parts(const std::string& folder, ChunkProfile profile,
                            const std::string& scratch) {
  auto file = open_file(scratch, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (!file.ok()) return file.error();
  (void)::unlink(scratch.c_str());
  PartsOf parts(profile, std::move(file).value());
  for (const std::string& path : files_below(folder)) {
    if (Status s = parts.take(folder + "/" + path); !s.ok()) return s.error();
  }
  return parts.finish();
}

}  // namespace stillframe::dedup::bench
