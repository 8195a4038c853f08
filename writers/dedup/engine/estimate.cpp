#include "writers/dedup/engine/estimate.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/chunkstore/fingerprint.hpp"
#include "framework/chunkstore/frame.hpp"
#include "framework/chunkstore/stream_kind.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::size_t kEstimatePieceBytes = std::size_t{1} << 20;

class Estimator {
 public:
  explicit Estimator(const EstimateOptions& options) : options_(options) {}

  Status consider(int root, const FoundFile& file) {
    const auto bytes = static_cast<std::uint64_t>(file.status.st_size);
    const std::int64_t modified_ns =
        std::int64_t{file.status.st_mtim.tv_sec} * 1'000'000'000 + file.status.st_mtim.tv_nsec;
    if (judge(options_.policy, file.path, {bytes, modified_ns}, options_.now_ns) !=
        PolicyVerdict::optimize) {
      ++estimate.excluded_files;
      estimate.excluded_bytes += bytes;
      return Ok{};
    }
    const std::uint64_t duplicates_before = duplicates_;
    if (Status s = read(root, file.path); !s.ok()) {
      estimate.failures.add(file.path, s.error());
      return Ok{};
    }
    ++estimate.files;
    if (duplicates_ != duplicates_before) ++estimate.files_with_duplicates;
    if (options_.progress) options_.progress(estimate);
    return Ok{};
  }

  Status end() { return pack(); }

  Estimate estimate;

 private:
  Status read(int root, const BytePath& path) {
    const auto file = open_beneath(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file.ok()) return file.error();
    std::vector<std::byte> piece(kEstimatePieceBytes);
    std::optional<chunkstore::StreamCutter> cutter;
    for (;;) {
      const ssize_t got = ::read(file.value().get(), piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return posix_error(errno, "read", path);
      const Bytes bytes(piece.data(), static_cast<std::size_t>(got));
      if (!cutter) {
        const auto kind = chunkstore::stream_kind(
            bytes.first(std::min(bytes.size(), chunkstore::kStreamKindBytes)));
        cutter.emplace(options_.profile, chunkstore::best_cutting(kind), kEstimatePieceBytes,
                       [this](std::span<const chunkstore::Piece> pieces) { return take(pieces); });
      }
      if (got == 0) return cutter->finish();
      estimate.bytes += bytes.size();
      if (Status s = cutter->write(bytes); !s.ok()) return s;
    }
  }

  Status take(std::span<const chunkstore::Piece> pieces) {
    std::vector<Bytes> chunks;
    for (const chunkstore::Piece& piece : pieces) {
      estimate.zero_bytes += piece.zeros;
      if (!piece.bytes.empty()) chunks.push_back(piece.bytes);
    }
    std::vector<chunkstore::Fingerprint> names(chunks.size());
    chunkstore::fingerprints(chunks, names);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      ++estimate.chunks;
      if (!known_.insert(names[i]).second) {
        ++duplicates_;
        continue;
      }
      ++estimate.distinct_chunks;
      estimate.distinct_bytes += chunks[i].size();
      frame_.insert(frame_.end(), chunks[i].begin(), chunks[i].end());
      if (frame_.size() < chunkstore::kFrameFilledBytes) continue;
      if (Status s = pack(); !s.ok()) return s;
    }
    return Ok{};
  }

  // Chunks are compressed together, as in a container.
  Status pack() {
    if (frame_.empty()) return Ok{};
    std::vector<std::byte> room(frame_.size());
    const auto packed = codec_.compress(frame_, chunkstore::Compression::zstd, room);
    estimate.compressed_bytes +=
        packed.how == chunkstore::Compression::none ? frame_.size() : packed.bytes;
    frame_.clear();
    return Ok{};
  }

  const EstimateOptions& options_;
  std::set<chunkstore::Fingerprint> known_;
  std::uint64_t duplicates_ = 0;
  std::vector<std::byte> frame_;
  chunkstore::FrameCodec codec_;
};

}  // namespace

Result<Estimate> estimate_folder(const BytePath& folder, const EstimateOptions& options) {
  const auto root = open_directory(folder);
  if (!root.ok()) return root.error();
  Estimator estimator(options);
  const Status walked = for_each_file(
      root.value().get(),
      [&](const BytePath& below) { return !excludes_folder(options.policy, below); },
      [&](const FoundFile& file) { return estimator.consider(root.value().get(), file); });
  if (!walked.ok()) return walked.error();
  if (Status s = estimator.end(); !s.ok()) return s.error();
  return std::move(estimator.estimate);
}

}  // namespace stillframe::dedup
