#include "framework/chunkstore/store.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/chunkstore/stream_reader.hpp"
#include "framework/chunkstore/stream_writer.hpp"

namespace stillframe::chunkstore {

Store::~Store() = default;

std::size_t Store::FingerprintHash::operator()(const Fingerprint& fingerprint) const noexcept {
  std::size_t value;
  std::memcpy(&value, fingerprint.data() + 8, sizeof value);
  return value;
}

Status Store::usable() const {
  if (!broken_) return Ok{};
  return Error(Errc::wrong_state,
               "the chunk store '" + escape_path(folder_) +
                   "' takes no more until it is opened again, since: " + broken_->what());
}

std::optional<ContainerWriter>& Store::writer(ContainerKind kind) {
  return kind == ContainerKind::data ? data_ : maps_;
}

BytePath Store::container_path(ContainerFile file) const {
  return join_path(folder_, "containers/" + container_file_name(file.id, file.generation));
}

// ---- writing

StreamWriter Store::write_stream(std::optional<StreamKind> kind) {
  return StreamWriter(*this, kind);
}

Result<Store::Added> Store::add_chunk(const Fingerprint& fingerprint, Bytes bytes) {
  if (const auto known = find_chunk(fingerprint)) return Added{*known, false};
  auto name = append(ContainerKind::data, fingerprint, bytes);
  if (!name.ok()) return name.error();
  return Added{name.value(), true};
}

Result<ChunkName> Store::add_map(const StreamMap& map) {
  const std::vector<std::byte> bytes = format_stream_map(map);
  const Bytes whole(bytes);
  Fingerprint fingerprint;
  stored_fingerprints({&whole, 1}, {&fingerprint, 1}, codec_.cipher());
  return append(ContainerKind::stream_maps, fingerprint, bytes);
}

// A container that cannot be read answers no, and so does one of which a collection is dropping the
// chunk: it is stored again.
std::optional<ChunkName> Store::find_chunk(const Fingerprint& fingerprint) {
  if (const auto found = recent_.find(fingerprint); found != recent_.end()) {
    return ChunkName{data_->header().id, found->second};
  }
  const std::lock_guard lock(mutex_);
  for (const std::uint32_t container : index_.candidates(fingerprint)) {
    const auto reader = sealed_.get(container);
    if (!reader.ok()) continue;
    const ChunkRecord* chunk = reader.value()->find(fingerprint);
    if (chunk == nullptr) continue;
    const ChunkName name{container, chunk->local_id};
    if (!collecting_ || collecting_->use(name)) return name;
  }
  return std::nullopt;
}

Result<ChunkName> Store::append(ContainerKind kind, const Fingerprint& fingerprint, Bytes bytes) {
  if (Status s = usable(); !s.ok()) return s.error();
  std::optional<ContainerWriter>& open = writer(kind);
  if (open && open->full_for(bytes.size(), options_.container_bytes)) {
    if (Status s = keep_failure(seal(kind)); !s.ok()) return s.error();
  }
  if (!open) {
    if (Status s = keep_failure(begin_container(kind)); !s.ok()) return s.error();
  }
  const auto local_id = keep_failure(open->add(fingerprint, bytes, codec_));
  if (!local_id.ok()) return local_id.error();
  if (kind == ContainerKind::data) recent_[fingerprint] = local_id.value();
  return ChunkName{open->header().id, local_id.value()};
}

Status Store::begin_container(ContainerKind kind) {
  if (next_container_ > kContainerIdMax) {
    return Error(Errc::limit_reached,
                 "the chunk store '" + escape_path(folder_) + "' has given out all container ids");
  }
  const ContainerHeader header{kind, commits_.last().store, next_container_, 1};
  auto created = ContainerWriter::create(files_, container_path({header.id, 1}), header,
                                         options_.compression, codec_.cipher());
  if (!created.ok()) return created.error();
  writer(kind).emplace(std::move(created).value());
  ++next_container_;
  new_names_ = true;
  return Ok{};
}

Status Store::seal(ContainerKind kind) {
  std::optional<ContainerWriter>& open = writer(kind);
  if (Status s = open->seal(codec_); !s.ok()) return s;
  const std::uint32_t id = open->header().id;
  const ContainerFile container{id, open->header().generation};
  if (Status s = directory_->set({container, static_cast<std::uint32_t>(open->bytes()),
                                  static_cast<std::uint32_t>(open->table().footer_bytes())});
      !s.ok()) {
    return s;
  }
  const std::lock_guard lock(mutex_);
  sealed_.add(container);
  if (kind == ContainerKind::data) {
    for (const ChunkRecord& chunk : open->table().chunks) index_.insert(chunk.fingerprint, id);
    recent_.clear();
  }
  open.reset();
  return Ok{};
}

// docs/formats/chunk-store.md has the order and what each crash leaves behind.
Status Store::commit() {
  if (Status s = usable(); !s.ok()) return s;
  for (const ContainerKind kind : {ContainerKind::data, ContainerKind::stream_maps}) {
    if (!writer(kind)) continue;
    if (Status s = keep_failure(writer(kind)->sync(codec_)); !s.ok()) return s;
  }
  if (new_names_) {
    if (Status s = keep_failure(files_.sync_directory(join_path(folder_, "containers"))); !s.ok()) {
      return s;
    }
    new_names_ = false;
  }
  if (Status s = keep_failure(directory_->sync()); !s.ok()) return s;
  const auto as_committed = [](const std::optional<ContainerWriter>& open) {
    if (!open) return OpenContainer{};
    return OpenContainer{open->header().id, static_cast<std::uint32_t>(open->bytes()),
                         open->next_local_id()};
  };
  CommitRecord record = commits_.last();
  record.next_container = next_container_;
  record.data = as_committed(data_);
  record.stream_maps = as_committed(maps_);
  if (record == commits_.last()) return Ok{};
  return keep_failure(commits_.commit(record));
}

StoreCounts Store::counts() const {
  const std::lock_guard lock(mutex_);
  StoreCounts counts;
  counts.chunks = index_.size() + recent_.size();
  counts.containers = sealed_.generations().size() + (data_ ? 1 : 0) + (maps_ ? 1 : 0);
  counts.damaged = damaged_.size();
  counts.index_bytes = index_.memory_bytes();
  return counts;
}

// ---- reading

Result<StreamReader> Store::read_stream(StreamId id) {
  auto root = read_map(id.map, 1);
  if (!root.ok()) return root.error().while_doing("open a stream");
  return StreamReader(*this, std::move(root).value());
}

Result<ChunkSource::Place> Store::place_of(ChunkName name) {
  for (std::optional<ContainerWriter>* open : {&data_, &maps_}) {
    if (!*open || (*open)->header().id != name.container) continue;
    if (Status s = keep_failure((*open)->flush(codec_)); !s.ok()) return s.error();
    const FrameRecord* frame = (*open)->table().frame_of(name.local_id);
    if (frame == nullptr) return no_such_chunk(name);
    return Place{*frame, (*open)->header().generation, &(*open)->file(), nullptr};
  }
  const std::lock_guard lock(mutex_);
  auto reader = sealed_.get(name.container);
  if (!reader.ok()) return reader.error();
  return place_in(std::move(reader).value(), name);
}

std::map<std::uint32_t, std::uint32_t> Store::sealed_generations() const {
  const std::lock_guard lock(mutex_);
  return sealed_.generations();
}

}  // namespace stillframe::chunkstore
