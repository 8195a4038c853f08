#include "framework/sdk/stream_pump.hpp"

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
constexpr std::uint32_t kReadUnitBytesMax = std::uint32_t{16} << 20;
constexpr int kPipeBytes = 1 << 20;

// One fetch that is under way, shared with the writer's thread, which may be late.
struct Fetched {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<std::size_t>> bytes;
  bool abandoned = false;
};

class PipePump : public StreamPump {
 public:
  PipePump(const StreamInfo& info, Fetch fetch, Descriptor write_end, Descriptor wake)
      : info_(info),
        chunk_bytes_((kChunkBytes + info.read_unit - 1) / info.read_unit * info.read_unit),
        fetch_(std::move(fetch)),
        pipe_(std::move(write_end)),
        wake_(std::move(wake)) {}

  void start() {
    // A reader that leaves would raise SIGPIPE in the application: not on this thread.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { outcome_ = run(); });
    } catch (...) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), "sf-stream");
  }

  ~PipePump() override { (void)stop(); }

  Status stop() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      if (current_) {
        std::lock_guard fetched_lock(current_->mutex);
        current_->abandoned = true;
        current_->changed.notify_all();
      }
      ::eventfd_write(wake_.get(), 1);
    }
    if (thread_.joinable()) thread_.join();
    return outcome_;
  }

 private:
  Status run() {
    const Status status = deliver();
    pipe_.reset();  // the reader sees the end
    return status;
  }

  Status deliver() {
    std::uint64_t delivered = 0;
    while (delivered < info_.size) {
      auto buffer = std::make_shared<std::vector<std::byte>>(chunk_bytes_);
      auto bytes = fetch(buffer);
      if (!bytes) return Ok{};  // told to stop
      if (!bytes->ok()) return bytes->error();
      if (bytes->value() == 0 || bytes->value() > buffer->size()) {
        return Error(Errc::truncated, "the writer's stream ended after " +
                                          std::to_string(delivered) + " of " +
                                          std::to_string(info_.size) + " bytes");
      }
      if (bytes->value() > info_.size - delivered) {
        return Error(Errc::writer_fatal, "the writer's stream is longer than the " +
                                             std::to_string(info_.size) + " bytes it announced");
      }
      auto more = write_all({buffer->data(), bytes->value()});
      if (!more.ok()) return more.error();
      if (!more.value()) return Ok{};  // nobody reads any more
      delivered += bytes->value();
    }
    return Ok{};
  }

  // Nothing when told to stop meanwhile.
  std::optional<Result<std::size_t>> fetch(const std::shared_ptr<std::vector<std::byte>>& buffer) {
    auto fetched = std::make_shared<Fetched>();
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return std::nullopt;
      current_ = fetched;
    }
    fetch_(buffer, [fetched](Result<std::size_t> bytes) {
      std::lock_guard lock(fetched->mutex);
      fetched->bytes = std::move(bytes);
      fetched->changed.notify_all();
    });
    std::unique_lock lock(fetched->mutex);
    fetched->changed.wait(lock, [&] { return fetched->bytes || fetched->abandoned; });
    if (fetched->abandoned) return std::nullopt;
    return std::move(fetched->bytes);
  }

  // False when the reader has closed its end or stop() was called.
  Result<bool> write_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      pollfd fds[2] = {{pipe_.get(), POLLOUT, 0}, {wake_.get(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) return false;
      const ssize_t n = ::write(pipe_.get(), bytes.data(), bytes.size());
      if (n >= 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(n));
      } else if (errno == EPIPE) {
        return false;
      } else if (errno != EAGAIN && errno != EINTR) {
        return posix_error(errno, "write to", "stream pipe");
      }
    }
    return true;
  }

  const StreamInfo info_;
  const std::size_t chunk_bytes_;
  const Fetch fetch_;
  Descriptor pipe_;
  const Descriptor wake_;
  std::mutex mutex_;  // guards the next two
  bool stopping_ = false;
  std::shared_ptr<Fetched> current_;
  Status outcome_ = Ok{};  // the thread's, until it is joined
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<StreamPump>> StreamPump::start(const StreamInfo& info, Fetch fetch,
                                                      Descriptor& read_end) {
  if (info.read_unit == 0 || info.read_unit > kReadUnitBytesMax) {
    return Error(Errc::writer_fatal, "a stream's read_unit must be 1 to " +
                                         std::to_string(kReadUnitBytesMax) + " bytes, not " +
                                         std::to_string(info.read_unit));
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix_error(errno, "create", "stream pipe");
  read_end = Descriptor(ends[0]);
  Descriptor write_end(ends[1]);
  if (::fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0) {
    return posix_error(errno, "prepare", "stream pipe");
  }
  (void)::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);  // a smaller pipe is only slower
  Descriptor wake(::eventfd(0, EFD_CLOEXEC));
  if (!wake.valid()) return posix_error(errno, "create", "stream pipe");
  auto pump =
      std::make_unique<PipePump>(info, std::move(fetch), std::move(write_end), std::move(wake));
  try {
    pump->start();
  } catch (const std::system_error& e) {
    return Error(Errc::out_of_resources, std::string("cannot start a stream: ") + e.what());
  }
  return std::unique_ptr<StreamPump>(std::move(pump));
}

}  // namespace stillframe
