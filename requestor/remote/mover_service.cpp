#include "requestor/remote/mover_service.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/base/sha256.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::size_t kEntriesPerPart = 1'000;
constexpr std::size_t kStreamsMax = 1'024;

Status say(MoverLink& link, const Error& error) {
  return link.send(MoverFrame::error, encode(error));
}

// Sends the ranges one after the other and hashes them, gaps as zeros where there are some.
class ContentSender {
 public:
  ContentSender(MoverLink& link, int file, const BytePath& name)
      : link_(link), file_(file), name_(name), buffer_(kMoverDataBytesMax, '\0') {}

  void gap(std::uint64_t length) {
    static const std::string zeros(kMoverDataBytesMax, '\0');
    while (length > 0) {
      const std::size_t piece = std::min<std::uint64_t>(length, zeros.size());
      hash_.update(std::string_view(zeros).substr(0, piece));
      length -= piece;
    }
  }

  // An error of the link is in `broken`; any other is the file's.
  Status range(ByteRange range) {
    while (range.length > 0) {
      const std::size_t want = std::min<std::uint64_t>(buffer_.size(), range.length);
      const ssize_t got = ::pread(file_, buffer_.data(), want, static_cast<off_t>(range.offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return posix_error(errno, "read", name_);
      if (got == 0)
        return Error(Errc::truncated,
                     "'" + escape_path(name_) + "' ends at byte " + std::to_string(range.offset));
      const std::string_view piece(buffer_.data(), static_cast<std::size_t>(got));
      if (Status s = send(piece, range.offset); !s.ok()) return s;
      range.offset += piece.size();
      range.length -= piece.size();
    }
    return Ok{};
  }

  Status send(std::string_view piece, std::uint64_t offset) {
    hash_.update(piece);
    bytes_ += piece.size();
    Status sent = link_.send_data(offset, piece);
    broken = !sent.ok();
    return sent;
  }

  Status finish() {
    MoverEnd end;
    end.bytes = bytes_;
    end.sha256 = to_hex(hash_.finish());
    return link_.send(MoverFrame::end, encode(end));
  }

  std::string& buffer() { return buffer_; }
  bool broken = false;

 private:
  MoverLink& link_;
  const int file_;
  const BytePath name_;
  std::string buffer_;
  Sha256 hash_;
  std::uint64_t bytes_ = 0;
};

Status send_content(ContentSender& sender, int file, std::uint64_t size,
                    const MoverRequest& request) {
  if (request.partial) {
    for (const ByteRange& range : request.ranges)
      if (Status s = sender.range(range); !s.ok()) return s;
    return Ok{};
  }
  auto extents = find_extents(file, size, request.path);
  if (!extents.ok()) return extents.error();
  std::uint64_t at = 0;
  for (const ByteRange& extent : extents.value()) {
    sender.gap(extent.offset - at);
    if (Status s = sender.range(extent); !s.ok()) return s;
    at = extent.offset + extent.length;
  }
  sender.gap(size - at);
  return Ok{};
}

}  // namespace

MoverService::MoverService(std::vector<MoverRootTree> roots) {
  for (MoverRootTree& root : roots) {
    // Two of each: one to look through, one to read by descriptor.
    auto again = root.tree.subtree("");
    auto source = again.ok() ? local_source(std::move(again).value()) : nullptr;
    roots_.push_back({std::move(root.mount_point), std::move(root.tree), std::move(source)});
  }
}

void MoverService::add_stream(std::uint64_t key, Descriptor pipe) {
  const std::lock_guard lock(mutex_);
  if (streams_.size() < kStreamsMax) streams_[key] = std::move(pipe);
}

const MoverService::Root* MoverService::root_of(const BytePath& mount_point) const {
  const auto found = std::find_if(roots_.begin(), roots_.end(), [&](const Root& root) {
    return root.mount_point == mount_point && root.source != nullptr;
  });
  return found == roots_.end() ? nullptr : &*found;
}

Error MoverService::serve(MoverLink& link) {
  while (true) {
    auto frame = link.receive();
    if (!frame.ok()) return frame.error();
    if (frame.value().kind != MoverFrame::request)
      return Error(Errc::corrupt, "a requestor may send its mover nothing but requests");
    auto request = decode_mover_request(frame.value().payload);
    Status s = request.ok() ? answer(link, request.value()) : say(link, request.error());
    if (!s.ok()) return s.error();
  }
}

// An error is the link's; those of files are sent.
Status MoverService::answer(MoverLink& link, const MoverRequest& request) {
  if (request.verb == MoverVerb::stream) return answer_stream(link, request.stream);
  const Root* root = root_of(request.volume);
  if (root == nullptr)
    return say(link, Error(Errc::not_found,
                           "the session has no snapshot of '" + escape_path(request.volume) + "'"));
  switch (request.verb) {
    case MoverVerb::list:
      return answer_list(link, *root->source, request.path);
    case MoverVerb::stat: {
      auto entry = root->source->stat(request.path);
      if (!entry.ok()) return say(link, entry.error());
      // The root has no name of its own.
      if (request.path.empty()) entry.value().name = "root";
      return link.send(MoverFrame::answer, encode(std::vector{std::move(entry).value()}));
    }
    case MoverVerb::describe: {
      auto node = root->source->describe(request.path, request.kind);
      if (!node.ok()) return say(link, node.error());
      return link.send(MoverFrame::answer, encode(node.value()));
    }
    case MoverVerb::file: {
      auto file = root->source->open_file(request.path);
      if (!file.ok()) return say(link, file.error());
      return link.send(MoverFrame::answer, encode(file.value()->description()));
    }
    case MoverVerb::read:
      return answer_read(link, root->tree, request);
    case MoverVerb::stream:
      break;  // answered above
  }
  return Ok{};
}

Status MoverService::answer_list(MoverLink& link, const SourceTree& tree, const BytePath& path) {
  auto entries = tree.list(path);
  if (!entries.ok()) return say(link, entries.error());
  const auto& all = entries.value();
  for (std::size_t at = 0; at < all.size(); at += kEntriesPerPart) {
    const std::size_t until = std::min(all.size(), at + kEntriesPerPart);
    const std::vector<Tree::Entry> part(all.begin() + static_cast<std::ptrdiff_t>(at),
                                        all.begin() + static_cast<std::ptrdiff_t>(until));
    if (Status s = link.send(MoverFrame::part, encode(part)); !s.ok()) return s;
  }
  return link.send(MoverFrame::answer, encode(std::vector<Tree::Entry>()));
}

Status MoverService::answer_read(MoverLink& link, const Tree& tree, const MoverRequest& request) {
  auto file = tree.open_file(request.path);
  if (!file.ok()) return say(link, file.error());
  struct stat info {};
  if (::fstat(file.value().get(), &info) != 0)
    return say(link, posix_error(errno, "stat", request.path));
  if (!S_ISREG(info.st_mode))
    return say(link, Error(Errc::invalid_argument,
                           "'" + escape_path(request.path) + "' is not a regular file"));
  NodeDescription about;
  about.size = static_cast<std::uint64_t>(info.st_size);
  if (Status s = link.send(MoverFrame::answer, encode(about)); !s.ok()) return s;
  ContentSender sender(link, file.value().get(), request.path);
  Status sent = send_content(sender, file.value().get(), about.size, request);
  if (sent.ok()) return sender.finish();
  return sender.broken ? sent : say(link, sent.error());
}

Status MoverService::answer_stream(MoverLink& link, std::uint64_t key) {
  Descriptor pipe;
  {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(key);
    if (found != streams_.end()) pipe = std::move(found->second);
    if (found != streams_.end()) streams_.erase(found);
  }
  if (!pipe.valid())
    return say(link, Error(Errc::not_found, "there is no stream " + std::to_string(key) +
                                                ", or it was taken already"));
  if (Status s = link.send(MoverFrame::answer, encode(NodeDescription{})); !s.ok()) return s;
  ContentSender sender(link, pipe.get(), "stream");
  std::uint64_t offset = 0;
  while (true) {
    const ssize_t got = ::read(pipe.get(), sender.buffer().data(), sender.buffer().size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return say(link, posix_error(errno, "read", "a writer's stream"));
    if (got == 0) return sender.finish();
    const std::string_view piece(sender.buffer().data(), static_cast<std::size_t>(got));
    if (Status s = sender.send(piece, offset); !s.ok()) return s;
    offset += piece.size();
  }
}

}  // namespace stillframe::requestor
