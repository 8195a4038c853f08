// What a backup's store says of itself, and whether it can be read.
#include <array>

#include "framework/chunkstore/secret_memory.hpp"
#include "writers/dedup/restore/backup_containers.hpp"
#include "writers/dedup/restore/codes.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

BytePath backup_store_path(const BytePath& name) {
  return BytePath("/") + kVolumeFolder + "/" + kStoreFolder + "/" + name;
}

HRESULT BackupContainers::open() {
  if (const HRESULT hr = read_commits(); FAILED(hr)) return hr;
  if (const HRESULT hr = unlock(); FAILED(hr)) return hr;
  codec_.emplace(cipher_);
  return S_OK;
}

HRESULT BackupContainers::read_commits() {
  std::optional<chunkstore::CommitRecord> last;
  HRESULT why = DDP_E_FILE_CORRUPT;
  for (const std::uint64_t slot : {0, 1}) {
    std::array<std::byte, chunkstore::kCommitRecordBytes> bytes;
    const HRESULT hr =
        backup_.read(backup_store_path("commits"), slot * chunkstore::kCommitSlotBytes, bytes);
    if (FAILED(hr)) return hr;
    const auto record = chunkstore::parse_commit_record(bytes);
    if (!record.ok()) {
      why = code_of_stored(record.error());
      if (record.error().code() == Errc::future_version) return why;
    } else if (!last || record.value().number > last->number) {
      last = record.value();
    }
  }
  if (!last) return why;
  record_ = *last;
  return S_OK;
}

// Before a container is read: nobody waits for a tape to be told of a wrong key.
HRESULT BackupContainers::unlock() {
  if (!record_.encrypted) return key_ ? NTE_BAD_KEY : S_OK;
  if (!key_) return NTE_NO_KEY;
  HRESULT why = DDP_E_FILE_CORRUPT;
  for (const std::uint64_t copy : {0, 1}) {
    std::array<std::byte, chunkstore::kKeyRecordBytes> bytes;
    const HRESULT hr = backup_.read(backup_store_path(chunkstore::kStoreKeyFileName),
                                    copy * chunkstore::kKeyCopyBytes, bytes);
    if (FAILED(hr)) return hr;
    const auto record = chunkstore::parse_key_record(bytes);
    if (!record.ok()) {
      why = code_of_stored(record.error());
      continue;
    }
    const auto data_key = chunkstore::decrypt_data_key(record.value(), record_.store, *key_);
    if (!data_key.ok()) {
      return data_key.error().code() == Errc::access_denied ? NTE_BAD_KEY : DDP_E_FILE_CORRUPT;
    }
    cipher_ = chunkstore::make_secret<chunkstore::StoreCipher>(data_key.value());
    key_.reset();
    return S_OK;
  }
  return why;
}

}  // namespace stillframe::dedup
