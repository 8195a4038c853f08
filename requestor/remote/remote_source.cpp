#include "requestor/remote/remote_source.hpp"

#include <algorithm>

#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"

namespace stillframe::requestor {
namespace {

Error out_of_turn() {
  return Error(Errc::corrupt, "the mover sent what was not due");
}

MoverRequest request_for(MoverVerb verb, const BytePath& volume, std::string_view path) {
  MoverRequest request;
  request.verb = verb;
  request.volume = volume;
  request.path = path;
  return request;
}

// The bytes of one file as they come. An error of the link or of the sink costs the link.
class ContentReceiver {
 public:
  ContentReceiver(const CopyRequest& request, std::uint64_t size)
      : request_(request), sink_(request), size_(size) {}

  Result<CopyOutcome> run(LentLink& link) {
    while (true) {
      auto frame = link->receive();
      if (!frame.ok()) return frame.error();
      if (frame.value().kind == MoverFrame::error) {
        link.give_back();
        return decode_mover_error(frame.value().payload);
      }
      if (frame.value().kind == MoverFrame::end) return finish(link, frame.value().payload);
      if (frame.value().kind != MoverFrame::data) return out_of_turn();
      if (Status s = take(frame.value().payload); !s.ok()) return s.error();
    }
  }

 private:
  Status take(std::string_view payload) {
    auto data = split_data(payload);
    if (!data.ok()) return data.error();
    const std::uint64_t offset = data.value().offset, length = data.value().bytes.size();
    if (offset > size_ || length > size_ - offset) return out_of_turn();
    if (request_.ranges == nullptr) {
      if (offset < at_) return out_of_turn();
      if (Status s = sink_.hole(offset - at_); !s.ok()) return s;
    }
    note_extent(offset, length);
    at_ = offset + length;
    return sink_.data(std::as_bytes(std::span(data.value().bytes)), offset);
  }

  void note_extent(std::uint64_t offset, std::uint64_t length) {
    if (!extents_.empty() && extents_.back().offset + extents_.back().length == offset)
      extents_.back().length += length;
    else
      extents_.push_back({offset, length});
  }

  Result<CopyOutcome> finish(LentLink& link, std::string_view payload) {
    auto end = decode_mover_end(payload);
    if (!end.ok()) return end.error();
    const bool whole = request_.ranges == nullptr;
    if (whole) {
      if (Status s = sink_.hole(size_ - at_); !s.ok()) return s.error();
    }
    auto digest = sink_.finish();
    if (!digest.ok()) return digest.error();
    if (end.value().bytes != sink_.copied() || end.value().sha256 != digest.value())
      return Error(Errc::corrupt, "what came of '" + escape_path(request_.name) +
                                      "' is not what the mover read; nothing of it is kept");
    link.give_back();
    CopyOutcome outcome;
    outcome.size = size_;
    outcome.copied = sink_.copied();
    outcome.sha256 = std::move(digest).value();
    const bool one_piece = extents_.size() == 1 && extents_.front().length == size_;
    if (whole && !one_piece) outcome.extents = std::move(extents_);
    // A hole at the end leaves the copy short.
    if (whole && request_.destination >= 0 &&
        ::ftruncate(request_.destination, static_cast<off_t>(size_)) != 0)
      return posix_error(errno, "set the size of", request_.name);
    return outcome;
  }

  const CopyRequest& request_;
  ContentSink sink_;
  const std::uint64_t size_;
  std::uint64_t at_ = 0;
  std::vector<ByteRange> extents_;
};

Result<CopyOutcome> read_content(MoverPool& pool, MoverRequest wanted, const CopyRequest& request) {
  auto link = LentLink::from(pool);
  if (!link.ok()) return link.error();
  if (request.ranges != nullptr) {
    wanted.partial = true;
    wanted.ranges = *request.ranges;
  }
  bool still_good = false;
  auto answer = ask(link.value(), wanted, still_good);
  if (!answer.ok()) {
    if (still_good) link.value().give_back();
    return answer.error();
  }
  if (answer.value().kind != MoverFrame::answer) return out_of_turn();
  auto about = decode_node(answer.value().payload);
  if (!about.ok()) return about.error();
  ContentReceiver receiver(request, about.value().size);
  return receiver.run(link.value());
}

class RemoteFile final : public SourceFile {
 public:
  RemoteFile(MoverPool& pool, MoverRequest request, NodeDescription description)
      : pool_(pool), request_(std::move(request)), description_(std::move(description)) {}

  const NodeDescription& description() const override { return description_; }
  Result<CopyOutcome> copy(const CopyRequest& request) override {
    return read_content(pool_, request_, request);
  }

