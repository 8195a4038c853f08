// What the chunk store costs: cutting against a sweep over memory, fingerprints, and whole streams
// in and out, per second of processor time, the kernel's share included. Fails under its bars: 0.40
// GB of new data, 2.0 GB of duplicates, 416 MB for the index of a terabyte.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "framework/chunkstore/chunk_index.hpp"
#include "framework/chunkstore/collection.hpp"
#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/stream_reader.hpp"
#include "framework/chunkstore/stream_writer.hpp"
#include "tests/bench/chunkstore_data.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::chunkstore;

using bench::Blob;

constexpr double kNewBar = 0.40, kDuplicateBar = 2.0, kRestoreBar = 1.0;
constexpr double kIndexBarMegabytes = 416;
constexpr std::size_t kLargeBytes = std::size_t{256} << 20;
constexpr int kRounds = 3;
constexpr const char* kRealFiles = "/usr/lib";  // beside the data that is the same everywhere

double seconds_of_processor() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class Work>
double gigabytes_per_second(std::size_t bytes, const Work& work) {
  const double start = seconds_of_processor();
  work();
  return static_cast<double>(bytes) / (seconds_of_processor() - start) / 1e9;
}

template <class Work>
double best_of(std::size_t bytes, const Work& work) {
  double best = 0;
  for (int i = 0; i < kRounds; ++i) best = std::max(best, gigabytes_per_second(bytes, work));
  return best;
}

volatile std::uint64_t sink = 0;  // keeps results from being left out

void require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.error().what().c_str());
  std::exit(1);
}

template <class T>
T require(Result<T> result) {
  if (!result.ok()) require(Status(result.error()));
  return std::move(result).value();
}

void bench_cutting(const Blob& data) {
  const double sweep = best_of(data.size(), [&] {
    std::uint64_t sum[8] = {};
    for (std::size_t at = 0; at + 64 <= data.size(); at += 64) {
      for (std::size_t i = 0; i < 8; ++i) sum[i] ^= load_le<std::uint64_t>(&data[at + 8 * i]);
    }
    for (const std::uint64_t each : sum) sink = sink + each;
  });
  std::printf("sweep over memory            %6.1f GB/s\n", sweep);
  for (const CutLoops* loops : all_cut_loops()) {
    for (const ChunkProfile profile : {ChunkProfile::kib64, ChunkProfile::kib16}) {
      std::size_t cuts = 0;
      const double speed = best_of(data.size(), [&] {
        cuts = 0;
        for (std::size_t at = 0; at < data.size(); ++cuts) {
          at += find_cut(Bytes(data).subspan(at), profile, *loops);
        }
      });
      std::printf("cut, %2zu KiB, %-10s       %6.1f GB/s, %4.2f of the sweep, mean %zu\n",
                  mean_chunk_bytes(profile) >> 10, loops->name, speed, speed / sweep,
                  data.size() / cuts);
    }
  }
}

void bench_fingerprints(const Blob& data) {
  for (const std::size_t chunk_bytes : {std::size_t{64} << 10, std::size_t{16} << 10}) {
    std::vector<Bytes> chunks;
    for (std::size_t at = 0; at < data.size(); at += chunk_bytes) {
      chunks.push_back(Bytes(data).subspan(at, std::min(chunk_bytes, data.size() - at)));
    }
    std::vector<Fingerprint> into(chunks.size());
    for (const HashLoops* loops : all_hash_loops()) {
      const double speed = best_of(data.size(), [&] { fingerprints(chunks, into, *loops); });
      std::printf("fingerprints, %2zu KiB, %-7s %6.2f GB/s%s\n", chunk_bytes >> 10, loops->name,
                  speed, loops == &hash_loops() ? ", chosen here" : "");
    }
  }
}

// The stages of a store that are neither cutting nor fingerprints.
void bench_frames(const Blob& data) {
  const auto frames = data.size() / kFrameFilledBytes;
  for (const Compression how : {Compression::zstd, Compression::lz4}) {
    FrameCodec codec;
    Blob room(data.size());
    std::vector<FrameCodec::Packed> packed(frames);
    const auto frame = [&](auto& bytes, std::size_t i) {
      return std::span(bytes).subspan(i * kFrameFilledBytes, kFrameFilledBytes);
    };
    const double in = best_of(data.size(), [&] {
      for (std::size_t i = 0; i < frames; ++i) {
        packed[i] = codec.compress(frame(data, i), how, frame(room, i));
      }
    });
    std::size_t stored = 0;
    for (const auto& each : packed) stored += each.bytes;
    const double out = best_of(data.size(), [&] {
      for (std::size_t i = 0; i < frames; ++i) {
        const Bytes payload = frame(room, i).first(packed[i].bytes);
        sink = sink + require(codec.decompress(payload, packed[i].how, kFrameFilledBytes)).size();
      }
    });
    std::printf("frames of 256 KiB, %-4s      %6.2f GB/s, %.2f back, to %.2f\n",
                how == Compression::zstd ? "zstd" : "lz4", in, out,
                static_cast<double>(stored) / static_cast<double>(data.size()));
  }
}

