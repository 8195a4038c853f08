// link: stillframe_dedup_writer
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/container_format.hpp"
#include "writers/dedup/writer/backed_up_volume.hpp"
#include "writers/dedup/writer/backup_key.hpp"
#include "writers/dedup/writer/dedup_verifier.hpp"

namespace {

using namespace stillframe;

constexpr std::uint32_t kVerifiedContainer = 7;

// Gives it a header, and puts right the checksums of all frames that are as long as they say.
void seal_container(MutableBytes bytes) {
  using namespace chunkstore;
  const auto header = format_container_header({ContainerKind::data, {}, kVerifiedContainer, 1});
  if (bytes.size() < header.size()) return;
  std::copy(header.begin(), header.end(), bytes.begin());
  for (std::size_t at = kContainerHeaderBytes; bytes.size() - at >= kFrameHeaderBytes;) {
    const std::size_t stored = stated_frame_bytes(bytes.subspan(at));
    if (stored > bytes.size() - at) return;
    seal_frame(bytes.subspan(at, stored), {kVerifiedContainer, at});
    at += stored;
  }
}

bool passes(Bytes bytes, std::size_t piece) {
  dedup::DedupVerifier verifier;
  const auto one = verifier.open("/containers/00000007.00000001", bytes.size());
  if (!one.ok()) std::abort();
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::size_t length = std::min(piece, bytes.size() - at);
    if (!one.value()->feed(bytes.subspan(at, length)).ok()) return false;
  }
  return one.value()->finish().ok();
}

}  // namespace

// Reads the input as a container that is copied, as it is and with its checksums put right, in
// pieces and at once, which must come to the same; and as the configuration of a volume and what a
// backup says of its store.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)dedup::parse_backed_up_volume({reinterpret_cast<const char*>(data), size});
  const auto about = dedup::parse_backed_up_store({reinterpret_cast<const char*>(data), size});
  const auto again = dedup::parse_backed_up_store(dedup::format_backed_up_store(about));
  if (again.key_file != about.key_file || again.store != about.store) std::abort();
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{1} + data[0];
  const auto begin = reinterpret_cast<const std::byte*>(data) + 1;
  std::vector<std::byte> container(begin, begin + size - 1);
  for (const bool sealed : {false, true}) {
    if (sealed) seal_container(container);
    if (passes(container, piece) != passes(container, container.size() + 1)) std::abort();
  }
  return 0;
}