 private:
  MoverPool& pool_;
  const MoverRequest request_;
  const NodeDescription description_;
};

// Gathers a small file's content.
class TextVerifier final : public FileVerifier {
 public:
  explicit TextVerifier(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Status feed(std::span<const std::byte> bytes) override {
    if (bytes.size() > bytes_max_ - text.size())
      return Error(Errc::limit_reached,
                   "it has more than " + std::to_string(bytes_max_) + " bytes");
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return Ok{};
  }
  Status finish() override { return Ok{}; }
  std::string text;

 private:
  const std::size_t bytes_max_;
};

class RemoteTree final : public SourceTree {
 public:
  RemoteTree(MoverPool& pool, BytePath volume) : pool_(pool), volume_(std::move(volume)) {}

  Result<std::vector<Tree::Entry>> list(std::string_view relative) const override {
    auto link = LentLink::from(pool_);
    if (!link.ok()) return link.error();
    std::vector<Tree::Entry> entries;
    bool still_good = false;
    auto frame = ask(link.value(), request_for(MoverVerb::list, volume_, relative), still_good);
    while (frame.ok() && frame.value().kind == MoverFrame::part) {
      auto part = decode_entries(frame.value().payload);
      if (!part.ok()) return part.error();
      std::move(part.value().begin(), part.value().end(), std::back_inserter(entries));
      frame = link.value()->receive();
    }
    if (frame.ok() && frame.value().kind != MoverFrame::answer) return out_of_turn();
    if (frame.ok() || still_good) link.value().give_back();
    if (!frame.ok()) return frame.error();
    return entries;
  }

  Result<Tree::Entry> stat(std::string_view relative) const override {
    auto answer = one_answer(request_for(MoverVerb::stat, volume_, relative));
    if (!answer.ok()) return answer.error();
    auto entries = decode_entries(answer.value());
    if (!entries.ok()) return entries.error();
    if (entries.value().size() != 1) return out_of_turn();
    Tree::Entry entry = std::move(entries.value().front());
    entry.name = last_component(relative);
    return entry;
  }

  Result<NodeDescription> describe(std::string_view relative, FileKind kind) const override {
    MoverRequest request = request_for(MoverVerb::describe, volume_, relative);
    request.kind = kind;
    auto answer = one_answer(request);
    if (!answer.ok()) return answer.error();
    return decode_node(answer.value());
  }

  Result<std::unique_ptr<SourceFile>> open_file(std::string_view relative) const override {
    auto answer = one_answer(request_for(MoverVerb::file, volume_, relative));
    if (!answer.ok()) return answer.error();
    auto node = decode_node(answer.value());
    if (!node.ok()) return node.error();
    return std::unique_ptr<SourceFile>(std::make_unique<RemoteFile>(
        pool_, request_for(MoverVerb::read, volume_, relative), std::move(node).value()));
  }

  Result<std::string> read_text(std::string_view relative, std::size_t bytes_max) const override {
    TextVerifier text(bytes_max);
    CopyRequest request;
    request.name = relative;
    request.verifier = &text;
    auto read = read_content(pool_, request_for(MoverVerb::read, volume_, relative), request);
    if (!read.ok()) return read.error();
    return std::move(text.text);
  }

 private:
  Result<std::string> one_answer(const MoverRequest& request) const {
    auto link = LentLink::from(pool_);
    if (!link.ok()) return link.error();
    bool still_good = false;
    auto answer = ask(link.value(), request, still_good);
    if (answer.ok() && answer.value().kind != MoverFrame::answer) return out_of_turn();
    std::string payload = answer.ok() ? std::string(answer.value().payload) : std::string();
    if (answer.ok() || still_good) link.value().give_back();
    if (!answer.ok()) return answer.error();
    return payload;
  }

  MoverPool& pool_;
  const BytePath volume_;
};

class UnreachableTree final : public SourceTree {
 public:
  Result<std::vector<Tree::Entry>> list(std::string_view path) const override { return no(path); }
  Result<Tree::Entry> stat(std::string_view path) const override { return no(path); }
  Result<NodeDescription> describe(std::string_view path, FileKind) const override {
    return no(path);
  }
  Result<std::unique_ptr<SourceFile>> open_file(std::string_view path) const override {
    return no(path);
  }
  Result<std::string> read_text(std::string_view path, std::size_t) const override {
    return no(path);
  }

 private:
  static Error no(std::string_view path) {
    return Error(Errc::not_supported,
                 "'/" + escape_path(path) +
                     "' is to be read live, which only a requestor on its own machine can; from "
                     "here, only snapshots are read");
  }
};

}  // namespace

std::unique_ptr<SourceTree> remote_tree(MoverPool& pool, BytePath mount_point) {
  return std::make_unique<RemoteTree>(pool, std::move(mount_point));
}

std::unique_ptr<SourceTree> unreachable_tree() {
  return std::make_unique<UnreachableTree>();
}

}  // namespace stillframe::requestor