// In pieces as long as a frame.
void bench_encryption(Blob data) {
  const StoreCipher cipher(Key256::drawn(random_from_kernel));
  std::vector<std::pair<CipherNonce, CipherTag>> ciphers(data.size() / kFrameFilledBytes);
  const auto piece = [&](std::size_t i) {
    return MutableBytes(data).subspan(i * kFrameFilledBytes, kFrameFilledBytes);
  };
  const auto part = StoreCipher::Part::content;
  const double in = gigabytes_per_second(data.size(), [&] {
    for (std::size_t i = 0; i < ciphers.size(); ++i) {
      ciphers[i].first = cipher.new_nonce({});
      ciphers[i].second = cipher.encrypt(ciphers[i].first, part, {}, piece(i), piece(i));
    }
  });
  bool good = true;
  const double out = gigabytes_per_second(data.size(), [&] {
    for (std::size_t i = 0; i < ciphers.size(); ++i) {
      good &= cipher.decrypt(ciphers[i].first, part, {}, ciphers[i].second, piece(i), piece(i));
    }
  });
  if (!good) require(Status(Error(Errc::corrupt, "what was encrypted does not come back")));
  std::printf("encrypted and back            %6.2f GB/s, %.2f back\n", in, out);
}

void bench_writing(const std::string& path, const Blob& data) {
  const double speed = best_of(data.size(), [&] {
    std::filesystem::remove(path);
    const auto file = require(posix_files()->create(path));
    for (std::size_t at = 0; at < data.size(); at += kFrameFilledBytes) {
      require(file->write(at, Bytes(data).subspan(at, kFrameFilledBytes)));
    }
    require(file->sync());
  });
  std::filesystem::remove(path);
  std::printf("writing and one sync         %6.2f GB/s\n", speed);
}

struct Speeds {
  double fresh = 0, duplicate = 0, restore = 0, stored = 0;
};

std::uintmax_t bytes_below(const std::string& folder) {
  std::uintmax_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) sum += entry.file_size();
  }
  return sum;
}

// `data` as files of `file_bytes` each: in, in again, and out.
Speeds bench_store(const std::string& folder, const Blob& data, std::size_t file_bytes,
                   ChunkProfile profile, Compression compression, bool encrypted) {
  std::filesystem::remove_all(folder);
  const auto files = posix_files();
  StoreOptions options;
  if (encrypted) options.key = Key256::drawn(random_from_kernel);
  require(Store::create(*files, folder, profile, options.key));
  options.compression = compression;
  const auto store = require(Store::open(*files, folder, options));
  std::vector<StreamId> ids;
  const auto put_all = [&] {
    ids.clear();
    for (std::size_t at = 0; at < data.size(); at += file_bytes) {
      StreamWriter writer = store->write_stream();
      require(writer.write(Bytes(data).subspan(at, std::min(file_bytes, data.size() - at))));
      ids.push_back(require(writer.finish()).id);
    }
    require(store->commit());
  };
  Speeds speeds;
  speeds.fresh = gigabytes_per_second(data.size(), put_all);
  speeds.stored = static_cast<double>(bytes_below(folder)) / static_cast<double>(data.size());
  speeds.duplicate = best_of(data.size(), put_all);
  speeds.restore = best_of(data.size(), [&] {
    Blob part(std::size_t{1} << 20);
    for (const StreamId id : ids) {
      StreamReader reader = require(store->read_stream(id));
      for (std::uint64_t at = 0; at < reader.bytes(); at += part.size()) {
        const auto step = std::min<std::uint64_t>(part.size(), reader.bytes() - at);
        require(reader.read(at, MutableBytes(part).first(step)));
        sink = sink + static_cast<std::uint64_t>(part[0]);
      }
    }
  });
  std::filesystem::remove_all(folder);
  return speeds;
}

