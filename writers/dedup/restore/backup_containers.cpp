#include "writers/dedup/restore/backup_containers.hpp"

#include <algorithm>
#include <utility>

#include "framework/chunkstore/frame.hpp"
#include "writers/dedup/restore/codes.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::uint64_t kReadBytesMax = std::uint64_t{4} << 20;
// Frames of stream maps that are kept, because one may lead to another in the same frame. Beyond
// that one may be read twice.
constexpr std::size_t kKeptFrameBytesMax = std::size_t{256} << 20;

using chunkstore::frame_payload_offset;

bool before(const WantedChunk& a, const WantedChunk& b) {
  return a.name.container != b.name.container ? a.name.container < b.name.container
                                              : a.name.local_id < b.name.local_id;
}

bool is_open(const chunkstore::OpenContainer& open, std::uint32_t id) {
  return open.id == id;
}

// The wanted chunks from the first on that are of one container, or of one chunk.
std::span<const WantedChunk> leading(std::span<const WantedChunk> wanted, bool of_one_chunk) {
  const auto end = std::find_if(wanted.begin(), wanted.end(), [&](const WantedChunk& each) {
    return each.name.container != wanted.front().name.container ||
           (of_one_chunk && each.name.local_id != wanted.front().name.local_id);
  });
  return wanted.first(static_cast<std::size_t>(end - wanted.begin()));
}

}  // namespace

struct BackupContainers::WantedFrame {
  chunkstore::FrameRecord record;
  std::span<const WantedChunk> wanted;
  std::vector<std::byte> bytes;  // as far as they came, if not at once
  std::uint64_t missing = 0;
  bool lost = false;
};

BackupContainers::~BackupContainers() = default;

// ---- where containers are

void BackupContainers::learn_places(const std::vector<std::uint32_t>& ids) {
  std::vector<std::uint32_t> sealed;
  for (const std::uint32_t id : ids) {
    if (containers_.count(id) > 0) continue;
    Container& container = containers_[id];
    container.file = {id, 1};
    if (id == 0 || id >= record_.next_container) {
      container.failed = DDP_E_NOT_FOUND;
    } else if (is_open(record_.data, id)) {
      container.table_end = record_.data.valid_bytes;
    } else if (is_open(record_.stream_maps, id)) {
      container.table_end = record_.stream_maps.valid_bytes;
    } else {
      sealed.push_back(id);
    }
    container.path = backup_store_path("containers/" + chunkstore::container_file_name(id, 1));
  }
  for (std::size_t i = 0, n = 1; i < sealed.size(); i += n, n = 1) {
    while (i + n < sealed.size() && sealed[i + n] == sealed[i] + n && n < 4096) ++n;
    learn_slots(std::span(sealed).subspan(i, n));
  }
}

// `ids` follow one another.
void BackupContainers::learn_slots(std::span<const std::uint32_t> ids) {
  std::vector<std::byte> bytes(ids.size() * chunkstore::kDirectorySlotBytes);
  const HRESULT hr = backup_.read(backup_store_path(chunkstore::kDirectoryFileName),
                                  chunkstore::directory_slot_offset(ids.front()), bytes);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Container& container = containers_[ids[i]];
    const auto slot = chunkstore::parse_directory_slot(
        Bytes(bytes).subspan(i * chunkstore::kDirectorySlotBytes, chunkstore::kDirectorySlotBytes));
    if (FAILED(hr)) {
      container.failed = hr;
    } else if (!slot.ok() || slot.value().container.id != ids[i]) {
      container.failed = slot.ok() ? DDP_E_FILE_CORRUPT : code_of_stored(slot.error());
    } else {
      container.file = slot.value().container;
      container.path =
          backup_store_path("containers/" + chunkstore::container_file_name(
                                                container.file.id, container.file.generation));
      container.table_end = slot.value().file_bytes;
      container.footer_bytes = slot.value().footer_bytes;
    }
  }
}

