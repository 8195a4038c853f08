// Every field of a record by name, for people and tools.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// A number, a text (positions, times, signatures, paths), or bytes that only their reader
// understands.
using FieldValue = std::variant<std::uint64_t, std::int64_t, std::string, Bytes>;
using FieldSink = std::function<void(std::string_view name, const FieldValue& value)>;

// Calls `sink` for each field and part of the whole record `bytes`, in the order of their places.
// The body of an extensible record whose layout is known is taken apart too. Nothing is called for
// a type without a row.
void show_record(Bytes bytes, const FieldSink& sink);

// "2022-02-20 03:38:21.279Z"; no Z for a local time, "-" for a time that is not set.
std::string to_text(const LogTime& time);
// Random number and time, which identify it to a person; "-" when it is not set.
std::string to_text(const Signature& signature);

}  // namespace stillframe::ese
