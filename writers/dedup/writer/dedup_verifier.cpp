#include "writers/dedup/writer/dedup_verifier.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/frame.hpp"

namespace stillframe::dedup {

namespace {

using chunkstore::ContainerFile;

constexpr std::size_t kFooterBytesMax = std::size_t{8} << 20;

class ContainerVerifier final : public FileVerifier {
 public:
  ContainerVerifier(BytePath file, ContainerFile name, std::uint64_t size)
      : file_(std::move(file)), name_(name), size_(size) {}

  Status feed(std::span<const std::byte> bytes) override {
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
    std::size_t used = 0;
    while (!damage_) {
      const std::size_t took = take(Bytes(kept_).subspan(used));
      if (took == 0) break;
      used += took;
    }
    // What is behind the first damage is of no interest, but for whether there is a footer.
    const std::size_t wanted = damage_ ? chunkstore::kTrailerBytes : kept_.size() - used;
    const std::size_t gone = kept_.size() - std::min(wanted, kept_.size());
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(gone));
    if (!damage_) at_ += gone;
    return Ok{};
  }

  Status finish() override {
    if (kept_.size() < chunkstore::kTrailerBytes) return Ok{};
    const Bytes kept(kept_);
    const auto trailer = chunkstore::parse_trailer(kept.last(chunkstore::kTrailerBytes), size_);
    if (!trailer.ok()) return Ok{};  // not sealed
    if (damage_) return *damage_;
    const auto footer = header_ && trailer.value().footer_offset == at_
                            ? chunkstore::parse_footer(kept, trailer.value(), *header_)
                            : Result<chunkstore::ContainerTable>(
                                  Error(Errc::corrupt, "frames end elsewhere than it says"));
    if (footer.ok()) return Ok{};
    return footer.error().while_doing("the footer of " + quoted_path(file_));
  }

 private:
  // How much of `there` is checked: none when there has to be more first.
  std::size_t take(Bytes there) {
    if (!header_) return take_header(there);
    if (there.size() < chunkstore::kFrameHeaderBytes) return 0;
    const chunkstore::FramePlace place{header_->id, at_ + (kept_.size() - there.size())};
    const auto head = chunkstore::parse_frame_header(there, place);
    if (head.ok()) return take_frame(there, head.value().stored_bytes(), place);
    if (head.error().code() == Errc::truncated) return 0;
    // Where frames end there is a footer, which no frame begins like.
    if (there.size() < kFooterBytesMax) return 0;
    return fail(head.error(), place);
  }

  std::size_t take_header(Bytes there) {
    if (there.size() < chunkstore::kContainerHeaderBytes) return 0;
    const auto header =
        chunkstore::parse_container_header(there.first(chunkstore::kContainerHeaderBytes));
    if (!header.ok()) return fail(header.error(), {name_.id, 0});
    if (header.value().id != name_.id || header.value().generation != name_.generation) {
      return fail(Error(Errc::corrupt, "it is another container than its name says"),
                  {name_.id, 0});
    }
    header_ = header.value();
    return chunkstore::kContainerHeaderBytes;
  }

  std::size_t take_frame(Bytes there, std::size_t bytes, chunkstore::FramePlace place) {
    if (there.size() < bytes) return 0;
    const auto checked = chunkstore::check_frame(there.first(bytes), place);
    return checked.ok() ? bytes : fail(checked.error(), place);
  }

  std::size_t fail(const Error& error, chunkstore::FramePlace place) {
    damage_ = error.while_doing("container " + quoted_path(file_) + ", at offset " +
                                std::to_string(place.offset));
    return 0;
  }

  const BytePath file_;
  const ContainerFile name_;
  const std::uint64_t size_;
  std::vector<std::byte> kept_;  // that is not checked yet
  std::uint64_t at_ = 0;         // where that begins
  std::optional<chunkstore::ContainerHeader> header_;
  std::optional<Error> damage_;
};

}  // namespace

bool DedupVerifier::wants(const WriterIdentity& writer, const ComponentName&,
                          const BytePath& file) {
  return writer.name == "Dedup Writer" && last_component(parent_path(file)) == "containers" &&
         chunkstore::parse_container_file_name(last_component(file)).ok();
}

Result<std::unique_ptr<FileVerifier>> DedupVerifier::open(const BytePath& file,
                                                          std::uint64_t size) {
  const auto name = chunkstore::parse_container_file_name(last_component(file));
  if (!name.ok()) return name.error();
  return std::unique_ptr<FileVerifier>(
      std::make_unique<ContainerVerifier>(file, name.value(), size));
}

}  // namespace stillframe::dedup
