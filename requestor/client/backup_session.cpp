#include <cerrno>
#include <exception>

#include <poll.h>

#include "framework/base/posix_error.hpp"
#include "requestor/client/client_impl.hpp"

namespace stillframe {

using nlohmann::json;

namespace {

Result<std::vector<WriterStatus>> writers_of(SessionCalls& calls, const char* verb, json params) {
  auto result = calls.call(verb, std::move(params));
  if (!result.ok()) return result.error();
  return decode_member<std::vector<WriterStatus>>(calls.method(verb), result.value(), "writers");
}

// Up to `buffer.size()` bytes of a pipe, or `cancelled` as soon as the session is.
Result<std::size_t> read_pipe(int pipe, SessionCalls& calls, std::span<std::byte> buffer) {
  while (true) {
    pollfd wait[2] = {{pipe, POLLIN, 0}, {calls.cancel_fd(), POLLIN, 0}};
    if (poll(wait, 2, -1) < 0 && errno != EINTR) return posix_error(errno, "wait for", "stream");
    if (calls.cancelled()) return calls.cancelled_error();
    if (wait[0].revents == 0) continue;
    const ssize_t got = ::read(pipe, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN) return posix_error(errno, "read", "stream");
  }
}

}  // namespace

BackupSession::BackupSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BackupSession::BackupSession(BackupSession&&) noexcept = default;
BackupSession& BackupSession::operator=(BackupSession&&) noexcept = default;
BackupSession::~BackupSession() = default;

BackupSession::Impl::~Impl() {
  calls.subscribe({});
  if (calls.ended) return;
  // Nobody is left to tell of a failure; a coordinator that does not hear this notices the
  // connection's end and aborts by itself.
  if (!finished) {
    (void)calls.call_even_if_cancelled("abort", {{"reason", "the requestor gave up the session"}});
  }
  (void)calls.call_even_if_cancelled("end", json::object());
}

SessionId BackupSession::id() const {
  return impl_->calls.id();
}

void BackupSession::on_progress(ProgressHandler handler) {
  impl_->calls.subscribe(std::move(handler));
}

Result<std::vector<WriterStatus>> BackupSession::gather() {
  return writers_of(impl_->calls, "gather", json::object());
}

Status BackupSession::select(const std::vector<ComponentSelector>& selectors) {
  return to_status(impl_->calls.call("select", {{"selectors", encode_json(selectors)}}));
}

Result<std::vector<WriterStatus>> BackupSession::prepare() {
  return writers_of(impl_->calls, "prepare", json::object());
}

Result<SnapshotSetResult> BackupSession::create_snapshots(const SnapshotOptions& options) {
  auto result = impl_->calls.call("snapshot", {{"options", encode_json(options)}});
  if (!result.ok()) return result.error();
  return decode_whole<SnapshotSetResult>("backup.snapshot", result.value());
}

Result<StreamInfo> BackupSession::open_stream(const WriterInstanceId& writer,
                                              const StreamRequest& request) {
  std::vector<Descriptor> descriptors;
  auto result = impl_->calls.call(
      "open_stream", {{"writer", writer.to_string()}, {"request", encode_json(request)}},
      &descriptors);
  if (!result.ok()) return result.error();
  auto stream = decode_member<StreamInfo>("backup.open_stream", result.value(), "stream");
  if (!stream.ok()) return stream;
  if (descriptors.size() != 1) {
    return Error(
        Errc::corrupt,
        "backup.open_stream: the answer has " + std::to_string(descriptors.size()) +
            " descriptors instead of one; is the coordinator remote or of another version?");
  }
  impl_->streams[{writer, stream.value().handle}] =
      Impl::Stream{std::move(descriptors[0]), stream.value().size};
  return stream;
}

Result<std::vector<std::byte>> BackupSession::read_stream(const WriterInstanceId& writer,
                                                          std::uint64_t handle,
                                                          std::size_t bytes_max) {
  if (impl_->calls.cancelled()) return impl_->calls.cancelled_error();
  const auto found = impl_->streams.find({writer, handle});
  if (found == impl_->streams.end()) {
    return Error(Errc::invalid_argument,
                 "stream " + std::to_string(handle) + " is not open; call open_stream() first");
  }
  Impl::Stream& stream = found->second;
  std::vector<std::byte> bytes(std::min<std::uint64_t>(bytes_max, stream.left));
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto got = read_pipe(stream.pipe.get(), impl_->calls, std::span(bytes).subspan(done));
    if (!got.ok()) return got.error();
    if (got.value() == 0) {
      return Error(Errc::truncated, "stream " + std::to_string(handle) + " ended " +
                                        std::to_string(stream.left) +
                                        " bytes early: the writer died or gave up");
    }
    done += got.value();
    stream.left -= got.value();
  }
  return bytes;
}

