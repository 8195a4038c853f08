#include "framework/wire/frame.hpp"

#include <algorithm>
#include <utility>

namespace stillframe::wire {
namespace {

// Explicit little endian, so that the layout does not depend on the machine.
template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xff));
  }
}

template <class T>
T get(std::string_view in, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[at + i])) << (8 * i);
  }
  return static_cast<T>(value);
}

void put_header(std::string& out, const FrameHeader& header) {
  put(out, kFrameMagic);
  put(out, kFrameVersion);
  put(out, static_cast<std::uint8_t>(header.kind));
  put(out, header.flags);
  put(out, header.sequence);
  put(out, header.payload_bytes);
  put(out, header.descriptors);
  put(out, std::uint16_t{0});
}

constexpr std::size_t kVersionAt = 4;  // in every version of the header, as is the magic number

bool has_other_version(std::string_view header) {
  return get<std::uint32_t>(header, 0) == kFrameMagic &&
         get<std::uint8_t>(header, kVersionAt) != kFrameVersion;
}

Result<FrameHeader> parse_header(std::string_view bytes) {
  if (get<std::uint32_t>(bytes, 0) != kFrameMagic) {
    return Error(Errc::corrupt, "no Stillframe frame: the magic number is wrong");
  }
  const auto version = get<std::uint8_t>(bytes, kVersionAt);
  if (version != kFrameVersion) {
    return Error(version > kFrameVersion ? Errc::future_version : Errc::corrupt,
                 "frame version " + std::to_string(version) + "; this program speaks version " +
                     std::to_string(kFrameVersion) + ": use the Stillframe of the other side");
  }
  const auto kind = get<std::uint8_t>(bytes, 5);
  if (!is_known(kind)) return Error(Errc::corrupt, "unknown frame kind " + std::to_string(kind));

  FrameHeader header;
  header.kind = static_cast<Kind>(kind);
  header.flags = get<std::uint16_t>(bytes, 6);
  header.sequence = get<std::uint64_t>(bytes, 8);
  header.payload_bytes = get<std::uint32_t>(bytes, 16);
  header.descriptors = get<std::uint16_t>(bytes, 20);
  if ((header.flags & ~FrameHeader::kMore) != 0) {
    return Error(Errc::corrupt, "unknown frame flags " + std::to_string(header.flags));
  }
  if (get<std::uint16_t>(bytes, 22) != 0) {
    return Error(Errc::corrupt, "reserved bytes of a frame header are not zero");
  }
  return header;
}

Error too_large(Kind kind, std::size_t bytes, std::size_t limit) {
  return Error(Errc::limit_reached, "a " + std::string(to_string(kind)) + " message of " +
                                        std::to_string(bytes) + " bytes; at most " +
                                        std::to_string(limit) + " are allowed");
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::hello:
      return "hello";
    case Kind::welcome:
      return "welcome";
    case Kind::refuse:
      return "refuse";
    case Kind::bye:
      return "bye";
    case Kind::register_writer:
      return "register";
    case Kind::registered:
      return "registered";
    case Kind::call:
      return "call";
    case Kind::answer:
      return "answer";
    case Kind::cancel:
      return "cancel";
    case Kind::heartbeat:
      return "heartbeat";
    case Kind::progress:
      return "progress";
    case Kind::request:
      return "request";
    case Kind::reply:
      return "reply";
    case Kind::event:
      return "event";
  }
  return "unknown";
}

bool is_known(std::uint8_t kind) noexcept {
  return to_string(static_cast<Kind>(kind)) != std::string_view("unknown");
}

std::size_t message_bytes_max(Kind kind) noexcept {
  switch (kind) {
    case Kind::hello:
    case Kind::welcome:
    case Kind::refuse:
    case Kind::bye:
    case Kind::registered:
    case Kind::cancel:
    case Kind::heartbeat:
    case Kind::progress:
      return kHandshakeBytesMax;
    case Kind::register_writer:
    case Kind::event:
      return kFramePayloadBytesMax;
    case Kind::call:
    case Kind::answer:
    case Kind::request:
    case Kind::reply:
      return kDocumentMessageBytesMax;
  }
  return 0;
}

bool may_continue(Kind kind) noexcept {
  return message_bytes_max(kind) > kFramePayloadBytesMax;
}