void BackupContainers::plan(const std::vector<std::uint32_t>& ids, bool ask) {
  std::vector<std::uint32_t> planned;
  std::vector<BytePath> paths;
  for (const std::uint32_t id : ids) {
    const bool is_known = std::any_of(plan_.begin(), plan_.end(),
                                      [&](const Step& step) { return step.container == id; });
    if (is_known || FAILED(containers_[id].failed)) continue;
    planned.push_back(id);
    paths.push_back(containers_[id].path);
  }
  if (planned.empty()) return;
  std::vector<DEDUP_CONTAINER_EXTENT> answered;
  if (ask) answered = backup_.order(paths);
  for (const PlanStep& step : make_read_plan(planned.size(), answered)) {
    plan_.push_back({planned[step.container], step.part});
  }
}

// ---- what they have

void BackupContainers::read_pieces(const Pieces& pieces, const Got& got, const Lost& lost) {
  std::vector<std::byte> bytes;
  for (const Step& step : plan_) {
    const auto needed = pieces.find(step.container);
    if (needed == pieces.end()) continue;
    Container& container = containers_[step.container];
    std::vector<DDP_FILE_EXTENT> reads = reads_in(needed->second, step.part, kReadBytesMax);
    for (std::size_t i = 0; i < reads.size(); ++i) {
      const auto offset = static_cast<std::uint64_t>(reads[i].Offset);
      bytes.resize(static_cast<std::size_t>(reads[i].Length));
      const HRESULT hr = backup_.read_container(container.path, std::span(reads).subspan(i), bytes);
      if (backup_.ended()) return;
      if (FAILED(hr)) {
        lost(container, {offset, offset + bytes.size()}, hr);
      } else {
        got(container, offset, bytes);
      }
    }
  }
}

// One part of it alone, because what it says decides what comes next.
HRESULT BackupContainers::read_now(Container& container, ByteRange part, MutableBytes into) {
  for (const Step& step : plan_) {
    if (step.container != container.file.id) continue;
    for (DDP_FILE_EXTENT& read : reads_in({&part, 1}, step.part, kReadBytesMax)) {
      const MutableBytes to = into.subspan(static_cast<std::uint64_t>(read.Offset) - part.begin,
                                           static_cast<std::size_t>(read.Length));
      const HRESULT hr = backup_.read_container(container.path, {&read, 1}, to);
      if (FAILED(hr)) return hr;
    }
  }
  return S_OK;
}

void BackupContainers::read_tables(const std::vector<std::uint32_t>& ids,
                                   chunkstore::ContainerKind kind) {
  Pieces pieces;
  for (const std::uint32_t id : ids) {
    Container& container = containers_[id];
    if (FAILED(container.failed) || container.tables_read) continue;
    container.header.resize(chunkstore::kContainerHeaderBytes);
    container.footer.resize(container.footer_bytes);
    pieces[id].push_back({0, container.header.size()});
    if (container.footer_bytes > 0) {
      pieces[id].push_back({container.table_end - container.footer_bytes, container.table_end});
    }
  }
  read_pieces(
      pieces,
      [](Container& container, std::uint64_t offset, Bytes bytes) {
        const std::uint64_t footer_at = container.table_end - container.footer_bytes;
        // A container without a frame has its footer directly behind its header.
        for (std::size_t i = 0; i < bytes.size(); ++i) {
          const std::uint64_t at = offset + i;
          if (at < container.header.size()) {
            container.header[at] = bytes[i];
          } else if (at >= footer_at && at - footer_at < container.footer.size()) {
            container.footer[at - footer_at] = bytes[i];
          }
        }
      },
      [](Container& container, ByteRange, HRESULT why) { container.failed = why; });
  for (const auto& [id, ranges] : pieces) {
    Container& container = containers_[id];
    container.tables_read = true;
    if (SUCCEEDED(container.failed) && !backup_.ended()) {
      container.failed = parse_tables(container, kind);
    }
    container.header = container.footer = {};
  }
}

HRESULT BackupContainers::parse_tables(Container& container, chunkstore::ContainerKind kind) {
  const auto header = chunkstore::parse_container_header(container.header);
  if (!header.ok()) return code_of_stored(header.error());
  const chunkstore::ContainerHeader expected{kind, record_.store, container.file.id,
                                             container.file.generation};
  if (!(header.value() == expected)) return DDP_E_INVALID_DATA;
  if (container.footer_bytes == 0) return walk_frames(container);
  const auto trailer = chunkstore::parse_trailer(container.footer, container.table_end);
  if (!trailer.ok()) return code_of_stored(trailer.error());
  if (trailer.value().footer_bytes() != container.footer_bytes) return DDP_E_FILE_CORRUPT;
  auto table = chunkstore::parse_footer(container.footer, trailer.value(), expected, cipher_.get());
  if (!table.ok()) return code_of_stored(table.error());
  if (trailer.value().encrypted && cipher_ == nullptr) return DDP_E_FILE_CORRUPT;
  container.table.frames = std::move(table.value().frames);
  return S_OK;
}

