#include "framework/chunkstore/store_reader.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/store_key.hpp"

namespace stillframe::chunkstore {

namespace {

// How often a container may be replaced by its next generation between looking for its name and
// opening it. Each takes a whole collection.
constexpr int kTriesMax = 8;

}  // namespace

Result<std::unique_ptr<StoreReader>> StoreReader::open(Files& files, const BytePath& folder,
                                                       std::size_t footer_memory_bytes,
                                                       std::shared_ptr<const StoreCipher> cipher) {
  const auto record = CommitFile::read_last(files, folder);
  if (!record.ok()) return record.error();
  if (Status s = expect_cipher(record.value(), cipher != nullptr, folder); !s.ok()) {
    return s.error();
  }
  std::unique_ptr<StoreReader> reader(
      new StoreReader(files, folder, record.value(), footer_memory_bytes, std::move(cipher)));
  reader->record_.number = 0;  // nothing of it was taken yet
  if (Status s = reader->refresh(); !s.ok()) return s.error();
  return reader;
}

StoreReader::StoreReader(Files& files, const BytePath& folder, const CommitRecord& record,
                         std::size_t footer_memory_bytes, std::shared_ptr<const StoreCipher> cipher)
    : ChunkSource(cipher),
      files_(files),
      folder_(folder),
      cipher_(std::move(cipher)),
      record_(record),
      sealed_(files, join_path(folder, "containers"), record.store, footer_memory_bytes, cipher_) {}

Result<StreamReader> StoreReader::read_stream(StreamId id) {
  auto root = read_map(id.map, 1);
  if (!root.ok()) return root.error().while_doing("open a stream");
  return StreamReader(*this, std::move(root).value());
}

// A container that the record calls open may be sealed, collected and gone before it is opened:
// then there is a newer record. If there is none, the container is lost and the rest is not.
Status StoreReader::refresh() {
  for (int i = 0; i < kTriesMax; ++i) {
    const auto record = CommitFile::read_last(files_, folder_);
    if (!record.ok()) return record.error();
    if (record.value().number == record_.number) return Ok{};
    if (Status s = take(record.value()); !s.ok()) return s;
    const bool missing = std::any_of(unsealed_.begin(), unsealed_.end(), [](const Unsealed& each) {
      return each.damage && each.damage->code() == Errc::not_found;
    });
    if (!missing) break;
  }
  return Ok{};
}

Status StoreReader::take(const CommitRecord& record) {
  std::array<Unsealed, 2> unsealed = {
      open_unsealed(record.data, ContainerKind::data),
      open_unsealed(record.stream_maps, ContainerKind::stream_maps)};
  for (const Unsealed& each : unsealed) {
    if (each.damage && !is_damage(*each.damage)) return *each.damage;
  }
  if (Status s = list_containers(); !s.ok()) return s;
  unsealed_ = std::move(unsealed);
  record_ = record;
  return Ok{};
}

StoreReader::Unsealed StoreReader::open_unsealed(const OpenContainer& committed,
                                                 ContainerKind kind) const {
  Unsealed open;
  open.id = committed.id;
  if (committed.id == 0) return open;
  const BytePath path = join_path(folder_, "containers/" + container_file_name(committed.id, 1));
  auto file = files_.open(path, FileAccess::read);
  if (!file.ok()) {
    open.damage = file.error();
    return open;
  }
  open.file = std::move(file).value();
  const ContainerHeader header{kind, record_.store, committed.id, 1};
  if (Status s = check_container_header(*open.file, header); !s.ok()) {
    open.damage = s.error();
  } else if (auto table =
                 read_frame_tables(*open.file, committed.id, committed.valid_bytes, cipher_.get());
             !table.ok()) {
    open.damage = table.error();
  } else {
    open.table = std::move(table).value();
  }
  return open;
}

Status StoreReader::list_containers() {
  const auto names = files_.list(join_path(folder_, "containers"));
  if (!names.ok()) return names.error();
  std::map<std::uint32_t, std::uint32_t> generations;
  for (const BytePath& name : names.value()) {
    const auto file = parse_container_file_name(name);
    if (!file.ok()) continue;
    std::uint32_t& generation = generations[file.value().id];
    generation = std::max(generation, file.value().generation);
  }
  sealed_.set(std::move(generations));
  return Ok{};
}

Result<ChunkSource::Place> StoreReader::place_of(ChunkName name) {
  for (const Unsealed& open : unsealed_) {
    if (open.id != name.container || open.id == 0) continue;
    if (open.damage) return *open.damage;
    const FrameRecord* frame = open.table.frame_of(name.local_id);
    if (frame == nullptr) return no_such_chunk(name);
    return Place{*frame, 1, open.file.get(), nullptr};
  }
  if (name.container >= record_.next_container) return no_such_chunk(name);
  auto reader = sealed(name.container);
  if (!reader.ok()) return reader.error();
  return place_in(std::move(reader).value(), name);
}

Result<std::shared_ptr<const ContainerReader>> StoreReader::sealed(std::uint32_t id) {
  for (int i = 0;; ++i) {
    auto reader = sealed_.get(id);
    if (reader.ok() || reader.error().code() != Errc::not_found || i == kTriesMax) return reader;
    // Its next generation may have taken its place; if not, it is gone.
    const std::uint32_t before = sealed_.generation(id);
    if (Status s = list_containers(); !s.ok()) return s.error();
    if (sealed_.generation(id) == before) return reader;
  }
}

}  // namespace stillframe::chunkstore
