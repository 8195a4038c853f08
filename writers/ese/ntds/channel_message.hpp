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

struct AskBackup {
  friend bool operator==(const AskBackup&, const AskBackup&) = default;
};
struct AskDatabases {
  friend bool operator==(const AskDatabases&, const AskDatabases&) = default;
};
struct AskLogs {
  friend bool operator==(const AskLogs&, const AskLogs&) = default;
};
struct AskOpen {
  BytePath path;
  friend bool operator==(const AskOpen&, const AskOpen&) = default;
};
struct AskRead {
  std::uint32_t bytes = 0;  // 1 to kChannelReadBytesMax
  friend bool operator==(const AskRead&, const AskRead&) = default;
};
struct AskClose {
  friend bool operator==(const AskClose&, const AskClose&) = default;
};
struct AskTruncate {
  friend bool operator==(const AskTruncate&, const AskTruncate&) = default;
};
// The backup's handle ends: it is whole, or given up.
struct AskBackupEnd {
  friend bool operator==(const AskBackupEnd&, const AskBackupEnd&) = default;
};

inline constexpr std::uint32_t kChannelReadBytesMax = 1U << 20;

using ChannelRequest =
    std::variant<AskOnline, AskPrepare, AskLocations, AskRegister, AskComplete, AskEnd, AskBackup,
                 AskDatabases, AskLogs, AskOpen, AskRead, AskClose, AskTruncate, AskBackupEnd>;

// Either of what is in the first four, or a success with the last two.
struct ChannelAnswer {
  std::int32_t code = 0;          // an HRESULT
  std::string why;                // in words, unless it is 0
  bool online = false;            // of AskOnline
  std::vector<ListedFile> files;  // of AskLocations, AskDatabases, AskLogs
  std::uint64_t bytes = 0;        // of AskOpen
  std::vector<std::byte> block;   // of AskBackup, the token; of AskRead, empty at the end
};

// The same bytes for the same request, and no others. invalid_argument for one that is longer than
// DS_MESSAGE_BYTES_MAX, and for bytes that are none.
Result<std::vector<std::byte>> encode_request(const ChannelRequest& request);
Result<ChannelRequest> decode_request(Bytes bytes);
Result<std::vector<std::byte>> encode_answer(const ChannelAnswer& answer);
Result<ChannelAnswer> decode_answer(Bytes bytes);

}  // namespace stillframe::ese::ntds