// Streams of a megabyte, of which every second one is removed: what a collection that rewrites all
// containers goes through per second of processor.
void bench_collection(const std::string& folder, const Blob& data, bool encrypted) {
  constexpr std::size_t kStreamBytes = std::size_t{1} << 20;
  std::filesystem::remove_all(folder);
  const auto files = posix_files();
  StoreOptions options;
  if (encrypted) options.key = Key256::drawn(random_from_kernel);
  require(Store::create(*files, folder, ChunkProfile::kib64, options.key));
  options.container_bytes = std::uint64_t{32} << 20;
  const auto store = require(Store::open(*files, folder, options));
  std::vector<StreamId> ids;
  for (Bytes left = data; left.size() >= kStreamBytes; left = left.subspan(kStreamBytes)) {
    StreamWriter writer = store->write_stream();
    require(writer.write(left.first(kStreamBytes)));
    ids.push_back(require(writer.finish()).id);
  }
  require(store->commit());
  CollectionResult result;
  const double speed = gigabytes_per_second(data.size(), [&] {
    const auto collection = require(store->begin_collection(true));
    for (std::size_t i = 0; i < ids.size(); i += 2) require(collection->mark(ids[i]));
    (void)require(collection->plan(Collection::kFull));
    result = require(collection->run());
  });
  std::printf("collection, half of it live%s %5.2f GB/s, %.0f of %.0f MB freed\n",
              encrypted ? ", encrypted" : "           ", speed,
              static_cast<double>(result.freed_bytes) / 1e6,
              static_cast<double>(result.freed_bytes + bytes_below(folder)) / 1e6);
  std::filesystem::remove_all(folder);
}

double resident_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtod(line.c_str() + 6, nullptr) * 1024 / 1e6;
  }
  return 1e9;
}

// A terabyte in chunks of 64 KiB. First of all, so that the peak of the process is the index's.
bool bench_index() {
  constexpr std::uint64_t kChunks = std::uint64_t{1} << 24;
  ChunkIndex index;
  std::mt19937_64 random(1);
  Fingerprint fingerprint{};
  const double start = seconds_of_processor();
  for (std::uint64_t i = 0; i < kChunks; ++i) {
    store_le(reinterpret_cast<std::byte*>(fingerprint.data()), random());
    index.insert(fingerprint, static_cast<std::uint32_t>(1 + i / 4096));
  }
  const double took = seconds_of_processor() - start;
  const double peak = resident_megabytes();
  std::printf(
      "index of %.1f million chunks  %5.0f MB at its peak (bar %.0f), %.0f in the end, %.2f s\n",
      static_cast<double>(index.size()) / 1e6, peak, kIndexBarMegabytes,
      static_cast<double>(index.memory_bytes()) / 1e6, took);
  return peak <= kIndexBarMegabytes;
}

}  // namespace

int main() {
  bool good = bench_index();
  const Blob data = bench::FileLikeBytes(1).make(kLargeBytes);
  bench_cutting(data);
  bench_fingerprints(data);
  bench_frames(data);
  bench_encryption(data);

  const char* place = std::getenv("TMPDIR");
  const std::string folder = std::string(place == nullptr ? "/tmp" : place) + "/chunkstore-bench";
  bench_writing(folder + "-file", data);
  struct Case {
    const char* name;
    const Blob& data;
    std::size_t file_bytes;
    ChunkProfile profile;
    Compression compression;
    bool judged;
    bool encrypted = false;
  };
  constexpr auto k64 = ChunkProfile::kib64, k16 = ChunkProfile::kib16;
  const Blob real = bench::bytes_of_files(kRealFiles, kLargeBytes);
  const Case cases[] = {
      {"large files, 64 KiB, zstd", data, kLargeBytes / 4, k64, Compression::zstd, true},
      {"large files, 16 KiB, zstd", data, kLargeBytes / 4, k16, Compression::zstd, true},
      {"large files, 64 KiB, lz4", data, kLargeBytes / 4, k64, Compression::lz4, true},
      {"files of 256 KiB, 64 KiB, zstd", data, 256 << 10, k64, Compression::zstd, false},
      {"files of 32 KiB, 64 KiB, zstd", data, 32 << 10, k64, Compression::zstd, false},
      {"/usr/lib, 64 KiB, zstd", real, kLargeBytes, k64, Compression::zstd, false},
      {"/usr/lib, 64 KiB, none", real, kLargeBytes, k64, Compression::none, false},
      {"the first, encrypted", data, kLargeBytes / 4, k64, Compression::zstd, false, true},
      {"the second, encrypted", data, kLargeBytes / 4, k16, Compression::zstd, false, true},
      {"the last, encrypted", real, kLargeBytes, k64, Compression::none, false, true},
  };
  std::printf(
      "GB per second of processor      new   (bar)  again   (bar)  restored  (bar)  stored\n");
  for (const Case& each : cases) {
    if (each.data.empty()) continue;
    const Speeds it = bench_store(folder, each.data, each.file_bytes, each.profile,
                                  each.compression, each.encrypted);
    std::printf("%-30s %5.2f  %5.2f   %5.2f  %5.2f   %5.2f    %5.2f   %4.2f\n", each.name, it.fresh,
                kNewBar, it.duplicate, kDuplicateBar, it.restore, kRestoreBar, it.stored);
    if (each.judged) {
      good &= it.fresh >= kNewBar && it.duplicate >= kDuplicateBar && it.restore >= kRestoreBar;
    }
  }
  for (const bool encrypted : {false, true}) bench_collection(folder, data, encrypted);
  if (!good) std::printf("under a bar\n");
  return good ? 0 : 1;
}
