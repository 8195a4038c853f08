// What the files of an encrypted store tell somebody who has no key.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include "tests/chunkstore/encrypted_samples.hpp"
#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using tests::Blob;
using tests::collect;
using tests::create;
using tests::has_anywhere;
using tests::Image;
using tests::image_of;
using tests::kFolder;
using tests::put;
using tests::random_bytes;
using tests::small_containers;
using tests::some_key;

StoreOptions keyed_options(std::uint64_t container_bytes = 200'000) {
  StoreOptions options = small_containers(container_bytes);
  options.key = some_key(1);
  return options;
}

// Every fingerprint that a store has of these streams: with a key, one that is encrypted.
std::set<Fingerprint> fingerprints_of(const std::vector<Blob>& streams, bool encrypted) {
  CrashingFiles files;
  auto store = create(files, encrypted ? keyed_options() : small_containers(200'000));
  for (const Blob& each : streams) put(*store, each);
  EXPECT_TRUE(store->begin_collection(true).ok());  // ends all containers
  std::set<Fingerprint> found;
  const auto cipher = store->cipher();
  const UuidBytes id =
      StoreReader::open(files, kFolder, kReaderFooterBytes, cipher).value()->as_of().store;
  for (const auto& [path, bytes] : image_of(files, kFolder)) {
    const auto named = parse_container_file_name(path.substr(path.rfind('/') + 1));
    if (!named.ok()) continue;
    const auto container = ContainerReader::open(files, path, id, named.value(), cipher.get());
    if (!container.ok() || container.value()->kind() != ContainerKind::data) continue;
    for (const ChunkRecord& chunk : container.value()->table().chunks) {
      found.insert(chunk.fingerprint);
    }
  }
  return found;
}

// How many of these are in the files: pieces of the content, and fingerprints, whole and in part.
struct Told {
  std::size_t pieces = 0, fingerprints = 0, parts_of_fingerprints = 0;
};

Told told_by(const Image& image, const std::vector<Blob>& streams) {
  Told told;
  for (const Blob& stream : streams) {
    for (std::size_t at = 0; at + 16 <= stream.size(); at += 2048) {
      told.pieces += has_anywhere(image, Bytes(stream).subspan(at, 16)) ? 1 : 0;
    }
  }
  for (const Fingerprint& each : fingerprints_of(streams, false)) {
    const Bytes bytes = std::as_bytes(std::span(each));
    told.fingerprints += has_anywhere(image, bytes) ? 1 : 0;
    told.parts_of_fingerprints += has_anywhere(image, bytes.first(8)) ? 1 : 0;
  }
  return told;
}

TEST(EncryptedFiles, NothingOfContentOrFingerprintsIsInItsFiles) {
  std::mt19937_64 random(1);
  std::vector<Blob> streams;
  for (int i = 0; i < 6; ++i) streams.push_back(random_bytes(random, 90'000));
  for (const bool encrypted : {false, true}) {
    CrashingFiles files;
    StoreOptions options = encrypted ? keyed_options() : small_containers(200'000);
    auto store = create(files, options);
    std::vector<StreamId> ids;
    for (const Blob& each : streams) ids.push_back(put(*store, each).id);
    ASSERT_TRUE(store->commit().ok());
    ASSERT_TRUE(store->keep_copies(std::vector<ChunkName>{{1, 0}, {1, 1}}).ok());
    collect(*store, {ids[0], ids[2], ids[3], ids[4]}, Collection::kFull, true);
    put(*store, streams[0]);
    ASSERT_TRUE(store->commit().ok());
    const Told told = told_by(image_of(files, kFolder), streams);
    if (!encrypted) {
      // What is looked for is found where nothing hides it.
      EXPECT_GT(told.pieces, 100u);
      EXPECT_GT(told.fingerprints, 10u);
      continue;
    }
    EXPECT_EQ(told.pieces, 0u);
    EXPECT_EQ(told.fingerprints, 0u);
    EXPECT_EQ(told.parts_of_fingerprints, 0u);
    EXPECT_FALSE(has_anywhere(image_of(files, kFolder), some_key(1).bytes()));
  }
}

// Also under one key file: each store has drawn a key of its own.
TEST(EncryptedFiles, TwoStoresOfTheSameStreamsHaveNoFingerprintInCommon) {
  std::mt19937_64 random(2);
  const std::vector<Blob> streams{random_bytes(random, 90'000), random_bytes(random, 90'000)};
  const auto one = fingerprints_of(streams, true), other = fingerprints_of(streams, true);
  EXPECT_EQ(fingerprints_of(streams, false), fingerprints_of(streams, false));
  EXPECT_GT(one.size(), 4u);
  EXPECT_EQ(one.size(), other.size());
  std::vector<Fingerprint> both;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(),
                        std::back_inserter(both));
  EXPECT_TRUE(both.empty());
}

// ---- nonces

// By nonce, what was encrypted under it: of all frames and footers in these files.
using EncryptedBytes = std::map<CipherNonce, std::set<Blob>>;

void add_encrypted(const Image& image, EncryptedBytes& encrypted) {
  const auto add = [&](Bytes nonce_and_more, Bytes what) {
    CipherNonce nonce;
    std::memcpy(nonce.data(), nonce_and_more.data(), nonce.size());
    encrypted[nonce].insert(Blob(what.begin(), what.end()));
  };
  for (const auto& [path, bytes] : image) {
    const auto named = parse_container_file_name(path.substr(path.rfind('/') + 1));
    if (!named.ok()) continue;
    std::uint64_t at = kContainerHeaderBytes;
    while (at < bytes.size()) {
      const Bytes rest = Bytes(bytes).subspan(at);
      const auto frame = parse_frame_header(rest, {named.value().id, at});
      if (!frame.ok() || frame.value().stored_bytes() > rest.size()) break;
      const Bytes stored = rest.first(frame.value().stored_bytes());
      if (!check_frame(stored, {named.value().id, at}).ok()) break;  // torn
      add(stored.subspan(frame_table_end(frame.value().chunk_count)), stored);
      at += stored.size();
    }
    const auto trailer = parse_trailer(bytes, bytes.size());
    const auto header = parse_container_header(bytes);
    if (!trailer.ok() || !header.ok()) continue;
    const Bytes footer = Bytes(bytes).last(trailer.value().footer_bytes());
    if (!parse_footer(footer, trailer.value(), header.value()).ok()) continue;  // torn
    add(footer.subspan(footer.size() - kTrailerBytes - kFooterCipherBytes), footer);
  }
}

// With a generator that always says the same, which only what is mixed into nonces can save; in two
// copies of one store that live on apart, each through torn commits and collections.
TEST(Nonces, NeverRepeatForOtherBytesThroughCrashesCollectionsAndCopies) {
  EncryptedBytes encrypted;
  StoreOptions options = keyed_options(60'000);
  options.random = tests::random_without_chance;
  CrashingFiles first;
  create(first, options).reset();
  std::mt19937_64 random(5);
  std::vector<std::unique_ptr<CrashingFiles>> copies;
  copies.push_back(first.after_crash(random, 4096));
  copies.push_back(first.after_crash(random, 4096));
  for (int round = 0; round < 40; ++round) {
    std::unique_ptr<CrashingFiles>& files = copies[round % 2];
    files->stop_at(5 + random() % 60);
    if (auto store = Store::open(*files, kFolder, options); store.ok()) {
      std::vector<StreamId> ids;
      for (int i = 0; i < 3; ++i) {
        const auto stream = tests::try_put(*store.value(), random_bytes(random, 30'000));
        if (stream.ok()) ids.push_back(stream.value().id);
      }
      if (store.value()->commit().ok() && round % 3 == 0) {
        (void)tests::try_collect(*store.value(), {ids.front()}, Collection::kFull, true);
      }
    }
    add_encrypted(image_of(*files, kFolder), encrypted);  // also what the crash then tears or drops
    files = files->after_crash(random, 512);
    add_encrypted(image_of(*files, kFolder), encrypted);
  }
  EXPECT_GT(encrypted.size(), 50u);
  for (const auto& [nonce, bytes] : encrypted) ASSERT_EQ(bytes.size(), 1u);
}

}  // namespace
}  // namespace stillframe::chunkstore
