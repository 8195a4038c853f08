#include "framework/chunkstore/store_key.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/chunkstore/secret_memory.hpp"
#include "framework/io/file.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::uint64_t kKeySignature = 0x59454b5254534653;  // SFSTRKEY
constexpr std::uint32_t kKeyVersion = 1;
constexpr std::uint32_t kKeyCipherXaes = 1;
constexpr std::size_t kKeyClearBytes = 48;  // what the tag covers beside the key itself
constexpr std::size_t kKeySumOffset = 120;
constexpr std::size_t kKeyDigits = 2 * Key256::kBytes;

std::array<std::byte, kKeyClearBytes> clear_part(const KeyRecord& record) {
  std::array<std::byte, kKeyClearBytes> bytes{};
  store_le(bytes.data(), kKeySignature);
  store_le(bytes.data() + 8, kKeyVersion);
  store_le(bytes.data() + 12, kKeyCipherXaes);
  std::memcpy(bytes.data() + 16, record.store.data(), record.store.size());
  std::memcpy(bytes.data() + 32, record.key_file.data(), record.key_file.size());
  return bytes;
}

Key256 wrapping_key(const Key256& key_file) {
  return key_file.derived("stillframe chunk store 1: data key");
}

int digit_value(std::byte digit) {
  const auto c = std::to_integer<char>(digit);
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status expect_private(const BytePath& path, int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return posix_error(errno, "examine", path);
  const auto refuse = [&](const std::string& why) {
    return Error(Errc::access_denied, "the key file " + quoted_path(path) + " " + why);
  };
  if (!S_ISREG(about.st_mode)) return refuse("is no regular file");
  if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
    return refuse("belongs to user " + std::to_string(about.st_uid) + ": chown it");
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refuse("is not its owner's alone: chmod 600 it");
  }
  return Ok{};
}

}  // namespace

// ---- key files

KeyIdentity identity_of(const Key256& key) {
  const Key256 whole = key.derived("stillframe chunk store 1: identity");
  KeyIdentity identity;
  std::memcpy(identity.data(), whole.bytes().data(), identity.size());
  return identity;
}

Result<Key256> parse_key_file(Bytes bytes) {
  if (bytes.size() == kKeyDigits + 1 && bytes.back() == std::byte{'\n'}) {
    bytes = bytes.first(kKeyDigits);
  }
  bool good = bytes.size() == Key256::kBytes || bytes.size() == kKeyDigits;
  Key256 key = Key256::filled([&](MutableBytes into) {
    if (bytes.size() == into.size()) std::memcpy(into.data(), bytes.data(), into.size());
    if (bytes.size() != kKeyDigits) return;
    for (std::size_t i = 0; i < into.size(); ++i) {
      const int high = digit_value(bytes[2 * i]), low = digit_value(bytes[2 * i + 1]);
      good = good && high >= 0 && low >= 0;
      into[i] = static_cast<std::byte>((high << 4 | low) & 0xff);
    }
  });
  if (good) return key;
  return Error(Errc::invalid_argument,
               "a key file has 32 bytes, or 64 hexadecimal digits and nothing else");
}

Result<Key256> read_key_file(const BytePath& path) {
  const auto file = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!file.ok()) return file.error().while_doing("read the key file");
  if (Status s = expect_private(path, file.value().get()); !s.ok()) return s.error();
  // One that is longer is none, whatever follows.
  std::array<std::byte, kKeyDigits + 2> room{};
  std::size_t there = 0;
  ssize_t got = 0;
  do {
    got = ::read(file.value().get(), room.data() + there, room.size() - there);
    if (got > 0) there += static_cast<std::size_t>(got);
  } while (got > 0 || (got < 0 && errno == EINTR));
  if (got < 0) return posix_error(errno, "read the key file", path);
  auto key = parse_key_file(Bytes(room).first(there));
  OPENSSL_cleanse(room.data(), room.size());
  if (!key.ok()) return key.error().while_doing(quoted_path(path));
  return key;
}

// ---- what the store has

std::array<std::byte, kKeyRecordBytes> format_key_record(const KeyRecord& record) {
  std::array<std::byte, kKeyRecordBytes> bytes{};
  const auto clear = clear_part(record);
  std::byte* at = bytes.data();
  std::memcpy(at, clear.data(), clear.size());
  std::memcpy(at + 48, record.nonce.data(), record.nonce.size());
  std::memcpy(at + 72, record.encrypted.data(), record.encrypted.size());
  std::memcpy(at + 104, record.tag.data(), record.tag.size());
  store_le(at + kKeySumOffset, static_cast<std::uint64_t>(XXH3_64bits(at, kKeySumOffset)));
  return bytes;
}

Result<KeyRecord> parse_key_record(Bytes bytes) {
  const auto corrupt = [](const char* what) {
    return Error(Errc::corrupt, std::string("key of the store: ") + what);
  };
  if (bytes.size() < kKeyRecordBytes) {
    return Error(Errc::truncated, "key of the store: it ends early");
  }
  const std::byte* at = bytes.data();
  if (load_le<std::uint64_t>(at) != kKeySignature) return corrupt("it is none");
  if (load_le<std::uint64_t>(at + kKeySumOffset) != XXH3_64bits(at, kKeySumOffset)) {
    return corrupt("it has another checksum");
  }
  if (load_le<std::uint32_t>(at + 8) != kKeyVersion ||
      load_le<std::uint32_t>(at + 12) != kKeyCipherXaes) {
    return Error(Errc::future_version, "key of the store: it is of another version");
  }
  KeyRecord record;
  std::memcpy(record.store.data(), at + 16, record.store.size());
  std::memcpy(record.key_file.data(), at + 32, record.key_file.size());
  std::memcpy(record.nonce.data(), at + 48, record.nonce.size());
  std::memcpy(record.encrypted.data(), at + 72, record.encrypted.size());
  std::memcpy(record.tag.data(), at + 104, record.tag.size());
  return record;
}