Result<std::vector<std::string>> encode_frames(const RawMessage& message) {
  const std::size_t limit = message_bytes_max(message.kind);
  if (message.payload.size() > limit) return too_large(message.kind, message.payload.size(), limit);
  if (message.descriptors > kMessageDescriptorsMax) {
    return Error(Errc::limit_reached, std::to_string(message.descriptors) +
                                          " descriptors in one message; at most " +
                                          std::to_string(kMessageDescriptorsMax));
  }
  std::vector<std::string> frames;
  std::string_view rest = message.payload;
  do {
    const auto part = rest.substr(0, kFramePayloadBytesMax);
    rest.remove_prefix(part.size());
    FrameHeader header;
    header.kind = message.kind;
    header.flags = rest.empty() ? std::uint16_t{0} : FrameHeader::kMore;
    header.sequence = message.sequence;
    header.descriptors = frames.empty() ? message.descriptors : std::uint16_t{0};
    header.payload_bytes = static_cast<std::uint32_t>(part.size());
    std::string& frame = frames.emplace_back();
    frame.reserve(kFrameHeaderBytes + part.size());
    put_header(frame, header);
    frame.append(part);
  } while (!rest.empty());
  return frames;
}

Status FrameReader::feed(std::string_view bytes) {
  while (!bytes.empty() && !broken_) {
    if (Status s = feed_some(bytes); !s.ok()) broken_ = s.error();
  }
  if (broken_) return *broken_;
  return Ok{};
}

// Takes the rest of one header or of one payload from the front of `bytes`.
Status FrameReader::feed_some(std::string_view& bytes) {
  if (!frame_) {
    const auto part = bytes.substr(0, kFrameHeaderBytes - header_.size());
    header_.append(part);
    bytes.remove_prefix(part.size());
    if (header_.size() < kFrameHeaderBytes) return Ok{};
    if (Status s = begin_frame(); !s.ok()) return s;
  } else {
    const auto part = bytes.substr(0, frame_missing_);
    target().payload.append(part);
    bytes.remove_prefix(part.size());
    frame_missing_ -= part.size();
  }
  if (frame_missing_ == 0) return end_frame();
  return Ok{};
}

// The header is complete: everything it announces is checked before a byte of payload is kept.
Status FrameReader::begin_frame() {
  auto parsed = parse_header(header_);
  met_other_version_ = has_other_version(header_);
  header_.clear();
  if (!parsed.ok()) return parsed.error();
  const FrameHeader& header = parsed.value();

  if (header.payload_bytes > kFramePayloadBytesMax) {
    return too_large(header.kind, header.payload_bytes, kFramePayloadBytesMax);
  }
  const bool more = (header.flags & FrameHeader::kMore) != 0;
  if (more && !may_continue(header.kind)) {
    return Error(Errc::corrupt,
                 "a " + std::string(to_string(header.kind)) + " message must fit one frame");
  }
  if (more && header.payload_bytes == 0) {
    return Error(Errc::corrupt, "an empty frame says that more follows");
  }
  if (header.descriptors > kMessageDescriptorsMax) {
    return Error(Errc::limit_reached, std::to_string(header.descriptors) +
                                          " descriptors announced; at most " +
                                          std::to_string(kMessageDescriptorsMax));
  }

  continuing_kind_ = may_continue(header.kind);
  Partial& partial = continuing_kind_ ? large_ : small_;
  if (partial.under_way) {
    if (header.kind != partial.message.kind || header.sequence != partial.message.sequence) {
      return Error(Errc::corrupt, "a " + std::string(to_string(header.kind)) +
                                      " frame inside an unfinished " +
                                      std::string(to_string(partial.message.kind)) + " message");
    }
    if (header.descriptors != 0) {
      return Error(Errc::corrupt, "descriptors announced after a message's first frame");
    }
  } else {
    partial.message = RawMessage{header.kind, header.sequence, header.descriptors, {}};
    partial.under_way = true;
  }
  const std::size_t limit =
      std::min(message_bytes_max(header.kind), handshake_done_ ? bytes_max_ : kHandshakeBytesMax);
  const std::size_t total = partial.message.payload.size() + header.payload_bytes;
  if (total > limit) return too_large(header.kind, total, limit);

  frame_ = header;
  frame_missing_ = header.payload_bytes;
  return Ok{};
}

Status FrameReader::end_frame() {
  const bool more = (frame_->flags & FrameHeader::kMore) != 0;
  frame_.reset();
  if (more) return Ok{};
  Partial& partial = continuing_kind_ ? large_ : small_;
  partial.under_way = false;
  complete_.push_back(std::exchange(partial.message, RawMessage{}));
  return Ok{};
}

std::optional<RawMessage> FrameReader::next() {
  if (complete_.empty()) return std::nullopt;
  RawMessage message = std::move(complete_.front());
  complete_.pop_front();
  return message;
}

Status FrameReader::finish() const {
  if (broken_) return *broken_;
  if (!header_.empty() || frame_ || large_.under_way) {
    return Error(Errc::truncated, "the stream ended inside a message");
  }
  return Ok{};
}

}  // namespace stillframe::wire
