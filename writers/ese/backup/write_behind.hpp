// Stores files while their bytes are still being read: one thread reads and verifies a piece, the
// next one writes the piece before it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"

namespace stillframe::ese {

// begin() → room(), put() for each piece → begin() the next file → settle(). One thread at a time;
// changes of files are made in that order, by a thread that lives as long as this does.
class WriteBehind {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{512} << 10;

  explicit WriteBehind(Files& files) : files_(files) {}
  // Waits for what was put, and leaves there what was not settled.
  ~WriteBehind();
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  // What is put from here on is the content of a new file. That it is there already is told later,
  // by whichever call comes first; so is all that goes wrong, and the first of it stays.
  Status begin(const BytePath& path);
  // kPieceBytes at a multiple of 4096; waits until one of those that were put is written.
  Result<MutableBytes> room();
  // The first `bytes` of the room come next in the file.
  void put(std::size_t bytes);
  // Waits until all that was put is written, durable or not.
  Status wait();
  // All that was put is durable, the names of the files not yet.
  Status settle();
  // Takes away the files that were begun and are not settled. Why one could not be removed.
  Status discard();

 private:
  struct FreePiece {
    void operator()(std::byte* bytes) const;
  };
  using Piece = std::unique_ptr<std::byte, FreePiece>;
  using Job = std::function<Status()>;

  Status start();
  void run();
  void ask(Job job);
  // Of the thread.
  Status create(const BytePath& path);
  Status write(Piece piece, std::size_t bytes);
  void start_writing();
  Status sync_all();

  Files& files_;

  std::vector<std::unique_ptr<File>> begun_;  // of the thread while it has jobs
  std::uint64_t at_ = 0, started_ = 0;        // in the last of them

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool working_ = false, ending_ = false;
  Status outcome_ = Ok{};
  std::vector<Piece> free_;
  std::size_t pieces_ = 0;

  Piece current_;  // that room() gave
  std::thread thread_;
};

}  // namespace stillframe::ese
