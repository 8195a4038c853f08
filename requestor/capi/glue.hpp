// Between the C calls and the C++ ones: errors and text out, JSON in, exceptions kept inside.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include <nlohmann/json.hpp>

#include <stillframe/abi.h>
#include <stillframe/documents.hpp>

#include "framework/wire/requestor_codec.hpp"

namespace stillframe::capi {

inline std::int32_t fail(const Error& error, stillframe_error* out) noexcept {
  if (out != nullptr) {
    std::memset(out, 0, sizeof *out);
    out->code = static_cast<std::int32_t>(error.code());
    out->application_code = error.application_code();
    const std::size_t bytes = std::min(error.what().size(), sizeof out->message - 1);
    std::memcpy(out->message, error.what().data(), bytes);
  }
  return static_cast<std::int32_t>(error.code());
}

// Runs a call; whatever it throws becomes an error.
template <class Call>
std::int32_t guarded(stillframe_error* error, Call call) noexcept {
  try {
    Status status = call();
    return status.ok() ? STILLFRAME_OK : fail(status.error(), error);
  } catch (const std::bad_alloc&) {
    return fail(Error(Errc::out_of_resources, "out of memory"), error);
  } catch (const std::exception& e) {
    return fail(Error(Errc::internal, e.what()), error);
  } catch (...) {
    return fail(Error(Errc::internal, "an unknown exception"), error);
  }
}

// Gives text to the caller, who frees it by stillframe_text_free().
inline Status give(const std::string& text, char** out) {
  if (out == nullptr) return Ok{};
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return Error(Errc::out_of_resources, "out of memory");
  std::memcpy(copy, text.c_str(), text.size() + 1);
  *out = copy;
  return Ok{};
}

template <class T>
Status give_json(Result<T> value, char** out) {
  if (!value.ok()) return value.error();
  return give(dump_json(encode_json(value.value())), out);
}

template <class T>
Status give_document(Result<T> value, char** out) {
  if (!value.ok()) return value.error();
  return give(to_json(value.value()), out);
}

// JSON of the caller's. What is wrong with it is his mistake, whatever the parser calls it.
template <class T>
Result<T> take(const char* json, std::string_view what) {
  if (json == nullptr) return Error(Errc::invalid_argument, std::string(what) + " is null");
  auto parsed = parse_json_text(json, kDocumentBytesMax);
  if (!parsed.ok()) {
    return Error(Errc::invalid_argument, std::string(what) + ": " + parsed.error().what());
  }
  auto value = decode_json<T>(parsed.value(), what);
  if (!value.ok()) return Error(Errc::invalid_argument, value.error().what());
  return value;
}

template <class IdType>
IdType id_of(const stillframe_id& id) {
  UuidBytes bytes{};
  std::memcpy(bytes.data(), id.bytes, bytes.size());
  return IdType(bytes);
}

template <class Tag>
stillframe_id c_id(const Id<Tag>& id) {
  stillframe_id out;
  std::memcpy(out.bytes, id.bytes().data(), sizeof out.bytes);
  return out;
}

inline ProgressHandler progress_to(void (*progress)(void*, const char*, const char*, std::uint64_t,
                                                    std::uint64_t),
                                   void* to) {
  if (progress == nullptr) return nullptr;
  return [progress, to](const std::string& phase, const std::string& who, std::uint64_t done,
                        std::uint64_t total) {
    progress(to, phase.c_str(), who.c_str(), done, total);
  };
}

inline const char* or_empty(const char* text) {
  return text != nullptr ? text : "";
}

}  // namespace stillframe::capi
