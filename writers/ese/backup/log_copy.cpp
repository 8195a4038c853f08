#include "writers/ese/backup/log_copy.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_generation.hpp"

namespace stillframe::ese {

Result<LogCopy> LogCopy::open(Files& files, const BytePath& path,
                              std::optional<Generation> generation) {
  if (!files.exists(path)) {
    return ese_error(EseErr::missing_file_to_backup,
                     "'" + escape_path(path) + "' is to be copied, and is not there");
  }
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto bytes = file.value()->size();
  if (!bytes.ok()) return bytes.error();
  return LogCopy(std::move(file).value(), bytes.value(), generation);
}

Status LogCopy::load_verified() {
  std::vector<std::byte> bytes(bytes_);
  if (Status s = file_->read(0, bytes); !s.ok()) return s;
  auto log = LogGeneration::read(std::move(bytes), path(), {.complete = true});
  if (!log.ok()) {
    return ese_error(EseErr::log_read_verify_failure,
                     "log '" + escape_path(path()) + "' is damaged: " + log.error().what());
  }
  if (log.value().generation() == *generation_) {
    verified_ = std::move(log).value().take_bytes();
    return Ok{};
  }
  return ese_error(EseErr::log_read_verify_failure,
                   "log '" + escape_path(path()) + "' is of generation " +
                       std::to_string(static_cast<int>(log.value().generation())) +
                       ", which is not what it is called");
}

Result<std::size_t> LogCopy::read(MutableBytes into) {
  if (generation_ && verified_.empty()) {
    if (Status s = load_verified(); !s.ok()) return s.error();
  }
  const std::size_t some = std::min<std::uint64_t>(into.size(), bytes_ - next_);
  if (some == 0) return std::size_t{0};
  if (generation_) {
    std::copy_n(verified_.begin() + static_cast<std::ptrdiff_t>(next_), some, into.begin());
  } else if (Status s = file_->read(next_, into.first(some)); !s.ok()) {
    return s.error();
  }
  next_ += some;
  return some;
}

}  // namespace stillframe::ese