// From frame to frame, as far as the container was committed. What was read of a frame is kept, and
// only the rest of it is read if it is wanted.
HRESULT BackupContainers::walk_frames(Container& container) {
  std::vector<std::byte> ahead;  // from `at` on
  std::uint64_t at = chunkstore::kContainerHeaderBytes;
  std::uint32_t next_local_id = 0;
  const auto ensure = [&](std::size_t bytes) {
    const std::size_t had = ahead.size();
    if (bytes <= had) return HRESULT{S_OK};
    ahead.resize(bytes);
    return read_now(container, {at + had, at + bytes}, MutableBytes(ahead).subspan(had));
  };
  while (at < container.table_end) {
    const std::uint64_t left = container.table_end - at;
    const bool encrypted = cipher_ != nullptr;
    std::size_t bytes = std::min<std::uint64_t>(left, frame_payload_offset(16, encrypted));
    if (const HRESULT hr = ensure(bytes); FAILED(hr)) return hr;
    if (ahead.size() >= chunkstore::kFrameHeaderBytes) {
      const auto chunks = std::min<std::size_t>(load_le<std::uint16_t>(ahead.data() + 6),
                                                chunkstore::kFrameChunksMax);
      bytes = std::min<std::uint64_t>(left, frame_payload_offset(chunks, encrypted));
      if (const HRESULT hr = ensure(bytes); FAILED(hr)) return hr;
    }
    const auto frame =
        chunkstore::parse_frame_header(ahead, {container.file.id, at}, cipher_.get());
    if (!frame.ok()) return code_of_stored(frame.error());
    const auto& it = frame.value();
    if (it.chunks.empty()) return DDP_E_FILE_CORRUPT;  // encrypted, in a store that is not
    if (it.chunks.front().local_id < next_local_id || it.stored_bytes() > left) {
      return DDP_E_FILE_CORRUPT;
    }
    container.table.frames.push_back(
        {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(it.stored_bytes()),
         it.chunks.front().local_id, static_cast<std::uint32_t>(it.chunks.size())});
    next_local_id = it.chunks.back().local_id + 1;
    const std::size_t own = std::min(ahead.size(), it.stored_bytes());
    container.known[at].assign(ahead.begin(), ahead.begin() + static_cast<std::ptrdiff_t>(own));
    ahead.erase(ahead.begin(), ahead.begin() + static_cast<std::ptrdiff_t>(own));
    at += it.stored_bytes();
  }
  return S_OK;
}

// ---- chunks

void BackupContainers::find_frames(std::span<const WantedChunk> wanted, ChunkSink& sink,
                                   std::map<std::uint32_t, WantedFrames>& frames) {
  Container& container = containers_[wanted.front().name.container];
  if (FAILED(container.failed)) return sink.fail(wanted, container.failed);
  for (std::size_t i = 0, n = 0; i < wanted.size(); i += n) {
    const auto* record = container.table.frame_of(wanted[i].name.local_id);
    const auto* next = record == nullptr ? nullptr : record + 1;
    const auto* end = container.table.frames.data() + container.table.frames.size();
    for (n = 1; i + n < wanted.size(); ++n) {
      if (record == nullptr || (next != end && wanted[i + n].name.local_id >= next->first_local_id))
        break;
    }
    const auto part = wanted.subspan(i, n);
    if (record == nullptr) {
      sink.fail(part, DDP_E_NOT_FOUND);
      continue;
    }
    if (std::all_of(part.begin(), part.end(),
                    [&](const WantedChunk& each) { return sink.is_given_up(each); })) {
      continue;
    }
    frames[container.file.id][record->offset] = {*record, part, {}, record->stored_bytes, false};
  }
}

