// The key of an encrypted store: it is drawn when the store is made and never changes. The store
// has it encrypted under the key of a key file, which is kept elsewhere and can be changed for
// another.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/commit_record.hpp"
#include "framework/chunkstore/store_cipher.hpp"
#include "framework/io/files.hpp"

namespace stillframe::chunkstore {

// ---- key files

// Tells keys apart and says nothing of them.
using KeyIdentity = std::array<std::uint8_t, 16>;
KeyIdentity identity_of(const Key256& key);

// 32 bytes, or 64 hexadecimal digits and perhaps the end of a line.
Result<Key256> parse_key_file(Bytes bytes);
// access_denied when anybody but its owner may read it, or it belongs to somebody else than root
// and this process.
Result<Key256> read_key_file(const BytePath& path);

// ---- what the store has

constexpr const char* kStoreKeyFileName = "key";
constexpr std::size_t kKeyRecordBytes = 128;
constexpr std::size_t kKeyCopyBytes = 4096;  // from one copy of the record to the other

struct KeyRecord {
  UuidBytes store{};
  KeyIdentity key_file{};
  CipherNonce nonce{};
  std::array<std::byte, Key256::kBytes> encrypted{};
  CipherTag tag{};
  friend bool operator==(const KeyRecord&, const KeyRecord&) = default;
};

std::array<std::byte, kKeyRecordBytes> format_key_record(const KeyRecord& record);
Result<KeyRecord> parse_key_record(Bytes bytes);

KeyRecord encrypt_data_key(const UuidBytes& store, const Key256& data_key, const Key256& key_file,
                           const RandomBytes& random);
// access_denied names both keys when it is not the one.
Result<Key256> decrypt_data_key(const KeyRecord& record, const UuidBytes& store,
                                const Key256& key_file);

// Durable on return, and after a crash what it was or this.
Status write_store_key(Files& files, const BytePath& folder, const KeyRecord& record);
Result<KeyRecord> read_store_key(Files& files, const BytePath& folder);

// Whether whoever opens a store with such a record has the cipher that it needs, and no other:
// access_denied, wrong_state.
Status expect_cipher(const CommitRecord& record, bool has_cipher, const BytePath& folder);

// For whoever reads the store; wrong_state for one that is not encrypted. Nothing is changed.
Result<std::shared_ptr<const StoreCipher>> unlock_store(Files& files, const BytePath& folder,
                                                        const Key256& key_file,
                                                        RandomBytes random = random_from_kernel);

// From now on another key file opens the store, and this one does not; nothing else is written
// anew. Whoever has the key file of before and a copy of the store from then can still read that
// copy.
Status change_key_file(Files& files, const BytePath& folder, const Key256& before,
                       const Key256& after, const RandomBytes& random = random_from_kernel);

}  // namespace stillframe::chunkstore
