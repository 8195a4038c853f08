// What goes over a channel to a server in another process. docs/formats/directory-channel.md.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "writers/ese/ntds/directory_service.hpp"

namespace stillframe::ese::ntds {

struct AskOnline {
  friend bool operator==(const AskOnline&, const AskOnline&) = default;
};
struct AskPrepare {
  std::vector<std::byte> token;
  friend bool operator==(const AskPrepare&, const AskPrepare&) = default;
};
struct AskLocations {
  friend bool operator==(const AskLocations&, const AskLocations&) = default;
};
struct AskRegister {
  RestoreArguments arguments;
  friend bool operator==(const AskRegister& a, const AskRegister& b);
};
struct AskComplete {
  std::uint32_t result = 0;
  friend bool operator==(const AskComplete&, const AskComplete&) = default;
};
// The restore's handle ends.
struct AskEnd {
  friend bool operator==(const AskEnd&, const AskEnd&) = default;
};

using ChannelRequest =
    std::variant<AskOnline, AskPrepare, AskLocations, AskRegister, AskComplete, AskEnd>;

struct ChannelAnswer {
  std::int32_t code = 0;          // an HRESULT
  std::string why;                // in words, unless it is 0
  bool online = false;            // of AskOnline
  std::vector<ListedFile> files;  // of AskLocations
};

// The same bytes for the same request, and no others. invalid_argument for one that is longer than
// DS_MESSAGE_BYTES_MAX, and for bytes that are none.
Result<std::vector<std::byte>> encode_request(const ChannelRequest& request);
Result<ChannelRequest> decode_request(Bytes bytes);
Result<std::vector<std::byte>> encode_answer(const ChannelAnswer& answer);
Result<ChannelAnswer> decode_answer(Bytes bytes);

}  // namespace stillframe::ese::ntds
