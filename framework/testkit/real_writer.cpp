#include "framework/testkit/real_writer.hpp"

#include <algorithm>

#include "framework/sdk/dispatch.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::uint64_t kReadBytes = 256 << 10;
// A stream is kept whole until it is read.
constexpr std::uint64_t kStreamBytesMax = std::uint64_t{1} << 30;

class NeverCancelled final : public CancelToken {
 public:
  bool cancelled() const noexcept override { return false; }
};

class NoProgress final : public ProgressSink {
 public:
  void report(std::uint64_t, std::uint64_t, std::string_view) override {}
};

}  // namespace

RealWriter::RealWriter(Writer& writer, ConsistencyPolicy policy, std::uint16_t number)
    : writer_(writer), policy_(policy) {
  const WriterAnswer answer = dispatch_call({}, SessionId{}, NoArgs{});
  if (const auto* metadata = std::get_if<WriterMetadata>(&answer.payload)) metadata_ = *metadata;
  metadata_.identity = writer.identity();
  metadata_.instance = simulated_id<WriterInstanceId>(4, number);
}

std::vector<std::string> RealWriter::verbs(std::uint16_t session) const {
  std::vector<std::string> verbs;
  for (const auto& [of, verb] : said_) {
    if (of == session) verbs.emplace_back(stillframe::to_string(verb));
  }
  return verbs;
}

WriterAnswer RealWriter::dispatch_call(const Call& call, const SessionId& session,
                                       WriterArgs args) {
  NeverCancelled cancel;
  NoProgress progress;
  WriterCall said;
  said.verb = call.verb;
  said.session = session;
  said.deadline = BootTime(Duration(call.now + 60 * kSecond));
  said.args = std::move(args);
  CallContext context;
  context.session = session;
  context.deadline = Deadline(said.deadline);
  context.cancel = &cancel;
  context.progress = &progress;
  return dispatch(writer_, context, said);
}

// What the SDK does once a stream is open: reads it to its end, and keeps how it went for close().
SimulatedStream RealWriter::drain(const Call& call, const SessionId& session,
                                  const StreamInfo& info) {
  SimulatedStream stream;
  const std::uint64_t unit = std::max<std::uint32_t>(info.read_unit, 1);
  const std::uint64_t chunk = (kReadBytes + unit - 1) / unit * unit;
  if (info.size > kStreamBytesMax) {
    stream.outcome = Error(Errc::limit_reached, "a simulated stream has at most 1 GiB");
    return stream;
  }
  Call read = call;
  read.verb = Verb::read;
  while (stream.bytes.size() < info.size) {
    const WriterAnswer answer = dispatch_call(read, session, ReadArgs{info.handle, chunk});
    const auto* bytes = std::get_if<std::vector<std::byte>>(&answer.payload);
    if (!answer.status.ok()) {
      stream.outcome = answer.status;
      return stream;
    }
    if (bytes == nullptr || bytes->empty()) {
      stream.outcome = Error(Errc::truncated, "the writer's stream ended after " +
                                                  std::to_string(stream.bytes.size()) + " of " +
                                                  std::to_string(info.size) + " bytes");
      return stream;
    }
    if (bytes->size() > info.size - stream.bytes.size()) {
      stream.outcome =
          Error(Errc::writer_fatal, "the writer's stream is longer than the " +
                                        std::to_string(info.size) + " bytes it announced");
      return stream;
    }
    stream.bytes.insert(stream.bytes.end(), bytes->begin(), bytes->end());
  }
  return stream;
}

std::optional<Errc> RealWriter::say(const Call& call, std::uint32_t index,
                                    SessionDocument& document) {
  const SessionId session = document.document.session;
  said_.emplace_back(call.session, call.verb);
  WriterAnswer answer = dispatch_call(
      call, session, document.arguments(call.verb, index, call.component, call.copied_ok));
  const auto* statement = std::get_if<HoldStatement>(&answer.payload);
  if (call.verb == Verb::thaw) vouched_ = statement != nullptr && statement->unbroken;
  if (!answer.status.ok()) return answer.status.error().code();
  if (const auto* info = std::get_if<StreamInfo>(&answer.payload)) {
    const std::uint32_t component = call.component != machine::kNone
                                        ? call.component
                                        : document.find(index, document.stream_request.component);
    document.begin_stream(index, component, info->handle, drain(call, session, *info));
  }
  if (call.verb == Verb::close) {
    const SimulatedStream* stream = document.stream(index, document.stream_handle);
    if (stream != nullptr && !stream->outcome.ok()) return stream->outcome.error().code();
  }
  const Status absorbed = document.absorb(call.verb, index, answer);
  if (absorbed.ok()) return std::nullopt;
  return absorbed.error().code();
}

}  // namespace stillframe::testkit
