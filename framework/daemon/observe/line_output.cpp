#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/daemon/observe/event_output.hpp"
#include "framework/wire/event_codec.hpp"

namespace stillframe::daemon {
namespace {

// Lines to a descriptor, and what is left of a line that was not taken whole.
class LineWriter {
 public:
  Status write(int fd, std::string line, const std::string& object) {
    line = (torn_ ? "\n" : "") + std::move(line) + "\n";
    std::size_t done = 0;
    while (done < line.size()) {
      const ssize_t n = ::write(fd, line.data() + done, line.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int why = errno;
        torn_ = torn_ || done > 0;
        return posix_error(why, "cannot write an event to", object);
      }
      done += static_cast<std::size_t>(n);
    }
    torn_ = false;
    return Ok{};
  }

 private:
  bool torn_ = false;
};

class FileOutput final : public EventOutput {
 public:
  explicit FileOutput(BytePath path) : path_(std::move(path)) {}

  Status write(const NumberedEvent& event) override {
    if (!file_.valid()) {
      file_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
      if (!file_.valid()) return posix_error(errno, "cannot open the event log", path_);
    }
    Status written = lines_.write(file_.get(), to_json_line(event), path_);
    if (!written.ok()) file_.reset();  // the next try finds a mended path, too
    return written;
  }

  void reopen() override {
    file_.reset();
    lines_ = {};
  }

 private:
  const BytePath path_;
  Descriptor file_;
  LineWriter lines_;
};

class StreamOutput final : public EventOutput {
 public:
  explicit StreamOutput(Descriptor to) : to_(std::move(to)) {}
  Status write(const NumberedEvent& event) override {
    return lines_.write(to_.get(), to_json_line(event), "standard error");
  }

 private:
  const Descriptor to_;
  LineWriter lines_;
};

}  // namespace

std::string to_json_line(const NumberedEvent& event) {
  return event_to_json(event).dump(-1, ' ', false,
                                   nlohmann::ordered_json::error_handler_t::replace);
}

std::unique_ptr<EventOutput> make_file_output(BytePath path) {
  return std::make_unique<FileOutput>(std::move(path));
}

std::unique_ptr<EventOutput> make_stream_output(Descriptor to) {
  return std::make_unique<StreamOutput>(std::move(to));
}

}  // namespace stillframe::daemon