Status BackupSession::close_stream(const WriterInstanceId& writer, std::uint64_t handle) {
  impl_->streams.erase({writer, handle});
  return to_status(
      impl_->calls.call("close_stream", {{"writer", writer.to_string()}, {"handle", handle}}));
}

Result<LogList> BackupSession::list_logs(const WriterInstanceId& writer,
                                         const ComponentName& component) {
  auto result = impl_->calls.call(
      "list_logs", {{"writer", writer.to_string()}, {"component", encode_json(component)}});
  if (!result.ok()) return result.error();
  return decode_member<LogList>("backup.list_logs", result.value(), "logs");
}

Result<std::vector<WriterStatus>> BackupSession::complete(
    const Receipt& receipt, const std::vector<ComponentResult>& results) {
  auto writers = writers_of(impl_->calls, "complete",
                            {{"receipt", encode_json(receipt)}, {"results", encode_json(results)}});
  if (writers.ok()) impl_->finished = true;
  return writers;
}

Status BackupSession::abort(const std::string& reason) {
  if (impl_->finished) return Ok{};
  Status aborted = to_status(impl_->calls.call_even_if_cancelled("abort", {{"reason", reason}}));
  if (aborted.ok()) impl_->finished = true;
  return aborted;
}

Result<Evidence> BackupSession::end() {
  auto result = impl_->calls.call_even_if_cancelled("end", json::object());
  if (!result.ok()) return result.error();
  impl_->calls.ended = true;
  return decode_member<Evidence>("backup.end", result.value(), "evidence");
}

void BackupSession::cancel() {
  impl_->calls.cancel();
}

Result<BackupDocument> BackupSession::document() {
  auto result = impl_->calls.call("document");
  if (!result.ok()) return result.error();
  return decode_member<BackupDocument>("backup.document", result.value(), "document");
}

Result<Evidence> BackupSession::evidence() {
  auto result = impl_->calls.call("evidence");
  if (!result.ok()) return result.error();
  return decode_member<Evidence>("backup.evidence", result.value(), "evidence");
}

Result<std::vector<WriterStatus>> BackupSession::status() {
  return writers_of(impl_->calls, "status", json::object());
}

// Exceptions of the caller's function stop here: the writers are thawed whatever it does.
Result<HoldResult> BackupSession::Impl::hold_around(
    const BackupOptions& options, const std::function<int(Deadline)>& while_held) {
  auto begun = calls.call("hold_begin", {{"options", encode_json(options)}});
  if (!begun.ok()) return begun.error();
  const auto deadline = begun.value().find("deadline");
  if (deadline == begun.value().end() || !deadline->is_number_integer()) {
    return Error(Errc::corrupt, "backup.hold_begin: the coordinator's answer lacks a deadline");
  }
  HoldResult held;
  std::string thrown;
  try {
    held.command_status = while_held(Deadline(BootTime(Duration(deadline->get<std::int64_t>()))));
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "an exception of unknown type";
  }
  auto thawed = calls.call_even_if_cancelled("hold_end", json::object());
  if (!thrown.empty()) {
    return Error(Errc::invalid_argument, "the function given to hold() threw: " + thrown);
  }
  if (!thawed.ok()) return thawed.error();
  auto evidence = decode_member<Evidence>("backup.hold_end", thawed.value(), "evidence");
  if (!evidence.ok()) return evidence.error();
  held.evidence = std::move(evidence).value();
  if (auto ended = calls.call_even_if_cancelled("end", json::object()); ended.ok()) {
    calls.ended = true;
    auto last = decode_member<Evidence>("backup.end", ended.value(), "evidence");
    if (last.ok()) held.evidence = std::move(last).value();
  }
  return held;
}

}  // namespace stillframe
