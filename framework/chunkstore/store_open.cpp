#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/chunkstore/store.hpp"

namespace stillframe::chunkstore {

bool is_damage(const Error& error) {
  switch (error.code()) {
    case Errc::corrupt:
    case Errc::truncated:
    case Errc::future_version:
    case Errc::not_found:
    case Errc::io:
      return true;
    default:
      return false;
  }
}

// The key comes before the record that says that there is a store, and never in place of that of
// another.
Status Store::create(Files& files, const BytePath& folder, ChunkProfile profile,
                     const std::optional<Key256>& key, const RandomBytes& random) {
  if (Status s = CommitFile::expect_none(files, folder); !s.ok()) return s;
  if (Status s = files.make_directory(join_path(folder, "containers")); !s.ok()) return s;
  for (const BytePath& holder : {parent_path(folder), folder}) {
    if (Status s = files.sync_directory(holder); !s.ok()) return s;
  }
  CommitRecord first;
  first.profile = profile;
  first.store = generate_uuid();
  first.encrypted = key.has_value();
  if (key) {
    const KeyRecord record = encrypt_data_key(first.store, Key256::drawn(random), *key, random);
    if (Status s = write_store_key(files, folder, record); !s.ok()) return s;
  }
  return CommitFile::create(files, folder, first);
}

Result<std::unique_ptr<Store>> Store::open(Files& files, const BytePath& folder,
                                           const StoreOptions& options) {
  auto commits = CommitFile::open(files, folder);
  if (!commits.ok()) return commits.error();
  const bool encrypted = commits.value().last().encrypted;
  std::shared_ptr<const StoreCipher> cipher;
  if (options.key && encrypted) {
    auto unlocked = unlock_store(files, folder, *options.key, options.random);
    if (!unlocked.ok()) return unlocked.error();
    cipher = std::move(unlocked).value();
  } else if (Status s = expect_cipher(commits.value().last(), options.key.has_value(), folder);
             !s.ok()) {
    return s.error();
  }
  std::unique_ptr<Store> store(
      new Store(files, folder, options, std::move(commits).value(), std::move(cipher)));
  if (Status s = store->recover(); !s.ok()) {
    return s.error().while_doing("open the chunk store '" + escape_path(folder) + "'");
  }
  return store;
}

Store::Store(Files& files, BytePath folder, const StoreOptions& options, CommitFile commits,
             std::shared_ptr<const StoreCipher> cipher)
    : ChunkSource(cipher),
      files_(files),
      folder_(std::move(folder)),
      options_{options.compression, std::min(options.container_bytes, kContainerBytesMax),
               options.footer_memory_bytes, std::nullopt, nullptr},
      commits_(std::move(commits)),
      cipher_(std::move(cipher)),
      codec_(cipher_),
      next_container_(commits_.last().next_container),
      sealed_(files, join_path(folder_, "containers"), commits_.last().store,
              options.footer_memory_bytes, cipher_) {}

Status Store::recover() {
  const auto listed = list_containers();
  if (!listed.ok()) return listed.error();
  const std::vector<ContainerFile>& found = listed.value();
  if (Status s = remove_what_was_not_committed(found); !s.ok()) return s;
  auto directory = ContainerDirectory::open(files_, folder_);
  if (!directory.ok()) return directory.error();
  directory_ = std::move(directory).value();
  const CommitRecord& last = commits_.last();
  if (Status s = resume(last.data, ContainerKind::data); !s.ok()) return s;
  if (Status s = resume(last.stream_maps, ContainerKind::stream_maps); !s.ok()) return s;
  std::map<std::uint32_t, std::vector<ContainerFile>> sealed;  // the highest generation last
  for (const ContainerFile& file : found) {
    const bool is_open =
        (data_ && data_->header().id == file.id) || (maps_ && maps_->header().id == file.id);
    if (file.id < next_container_ && !is_open) sealed[file.id].push_back(file);
  }
  for (const auto& [id, generations] : sealed) {
    if (Status s = learn(generations); !s.ok()) return s;
  }
  if (Status s = learn_hotspots(); !s.ok()) return s;
  return directory_->sync();
}

// In order. Removes what a collection had not given its name yet.
Result<std::vector<ContainerFile>> Store::list_containers() {
  const BytePath folder = join_path(folder_, "containers");
  const auto names = files_.list(folder);
  if (!names.ok()) return names.error();
  std::vector<ContainerFile> found;
  for (const BytePath& name : names.value()) {
    if (is_unfinished_container(name)) {
      if (Status s = files_.remove(join_path(folder, name)); !s.ok()) return s.error();
    } else if (const auto file = parse_container_file_name(name); file.ok()) {
      found.push_back(file.value());
    }
  }
  return found;
}

Status Store::remove_what_was_not_committed(const std::vector<ContainerFile>& found) {
  for (const ContainerFile& file : found) {
    if (file.id < next_container_) continue;
    if (Status s = files_.remove(container_path(file)); !s.ok()) return s;
  }
  return Ok{};
}

// Goes on with a container that was open at the last commit. One that is damaged stays as it is,
// and counts as a sealed one without a footer.
Status Store::resume(const OpenContainer& open, ContainerKind kind) {
  if (open.id == 0) return Ok{};
  const ContainerHeader header{kind, commits_.last().store, open.id, 1};
  auto resumed =
      ContainerWriter::resume(files_, container_path({open.id, 1}), header, options_.compression,
                              open.valid_bytes, open.next_local_id, cipher_.get());
  if (!resumed.ok()) {
    if (!is_damage(resumed.error())) return resumed.error();
    damaged_.push_back({open.id, resumed.error()});
    return Ok{};
  }
  writer(kind).emplace(std::move(resumed).value());
  if (kind == ContainerKind::data) {
    for (const ChunkRecord& chunk : data_->table().chunks) {
      recent_[chunk.fingerprint] = chunk.local_id;
    }
  }
  return Ok{};
}

// A crash may have left a container beside its next generation, which was whole before it got its
// name: the highest that can be read counts. The others go: lower ones have the same and what is
// dead, higher ones have rotted and nothing that is missing here.
Status Store::learn(const std::vector<ContainerFile>& generations) {
  const std::uint32_t id = generations.front().id;
  const bool known = std::any_of(damaged_.begin(), damaged_.end(),
                                 [&](const Damage& each) { return each.container == id; });
  std::optional<Error> why;
  for (std::size_t i = generations.size(); i-- > 0;) {
    sealed_.remove(id);
    sealed_.add(generations[i]);
    const auto reader = sealed_.get(id);
    if (!reader.ok()) {
      if (!is_damage(reader.error())) return reader.error();
      if (!why) why = reader.error();
      continue;
    }
    if (reader.value()->kind() == ContainerKind::data) {
      for (const ChunkRecord& chunk : reader.value()->table().chunks) {
        index_.insert(chunk.fingerprint, id);
      }
    }
    const auto size = reader.value()->file().size();
    if (!size.ok()) return size.error();
    if (Status s =
            directory_->set({generations[i], static_cast<std::uint32_t>(size.value()),
                             static_cast<std::uint32_t>(reader.value()->table().footer_bytes())});
        !s.ok()) {
      return s;
    }
    // Before what it may have named so far goes.
    if (generations.size() > 1) {
      if (Status s = directory_->sync(); !s.ok()) return s;
    }
    for (const ContainerFile& other : generations) {
      if (other.generation == generations[i].generation) continue;
      if (Status s = files_.remove(container_path(other)); !s.ok()) return s;
    }
    return Ok{};
  }
  sealed_.remove(id);
  sealed_.add(generations.back());
  if (!known) damaged_.push_back({id, *why});
  return Ok{};
}

}  // namespace stillframe::chunkstore
