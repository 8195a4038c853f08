// Between C++ values and what crosses the C interface: errors, sinks, ids, tables of a known size.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <stillframe/abi.h>
#include <stillframe/ids.hpp>
#include <stillframe/plugin.h>

#include "framework/model/json_codec.hpp"

namespace stillframe::plugin {

inline constexpr std::size_t kTextBytesMax = std::size_t{1} << 30;  // of one answer

// A table that a plug-in filled in. A member that lies beyond the plug-in's own size is null.
template <class T>
class Table {
 public:
  Table() : room_(new std::byte[STILLFRAME_TABLE_ROOM]()) {}
  T* get() { return reinterpret_cast<T*>(room_.get()); }
  const T* get() const { return reinterpret_cast<const T*>(room_.get()); }

  // What lies beyond the announced size is zeroed. The head itself must be there.
  Status settle() {
    const std::size_t bytes = get()->size;
    if (bytes < 24 || bytes > STILLFRAME_TABLE_ROOM) {
      return Error(Errc::invalid_argument,
                   "the plug-in filled in a table of " + std::to_string(bytes) + " bytes");
    }
    if (bytes < sizeof(T)) std::memset(room_.get() + bytes, 0, sizeof(T) - bytes);
    return Ok{};
  }

 private:
  std::unique_ptr<std::byte[]> room_;
};

// Collects what a plug-in puts; too much is an error, not memory.
class TextSink {
 public:
  stillframe_sink sink() { return {this, put}; }
  bool empty() const { return text_.empty() && !overflow_; }

  // The text as JSON, decoded.
  template <class T>
  Result<T> decode(std::string_view what) const {
    if (overflow_) return Error(Errc::limit_reached, std::string(what) + " is too long");
    auto json = parse_json_text(text_, kTextBytesMax);
    if (!json.ok()) {
      return Error(Errc::writer_fatal, std::string(what) + ": " + json.error().what());
    }
    auto value = decode_json<T>(json.value(), what);
    if (!value.ok()) return Error(Errc::writer_fatal, value.error().what());
    return value;
  }

 private:
  // Called by C code: nothing may be thrown.
  static void put(void* to, const char* data, std::uint64_t bytes) noexcept {
    auto* self = static_cast<TextSink*>(to);
    if (self->overflow_ || bytes > kTextBytesMax - self->text_.size()) {
      self->overflow_ = true;
      return;
    }
    try {
      self->text_.append(data, bytes);
    } catch (...) {
      self->overflow_ = true;
    }
  }

  std::string text_;
  bool overflow_ = false;
};

template <class T>
std::string json_text(const T& value) {
  return dump_json(encode_json(value));
}

template <class Tag>
stillframe_id c_id(const Id<Tag>& id) {
  stillframe_id out;
  std::memcpy(out.bytes, id.bytes().data(), sizeof out.bytes);
  return out;
}

// Text of a fixed array that a plug-in may have forgotten to end.
template <std::size_t N>
std::string c_text(const char (&text)[N]) {
  return std::string(text, ::strnlen(text, N));
}

// The outcome of one call. A code that this host does not know is `fallback`.
Status outcome(std::int32_t code, const stillframe_error& error, Errc fallback,
               std::string_view call);

}  // namespace stillframe::plugin