void BackupContainers::add_bytes(Container& container, WantedFrame& frame, std::uint64_t offset,
                                 Bytes bytes, ChunkSink& sink) {
  if (frame.lost) return;
  if (frame.bytes.empty()) frame.bytes.resize(frame.record.stored_bytes);
  std::copy(bytes.begin(), bytes.end(),
            frame.bytes.begin() + static_cast<std::ptrdiff_t>(offset - frame.record.offset));
  frame.missing -= bytes.size();
  if (frame.missing == 0) take_frame(container, frame, sink);
}

void BackupContainers::take_frame(Container& container, WantedFrame& frame, ChunkSink& sink) {
  const auto kept = container.frames.find(frame.record.offset);
  Result<chunkstore::Frame> parsed =
      kept != container.frames.end()
          ? Result<chunkstore::Frame>(kept->second)
          : chunkstore::parse_frame(frame.bytes, {container.file.id, frame.record.offset}, *codec_);
  std::vector<std::byte>().swap(frame.bytes);  // an empty list would leave the memory with it
  if (!parsed.ok()) return sink.fail(frame.wanted, code_of_stored(parsed.error()));
  const chunkstore::Frame& it = parsed.value();
  for (auto rest = frame.wanted; !rest.empty();) {
    const auto same = leading(rest, true);
    rest = rest.subspan(same.size());
    const auto found = it.find(same.front().name.local_id);
    if (found) {
      sink.take(same, *found->record, found->bytes);
    } else {
      sink.fail(same, DDP_E_NOT_FOUND);
    }
  }
  if (keeps_frames_ && kept == container.frames.end() &&
      kept_bytes_ + it.bytes.size() <= kKeptFrameBytesMax) {
    kept_bytes_ += it.bytes.size();
    container.frames.emplace(frame.record.offset, std::move(parsed).value());
  }
}

void BackupContainers::read(std::vector<WantedChunk> wanted, chunkstore::ContainerKind kind,
                            bool ask, ChunkSink& sink) {
  keeps_frames_ = kind == chunkstore::ContainerKind::stream_maps;
  std::stable_sort(wanted.begin(), wanted.end(), before);
  std::vector<std::uint32_t> ids;
  for (const WantedChunk& each : wanted) {
    if (ids.empty() || ids.back() != each.name.container) ids.push_back(each.name.container);
  }
  learn_places(ids);
  plan(ids, ask);
  if (!backup_.ended()) read_tables(ids, kind);
  if (backup_.ended()) return;
  std::map<std::uint32_t, WantedFrames> frames;
  for (std::span<const WantedChunk> rest(wanted); !rest.empty();) {
    const auto same = leading(rest, false);
    rest = rest.subspan(same.size());
    find_frames(same, sink, frames);
  }
  Pieces pieces;
  for (auto& [id, of_container] : frames) {
    Container& container = containers_[id];
    for (auto& [offset, frame] : of_container) {
      std::uint64_t begin = offset;
      if (container.frames.count(offset) > 0) {
        take_frame(container, frame, sink);
        continue;
      }
      if (const auto known = container.known.find(offset); known != container.known.end()) {
        begin += known->second.size();
        add_bytes(container, frame, offset, known->second, sink);
      }
      if (begin < offset + frame.record.stored_bytes) {
        pieces[id].push_back({begin, offset + frame.record.stored_bytes});
      }
    }
  }
  // The frames that a part of the container touches.
  const auto each_frame = [&](Container& container, ByteRange part, const auto& what) {
    WantedFrames& of_container = frames[container.file.id];
    auto at = of_container.upper_bound(part.begin);
    if (at != of_container.begin()) --at;
    for (; at != of_container.end() && at->first < part.end; ++at) {
      const ByteRange own{std::max(part.begin, at->first),
                          std::min(part.end, at->first + at->second.record.stored_bytes)};
      if (own.begin < own.end) what(at->second, own);
    }
  };
  read_pieces(
      pieces,
      [&](Container& container, std::uint64_t offset, Bytes bytes) {
        each_frame(container, {offset, offset + bytes.size()},
                   [&](WantedFrame& frame, ByteRange own) {
                     add_bytes(container, frame, own.begin,
                               bytes.subspan(own.begin - offset, own.bytes()), sink);
                   });
      },
      [&](Container& container, ByteRange part, HRESULT why) {
        each_frame(container, part, [&](WantedFrame& frame, ByteRange) {
          if (!std::exchange(frame.lost, true)) sink.fail(frame.wanted, why);
        });
      });
}

}  // namespace stillframe::dedup