KeyRecord encrypt_data_key(const UuidBytes& store, const Key256& data_key, const Key256& key_file,
                           const RandomBytes& random) {
  KeyRecord record;
  record.store = store;
  record.key_file = identity_of(key_file);
  const Key256 wrapping = wrapping_key(key_file);
  const auto clear = clear_part(record);
  record.nonce = mixed_nonce(wrapping, random, {clear, data_key.bytes()});
  record.tag = Xaes(wrapping).encrypt(record.nonce, {clear}, data_key.bytes(), record.encrypted);
  return record;
}

Result<Key256> decrypt_data_key(const KeyRecord& record, const UuidBytes& store,
                                const Key256& key_file) {
  if (record.store != store) {
    return Error(Errc::corrupt, "key of the store: it is another store's");
  }
  const KeyIdentity given = identity_of(key_file);
  if (given != record.key_file) {
    return Error(Errc::access_denied, "the key file is not the store's: it is " + to_hex(given) +
                                          ", and the store was encrypted with " +
                                          to_hex(record.key_file));
  }
  bool good = false;
  const Key256 data_key = Key256::filled([&](MutableBytes into) {
    good = Xaes(wrapping_key(key_file))
               .decrypt(record.nonce, {clear_part(record)}, record.tag, record.encrypted, into);
  });
  if (!good) return Error(Errc::corrupt, "key of the store: it was changed");
  return data_key;
}

Status write_store_key(Files& files, const BytePath& folder, const KeyRecord& record) {
  const BytePath path = join_path(folder, kStoreKeyFileName), beside = path + ".new";
  if (files.exists(beside)) {
    if (Status s = files.remove(beside); !s.ok()) return s;
  }
  const auto file = files.create(beside);
  if (!file.ok()) return file.error();
  if (Status s = file.value()->resize(2 * kKeyCopyBytes); !s.ok()) return s;
  for (const std::uint64_t copy : {0, 1}) {
    if (Status s = file.value()->write(copy * kKeyCopyBytes, format_key_record(record)); !s.ok()) {
      return s;
    }
  }
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = files.rename(beside, path); !s.ok()) return s;
  return files.sync_directory(folder);
}

// Without it all that the store has is lost, so it is there twice: one that rots is enough.
Result<KeyRecord> read_store_key(Files& files, const BytePath& folder) {
  const auto file = files.open(join_path(folder, kStoreKeyFileName), FileAccess::read);
  if (!file.ok()) return file.error().while_doing("read the key of the chunk store");
  std::optional<Error> why;
  for (const std::uint64_t copy : {0, 1}) {
    std::array<std::byte, kKeyRecordBytes> bytes;
    Status read = file.value()->read(copy * kKeyCopyBytes, bytes);
    auto record = read.ok() ? parse_key_record(bytes) : Result<KeyRecord>(read.error());
    if (record.ok()) return record;
    if (!why) why = record.error();
  }
  return why->while_doing("read " + quoted_path(file.value()->path()));
}

Status expect_cipher(const CommitRecord& record, bool has_cipher, const BytePath& folder) {
  if (record.encrypted == has_cipher) return Ok{};
  if (record.encrypted) return key_is_needed("the chunk store " + quoted_path(folder));
  return Error(Errc::wrong_state,
               "the chunk store " + quoted_path(folder) + " is not encrypted: it takes no key");
}

namespace {

Result<Key256> data_key_of(Files& files, const BytePath& folder, const Key256& key_file) {
  const auto last = CommitFile::read_last(files, folder);
  if (!last.ok()) return last.error();
  if (Status s = expect_cipher(last.value(), true, folder); !s.ok()) return s.error();
  const auto record = read_store_key(files, folder);
  if (!record.ok()) return record.error();
  auto data_key = decrypt_data_key(record.value(), last.value().store, key_file);
  if (!data_key.ok()) {
    return data_key.error().while_doing("open the chunk store " + quoted_path(folder));
  }
  return data_key;
}

}  // namespace

Result<std::shared_ptr<const StoreCipher>> unlock_store(Files& files, const BytePath& folder,
                                                        const Key256& key_file,
                                                        RandomBytes random) {
  const auto data_key = data_key_of(files, folder, key_file);
  if (!data_key.ok()) return data_key.error();
  return make_secret<StoreCipher>(data_key.value(), std::move(random));
}

Status change_key_file(Files& files, const BytePath& folder, const Key256& before,
                       const Key256& after, const RandomBytes& random) {
  const auto data_key = data_key_of(files, folder, before);
  if (!data_key.ok()) return data_key.error();
  const auto record = read_store_key(files, folder);
  if (!record.ok()) return record.error();
  return write_store_key(files, folder,
                         encrypt_data_key(record.value().store, data_key.value(), after, random));
}

}  // namespace stillframe::chunkstore
