// Frames: how messages are cut up on a byte stream. The layout, byte by byte, is in
// docs/protocol.md; this is version 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

namespace stillframe::wire {

inline constexpr std::uint32_t kFrameMagic = 0x31574653;  // "SFW1" in the order of the bytes
inline constexpr std::uint8_t kFrameVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 24;
inline constexpr std::size_t kFramePayloadBytesMax = std::size_t{1} << 20;
// A whole message, continuation frames included, by what it carries.
inline constexpr std::size_t kHandshakeBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kControlMessageBytesMax = std::size_t{16} << 20;
inline constexpr std::size_t kDocumentMessageBytesMax = std::size_t{1} << 30;
inline constexpr std::size_t kMessageDescriptorsMax = 253;  // SCM_MAX_FD of the kernel

// Numbers cross the wire and never change.
enum class Kind : std::uint8_t {
  hello = 1,
  welcome = 2,
  refuse = 3,
  bye = 4,
  register_writer = 16,
  registered = 17,
  call = 18,
  answer = 19,
  cancel = 20,
  heartbeat = 21,
  progress = 22,
  request = 32,
  reply = 33,
  event = 34,
};

std::string_view to_string(Kind kind) noexcept;
bool is_known(std::uint8_t kind) noexcept;

// The most bytes a message of this kind may have. Messages that can hold documents may be large;
// those that must not wait behind a large one are small and fit one frame.
std::size_t message_bytes_max(Kind kind) noexcept;
// Whether messages of this kind may be cut into several frames.
bool may_continue(Kind kind) noexcept;

struct FrameHeader {
  static constexpr std::uint16_t kMore = 1;  // the message goes on in the next frame of its kind

  Kind kind = Kind::bye;
  std::uint16_t flags = 0;
  std::uint16_t descriptors = 0;  // how many ride along; only in a message's first frame
  std::uint64_t sequence = 0;     // names an exchange: an answer bears its call's
  std::uint32_t payload_bytes = 0;
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

// A message whose frames have been put together again; `payload` is JSON text, not yet looked at.
struct RawMessage {
  Kind kind = Kind::bye;
  std::uint64_t sequence = 0;
  std::uint16_t descriptors = 0;
  std::string payload;
  friend bool operator==(const RawMessage&, const RawMessage&) = default;
};

// The message's frames, each ready to be sent; frames of smaller messages may be sent between them.
// limit_reached when the message is larger than its kind may be.
Result<std::vector<std::string>> encode_frames(const RawMessage& message);

// Reads frames from any split of the stream. After an error the stream cannot be trusted any more:
// every later call answers the same error.
class FrameReader {
 public:
  // Bytes that arrived. corrupt: these bytes are no frames of this version; future_version: frames
  // of a later one; limit_reached: the peer announced more than its kind may have. Memory grows
  // with what arrived, never with what was announced.
  Status feed(std::string_view bytes);

  // The next complete message, in the order in which they became complete.
  std::optional<RawMessage> next();

  // The stream ended here: truncated when that is inside a message.
  Status finish() const;

  // Whether the error of feed() is that the peer speaks frames of another version.
  bool met_other_version() const noexcept { return met_other_version_; }

  // Until called, only messages of at most kHandshakeBytesMax are accepted: a stranger may not make
  // us hold a document.
  void handshake_done() noexcept { handshake_done_ = true; }
  // No message may be longer than this, whatever its kind may have otherwise.
  void limit_messages(std::size_t bytes_max) noexcept { bytes_max_ = bytes_max; }

 private:
  struct Partial {
    RawMessage message;
    bool under_way = false;
  };

  Status feed_some(std::string_view& bytes);
  Status begin_frame();
  Status end_frame();
  RawMessage& target() { return continuing_kind_ ? large_.message : small_.message; }

  std::string header_;  // of the frame under way, up to kFrameHeaderBytes
  std::optional<FrameHeader> frame_;
  std::size_t frame_missing_ = 0;  // payload bytes of the frame still to come
  bool continuing_kind_ = false;   // whether the frame under way belongs to `large_`
  Partial large_;                  // at most one message is cut into frames at a time
  Partial small_;                  // a single-frame message that came between them
  std::deque<RawMessage> complete_;
  std::optional<Error> broken_;
  bool handshake_done_ = false;
  std::size_t bytes_max_ = kDocumentMessageBytesMax;
  bool met_other_version_ = false;
};

}  // namespace stillframe::wire
