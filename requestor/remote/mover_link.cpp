#include "requestor/remote/mover_link.hpp"

#include <sys/socket.h>

namespace stillframe::requestor {
namespace {

constexpr std::size_t kOffsetBytes = 8;

}  // namespace

Status MoverLink::send(MoverFrame kind, std::string_view payload, Patience patience) {
  if (payload.size() > kMoverPayloadBytesMax)
    return Error(Errc::limit_reached,
                 "a mover's frame of " + std::to_string(payload.size()) + " bytes is too long");
  const auto header = encode_mover_header({kind, static_cast<std::uint32_t>(payload.size())});
  // In one piece: a header of its own would be a record of its own.
  std::string whole(header.data(), header.size());
  whole += payload;
  return write_all(session_, whole, patience);
}

Status MoverLink::send_data(std::uint64_t offset, std::string_view bytes) {
  const auto header = encode_mover_header(
      {MoverFrame::data, static_cast<std::uint32_t>(kOffsetBytes + bytes.size())});
  std::array<char, kMoverHeaderBytes + kOffsetBytes> start;
  std::copy(header.begin(), header.end(), start.begin());
  for (std::size_t i = 0; i < kOffsetBytes; ++i)
    start[kMoverHeaderBytes + i] = static_cast<char>(offset >> (8 * i));
  if (Status s = write_all(session_, {start.data(), start.size()}, {}); !s.ok()) return s;
  return write_all(session_, bytes, {});
}

Result<MoverLink::Received> MoverLink::receive(Patience patience) {
  MoverHeaderBytes start;
  if (Status s = read_all(session_, start, patience); !s.ok()) return s.error();
  auto header = decode_mover_header({start.data(), start.size()});
  if (!header.ok()) return header.error();
  buffer_.resize(header.value().bytes);
  if (Status s = read_all(session_, buffer_, patience); !s.ok()) return s.error();
  return Received{header.value().kind, buffer_};
}

void MoverLink::abort() noexcept {
  ::shutdown(session_.socket(), SHUT_RDWR);
}

Result<MoverData> split_data(std::string_view payload) {
  if (payload.size() <= kOffsetBytes)
    return Error(Errc::corrupt, "a mover's data frame has no data");
  MoverData data;
  for (std::size_t i = 0; i < kOffsetBytes; ++i)
    data.offset |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(payload[i])) << (8 * i);
  data.bytes = payload.substr(kOffsetBytes);
  return data;
}

}  // namespace stillframe::requestor
