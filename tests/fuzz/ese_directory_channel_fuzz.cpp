// link: stillframe_ese_ntds
// Any bytes as a request and as an answer of a directory's channel: refused, or encoded as these
// bytes again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "writers/ese/ntds/channel_message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto same = [&](const Result<std::vector<std::byte>>& again) {
    if (!again.ok() ||
        !std::equal(bytes.begin(), bytes.end(), again.value().begin(), again.value().end())) {
      std::abort();
    }
  };
  if (const auto request = ese::ntds::decode_request(bytes); request.ok()) {
    same(ese::ntds::encode_request(request.value()));
  }
  if (const auto answer = ese::ntds::decode_answer(bytes); answer.ok()) {
    same(ese::ntds::encode_answer(answer.value()));
  }
  return 0;
}
