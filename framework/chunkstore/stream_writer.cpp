#include "framework/chunkstore/stream_writer.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace stillframe::chunkstore {

struct StreamWriter::State {
  State(Store& its_store, std::optional<StreamKind> its_kind) : store(its_store), kind(its_kind) {
    store.unfinished_.insert(&maps);
  }
  ~State() { leave(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // What a finished stream names, its caller answers for; and the store may go before its writer.
  void leave() {
    if (!finished) store.unfinished_.erase(&maps);
    finished = true;
  }

  Status begin(Bytes first_bytes);
  Status begin_with_head();
  Status take(std::span<const Piece> pieces);
  Status add(const Extent& extent);
  Status end_part();
  Result<ChunkName> finish_maps();

  Store& store;
  const std::optional<StreamKind> kind;  // as the caller said
  std::vector<std::byte> head;           // until there is enough of it to tell the kind
  std::optional<StreamCutter> cutter;
  UnfinishedStream maps;
  bool finished = false;
  WrittenStream written;
  std::vector<Bytes> chunks;
  std::vector<Fingerprint> sums;
};

StreamWriter::StreamWriter(Store& store, std::optional<StreamKind> kind)
    : state_(std::make_unique<State>(store, kind)) {}
StreamWriter::StreamWriter(StreamWriter&&) noexcept = default;
StreamWriter::~StreamWriter() = default;

Status StreamWriter::write(Bytes bytes) {
  State& it = *state_;
  if (!it.cutter && it.head.empty() && bytes.size() >= kStreamKindBytes) {
    if (Status s = it.begin(bytes.first(kStreamKindBytes)); !s.ok()) return s;
  }
  if (!it.cutter) {
    const std::size_t step = std::min(bytes.size(), kStreamKindBytes - it.head.size());
    it.head.insert(it.head.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(step));
    bytes = bytes.subspan(step);
    if (it.head.size() < kStreamKindBytes) return Ok{};
    if (Status s = it.begin_with_head(); !s.ok()) return s;
  }
  return it.cutter->write(bytes);
}

Status StreamWriter::write_zeros(std::uint64_t count) {
  State& it = *state_;
  if (!it.cutter) {
    const auto step =
        static_cast<std::size_t>(std::min<std::uint64_t>(count, kStreamKindBytes - it.head.size()));
    it.head.resize(it.head.size() + step);
    count -= step;
    if (it.head.size() < kStreamKindBytes) return Ok{};
    if (Status s = it.begin_with_head(); !s.ok()) return s;
  }
  return it.cutter->write_zeros(count);
}

Result<WrittenStream> StreamWriter::finish(Bytes last) {
  State& it = *state_;
  if (!it.cutter && it.head.empty()) {
    const Status begun = it.begin(last.first(std::min(last.size(), kStreamKindBytes)));
    if (!begun.ok()) return begun.error();
  }
  if (!it.cutter) {
    if (Status s = write(last); !s.ok()) return s.error();
    last = {};
  }
  if (!it.cutter) {
    if (Status s = it.begin_with_head(); !s.ok()) return s.error();
  }
  if (Status s = it.cutter->finish(last); !s.ok()) return s.error();
  const auto map = it.finish_maps();
  if (!map.ok()) return map.error();
  it.written.id = {map.value()};
  it.leave();
  return it.written;
}

Status StreamWriter::State::begin_with_head() {
  const std::vector<std::byte> first = std::exchange(head, {});
  if (Status s = begin(first); !s.ok()) return s;
  return cutter->write(first);
}

// Knows the kind from its first bytes, which are yet to be written.
Status StreamWriter::State::begin(Bytes first_bytes) {
  written.kind = kind.value_or(stream_kind(first_bytes));
  written.cutting = best_cutting(written.kind);
  maps.part = {0, written.kind, written.cutting, store.profile(), {}};
  maps.root = maps.part;
  maps.root.level = 1;
  cutter.emplace(store.profile(), written.cutting, kStreamPieceBytes,
                 [this](std::span<const Piece> pieces) { return take(pieces); });
  return Ok{};
}

Status StreamWriter::State::take(std::span<const Piece> pieces) {
  if (Status s = store.usable(); !s.ok()) return s;
  chunks.clear();
  for (const Piece& piece : pieces) {
    if (piece.zeros == 0) chunks.push_back(piece.bytes);
  }
  sums.resize(chunks.size());
  stored_fingerprints(chunks, sums, store.codec_.cipher());
  std::size_t next = 0;
  for (const Piece& piece : pieces) {
    Extent extent{{}, piece.zeros, 0};
    if (piece.zeros > 0) {
      written.zero_bytes += piece.zeros;
    } else {
      const Fingerprint& sum = sums[next++];
      const auto added = store.add_chunk(sum, piece.bytes);
      if (!added.ok()) return added.error();
      extent = {added.value().name, piece.bytes.size(), fingerprint_tag(sum)};
      ++written.chunks;
      written.new_chunks += added.value().is_new ? 1 : 0;
      written.new_bytes += added.value().is_new ? piece.bytes.size() : 0;
    }
    written.bytes += extent.bytes;
    if (Status s = add(extent); !s.ok()) return s;
  }
  return Ok{};
}

Status StreamWriter::State::add(const Extent& extent) {
  if (maps.part.extents.size() == kMapExtentsMax) {
    if (Status s = end_part(); !s.ok()) return s;
  }
  maps.part.extents.push_back(extent);
  return Ok{};
}

Status StreamWriter::State::end_part() {
  if (maps.root.extents.size() == kMapPartsMax) {
    return Error(Errc::limit_reached, "the stream has more chunks than a stream map can name, " +
                                          std::to_string(written.bytes) + " bytes so far");
  }
  const auto name = store.add_map(maps.part);
  if (!name.ok()) return name.error();
  maps.root.extents.push_back({name.value(), maps.part.bytes(), 0});
  maps.part.extents.clear();
  return Ok{};
}

Result<ChunkName> StreamWriter::State::finish_maps() {
  if (maps.root.extents.empty()) return store.add_map(maps.part);
  if (Status s = end_part(); !s.ok()) return s.error();
  return store.add_map(maps.root);
}

}  // namespace stillframe::chunkstore
