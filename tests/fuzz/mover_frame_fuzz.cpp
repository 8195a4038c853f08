// link: stillframe_requestor_remote
// Any bytes as a mover's frame, and as each payload there is: refused, or understood so that it can
// be written again, and never a path that leads out of the snapshot.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "requestor/remote/mover_frame.hpp"
#include "requestor/remote/mover_link.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  using namespace stillframe::requestor;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto header = decode_mover_header(bytes.substr(0, kMoverHeaderBytes)); header.ok()) {
    const auto again = encode_mover_header(header.value());
    if (std::string_view(again.data(), again.size()) != bytes.substr(0, kMoverHeaderBytes))
      std::abort();
  }
  if (auto request = decode_mover_request(bytes); request.ok()) {
    const BytePath& path = request.value().path;
    if (path.starts_with('/') || path == ".." || path.starts_with("../") ||
        path.find("/../") != BytePath::npos || path.ends_with("/.."))
      std::abort();
    auto again = decode_mover_request(encode(request.value()));
    if (!again.ok() || again.value() != request.value()) std::abort();
  }
  if (auto node = decode_node(bytes); node.ok()) {
    auto again = decode_node(encode(node.value()));
    if (!again.ok() || again.value() != node.value()) std::abort();
  }
  if (auto entries = decode_entries(bytes); entries.ok()) {
    for (const Tree::Entry& entry : entries.value())
      if (entry.name.empty() || entry.name.find('/') != BytePath::npos) std::abort();
  }
  (void)decode_mover_end(bytes);
  (void)decode_mover_error(bytes);
  (void)split_data(bytes);
  return 0;
}
