#include "tests/bench/dedup/while_collecting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "framework/chunkstore/collection.hpp"
#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/stream_writer.hpp"
#include "framework/io/file.hpp"
#include "tests/bench/chunkstore_data.hpp"

namespace stillframe::dedup::bench {

namespace {

using chunkstore::Store;

constexpr std::size_t kStreamBytes = std::size_t{1} << 20, kStreamBytesMax = std::size_t{1} << 30;
constexpr std::uint64_t kSmallContainerBytes = std::uint64_t{32} << 20;
constexpr int kRounds = 3;

// Of this thread, without what it waited for a processor. The kernel counts that per thread.
std::chrono::nanoseconds time_without_queues() {
  std::ifstream counted("/proc/thread-self/schedstat");
  std::uint64_t ran = 0, queued = 0;
  counted >> ran >> queued;
  return std::chrono::steady_clock::now().time_since_epoch() - std::chrono::nanoseconds(queued);
}

class Run {
 public:
  Run(const std::string& folder, const std::string& file) : folder_(folder) {
    auto text = read_file(file, kStreamBytesMax);
    if (text.ok()) data_ = std::move(text).value();
  }

  // A store of all the data, of which every second stream is gone.
  Status fill() {
    if (Status s = Store::create(*files_, folder_, chunkstore::ChunkProfile::kib64); !s.ok()) {
      return s;
    }
    chunkstore::StoreOptions options;
    options.container_bytes = kSmallContainerBytes;
    auto opened = Store::open(*files_, folder_, options);
    if (!opened.ok()) return opened.error();
    store_ = std::move(opened).value();
    for (std::size_t at = 0; at + kStreamBytes <= data_.size(); at += kStreamBytes) {
      const auto id = write(reinterpret_cast<const std::byte*>(data_.data()) + at);
      if (!id.ok()) return id.error();
      ids_.push_back(id.value());
    }
    return store_->commit();
  }

  // New data in streams of a megabyte, `streams` of them or as long as the store is collected.
  Result<double> speed(std::size_t streams, const std::atomic<bool>* collecting) {
    constexpr std::size_t kFreshMax = 256;
    const auto fresh = chunkstore::bench::FileLikeBytes(++seed_).make(
        (collecting == nullptr ? streams : kFreshMax) * kStreamBytes);
    if (collecting != nullptr) began_ = true;
    written_ = 0;
    const auto start = time_without_queues();
    while (written_ * kStreamBytes < fresh.size() && (collecting == nullptr || *collecting)) {
      const auto id = write(fresh.data() + written_++ * kStreamBytes);
      if (!id.ok()) return id.error();
    }
    const std::chrono::duration<double> took = time_without_queues() - start;
    return static_cast<double>(written_ * kStreamBytes) / took.count() / 1e9;
  }

  Result<double> speed_while_collecting() {
    const auto collection = store_->begin_collection(true);
    if (!collection.ok()) return collection.error();
    for (std::size_t i = 0; i < ids_.size(); i += 2) {
      if (Status s = collection.value()->mark(ids_[i]); !s.ok()) return s.error();
    }
    std::atomic<bool> collecting{true};
    began_ = false;
    Status collected = Ok{};
    std::thread other([&] {
      while (!began_) std::this_thread::yield();
      const auto plan = collection.value()->plan(chunkstore::Collection::kFull);
      const auto result = collection.value()->run();
      if (!plan.ok() || !result.ok()) collected = plan.ok() ? result.error() : plan.error();
      collecting = false;
    });
    const auto found = speed(0, &collecting);
    began_ = true;
    other.join();
    return collected.ok() ? found : collected.error();
  }
  std::size_t streams_written() const { return written_; }

 private:
  Result<chunkstore::StreamId> write(const std::byte* from) {
    auto writer = store_->write_stream();
    if (Status s = writer.write({from, kStreamBytes}); !s.ok()) return s.error();
    const auto written = writer.finish();
    if (!written.ok()) return written.error();
    return written.value().id;
  }

  const std::string folder_;
  const std::unique_ptr<Files> files_ = posix_files();
  std::string data_;
  std::unique_ptr<Store> store_;
  std::vector<chunkstore::StreamId> ids_;
  std::uint64_t seed_ = 1000;
  std::size_t written_ = 0;
  std::atomic<bool> began_{false};
};

}  // namespace

CollectingSpeeds write_while_collecting(const std::string& folder, const std::string& file) {
  CollectingSpeeds best;
  for (int round = 0; round < kRounds; ++round) {
    const std::string own = folder + "/" + std::to_string(round);
    if (Status s = make_directories(own); !s.ok()) return {s.error().what()};
    Run run(own, file);
    if (Status s = run.fill(); !s.ok()) return {s.error().what()};
    const auto beside = run.speed_while_collecting();
    if (!beside.ok()) return {beside.error().what()};
    const auto alone = run.speed(std::max<std::size_t>(run.streams_written(), 1), nullptr);
    if (!alone.ok()) return {alone.error().what()};
    // Other work makes either slower and none faster.
    best.beside = std::max(best.beside, beside.value());
    best.alone = std::max(best.alone, alone.value());
  }
  return best;
}

}  // namespace stillframe::dedup::bench
