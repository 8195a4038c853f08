// What is told of a file by its header, in the structures of callers.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include <stillframe/result.hpp>

#include "writers/ese/format/database_header.hpp"
#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::jet {

// Whichever JET_DBINFOMISC has `bytes`; InvalidBufferSize.
Status fill_database_info(const DatabaseHeader& header, void* result, std::uint32_t bytes);

// One value into the caller's buffer, which has to have its size.
template <class Value>
Status put_value(const Value& value, void* result, std::uint32_t bytes) {
  if (result == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  if (bytes != sizeof value) {
    return jet_error(JET_errInvalidBufferSize,
                     "the answer has " + std::to_string(sizeof value) + " bytes");
  }
  std::memcpy(result, &value, sizeof value);
  return Ok{};
}

}  // namespace stillframe::ese::jet
