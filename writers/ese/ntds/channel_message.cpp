#include "writers/ese/ntds/channel_message.hpp"

#include <utility>

#include <stillframe/ntds/ntdshost.h>

namespace stillframe::ese::ntds {

namespace {

constexpr std::uint8_t kVersion = 1;
// What answers are, beside the numbers of requests.
constexpr std::uint8_t kAnswer = 0x80, kBlockAnswer = 0x81;
constexpr std::size_t kDatabasesMax = 4096, kListedFilesMax = 4096;

class MessageWriter {
 public:
  explicit MessageWriter(std::uint8_t kind) {
    number(kVersion);
    number(kind);
  }
  template <class T>
  void number(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    store_le(bytes_.data() + at, value);
  }
  void text(std::string_view text) { block(std::as_bytes(std::span(text.data(), text.size()))); }
  void block(Bytes block) {
    number(static_cast<std::uint32_t>(block.size()));
    bytes_.insert(bytes_.end(), block.begin(), block.end());
  }
  Result<std::vector<std::byte>> finish() && {
    if (bytes_.size() <= DS_MESSAGE_BYTES_MAX) return std::move(bytes_);
    return Error(Errc::invalid_argument, "a message to a server is too long");
  }

 private:
  std::vector<std::byte> bytes_;
};

// After the first thing that is missing everything is empty, and finish() says so.
class MessageReader {
 public:
  explicit MessageReader(Bytes bytes) : rest_(bytes) {
    if (number<std::uint8_t>() != kVersion) good_ = false;
  }
  template <class T>
  T number() {
    if (!good_ || rest_.size() < sizeof(T)) {
      good_ = false;
      return T{};
    }
    const T value = load_le<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  Bytes block() {
    const auto bytes = number<std::uint32_t>();
    if (!good_ || rest_.size() < bytes) {
      good_ = false;
      return {};
    }
    const Bytes block = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return block;
  }
  std::string text() {
    const Bytes bytes = block();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // How many things follow.
  std::uint32_t count(std::size_t most) {
    const auto count = number<std::uint32_t>();
    if (count > most) good_ = false;
    return good_ ? count : 0;
  }
  void refuse() noexcept { good_ = false; }
  bool good() const noexcept { return good_; }
  bool finished() const noexcept { return good_ && rest_.empty(); }

 private:
  Bytes rest_;
  bool good_ = true;
};

// By their places in ChannelRequest, which are their numbers.
struct WriteRequest {
  MessageWriter& to;

  void operator()(const AskOnline&) const {}
  void operator()(const AskPrepare& ask) const { to.block(ask.token); }
  void operator()(const AskLocations&) const {}
  void operator()(const AskRegister& ask) const {
    const RestoreArguments& restore = ask.arguments;
    for (const BytePath* path : {&restore.checkpoint, &restore.logs, &restore.set}) to.text(*path);
    to.number(restore.low);
    to.number(restore.high);
    to.number(static_cast<std::uint32_t>(restore.databases.size()));
    for (const RestoredPath& each : restore.databases) {
      to.text(each.logged);
      to.text(each.file);
    }
  }
  void operator()(const AskComplete& ask) const { to.number(ask.result); }
  void operator()(const AskEnd&) const {}
  void operator()(const AskBackup&) const {}
  void operator()(const AskDatabases&) const {}
  void operator()(const AskLogs&) const {}
  void operator()(const AskOpen& ask) const { to.text(ask.path); }
  void operator()(const AskRead& ask) const { to.number(ask.bytes); }
  void operator()(const AskClose&) const {}
  void operator()(const AskTruncate&) const {}
  void operator()(const AskBackupEnd&) const {}
};

AskRegister read_register(MessageReader& from) {
  AskRegister ask;
  RestoreArguments& restore = ask.arguments;
  for (BytePath* path : {&restore.checkpoint, &restore.logs, &restore.set}) *path = from.text();
  restore.low = from.number<std::uint32_t>();
  restore.high = from.number<std::uint32_t>();
  for (std::uint32_t left = from.count(kDatabasesMax); left > 0 && from.good(); --left) {
    std::string logged = from.text();
    restore.databases.push_back({std::move(logged), from.text()});
  }
  return ask;
}

Result<ChannelRequest> read_request(MessageReader& from) {
  switch (from.number<std::uint8_t>()) {
    case 0:
      return ChannelRequest(AskOnline{});
    case 1: {
      const Bytes token = from.block();
      return ChannelRequest(AskPrepare{{token.begin(), token.end()}});
    }
    case 2:
      return ChannelRequest(AskLocations{});
    case 3:
      return ChannelRequest(read_register(from));
    case 4:
      return ChannelRequest(AskComplete{from.number<std::uint32_t>()});
    case 5:
      return ChannelRequest(AskEnd{});
    case 6:
      return ChannelRequest(AskBackup{});
    case 7:
      return ChannelRequest(AskDatabases{});
    case 8:
      return ChannelRequest(AskLogs{});
    case 9:
      return ChannelRequest(AskOpen{from.text()});
    case 10: {
      const AskRead ask{from.count(kChannelReadBytesMax)};
      if (ask.bytes == 0) from.refuse();
      return ChannelRequest(ask);
    }
    case 11:
      return ChannelRequest(AskClose{});
    case 12:
      return ChannelRequest(AskTruncate{});
    case 13:
      return ChannelRequest(AskBackupEnd{});
    default:
      return Error(Errc::invalid_argument, "no request has this number");
  }
}

Error not_a_message() {
  return Error(Errc::invalid_argument, "these bytes are no message of this channel");
}

ChannelAnswer read_answer(MessageReader& from) {
  ChannelAnswer answer;
  answer.code = from.number<std::int32_t>();
  answer.why = from.text();
  const auto online = from.number<std::uint8_t>();
  if (online > 1) from.refuse();
  answer.online = online == 1;
  for (std::uint32_t left = from.count(kListedFilesMax); left > 0 && from.good(); --left) {
    const auto kind = from.number<std::uint8_t>();
    answer.files.push_back({kind, from.text()});
  }
  return answer;
}

bool has_block(const ChannelAnswer& answer) {
  return answer.bytes != 0 || !answer.block.empty();
}

// One with neither is the other kind, so that there are not two ways to say nothing.
ChannelAnswer read_block_answer(MessageReader& from) {
  ChannelAnswer answer;
  answer.bytes = from.number<std::uint64_t>();
  const Bytes block = from.block();
  answer.block.assign(block.begin(), block.end());
  if (!has_block(answer)) from.refuse();
  return answer;
}

}  // namespace

bool operator==(const AskRegister& a, const AskRegister& b) {
  const RestoreArguments &x = a.arguments, &y = b.arguments;
  if (x.databases.size() != y.databases.size()) return false;
  for (std::size_t i = 0; i < x.databases.size(); ++i) {
    if (x.databases[i].logged != y.databases[i].logged) return false;
    if (x.databases[i].file != y.databases[i].file) return false;
  }
  return x.checkpoint == y.checkpoint && x.logs == y.logs && x.set == y.set && x.low == y.low &&
         x.high == y.high;
}

Result<std::vector<std::byte>> encode_request(const ChannelRequest& request) {
  MessageWriter to(static_cast<std::uint8_t>(request.index()));
  std::visit(WriteRequest{to}, request);
  return std::move(to).finish();
}

Result<ChannelRequest> decode_request(Bytes bytes) {
  if (bytes.size() > DS_MESSAGE_BYTES_MAX) return not_a_message();
  MessageReader from(bytes);
  auto request = read_request(from);
  if (!request.ok() || from.finished()) return request;
  return not_a_message();
}

Result<std::vector<std::byte>> encode_answer(const ChannelAnswer& answer) {
  if (has_block(answer)) {
    MessageWriter to(kBlockAnswer);
    to.number(answer.bytes);
    to.block(answer.block);
    return std::move(to).finish();
  }
  MessageWriter to(kAnswer);
  to.number(answer.code);
  to.text(answer.why);
  to.number(static_cast<std::uint8_t>(answer.online ? 1 : 0));
  to.number(static_cast<std::uint32_t>(answer.files.size()));
  for (const ListedFile& file : answer.files) {
    to.number(file.kind);
    to.text(file.path);
  }
  return std::move(to).finish();
}

Result<ChannelAnswer> decode_answer(Bytes bytes) {
  if (bytes.size() > DS_MESSAGE_BYTES_MAX) return not_a_message();
  MessageReader from(bytes);
  const auto kind = from.number<std::uint8_t>();
  if (kind != kAnswer && kind != kBlockAnswer) return not_a_message();
  ChannelAnswer answer = kind == kAnswer ? read_answer(from) : read_block_answer(from);
  if (!from.finished()) return not_a_message();
  return answer;
}

}  // namespace stillframe::ese::ntds
