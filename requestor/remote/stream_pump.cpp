#include "requestor/remote/stream_pump.hpp"

#include "framework/base/sha256.hpp"
#include "framework/io/file.hpp"

namespace stillframe::requestor {
namespace {

// What is not the stream ends the pipe early, and the reader, who knows the length, says so.
Status pump(MoverPool& pool, std::uint64_t stream, int pipe) {
  auto link = LentLink::from(pool);
  if (!link.ok()) return link.error();
  MoverRequest request;
  request.verb = MoverVerb::stream;
  request.stream = stream;
  bool still_good = false;
  auto frame = ask(link.value(), request, still_good);
  if (!frame.ok()) return frame.error();
  if (frame.value().kind != MoverFrame::answer)
    return Error(Errc::corrupt, "the mover sent what was not due");
  Sha256 hash;
  std::uint64_t bytes = 0;
  std::string held_back;
  while (true) {
    frame = link.value()->receive();
    if (!frame.ok()) return frame.error();
    if (frame.value().kind != MoverFrame::data) break;
    auto data = split_data(frame.value().payload);
    if (!data.ok()) return data.error();
    if (Status s = write_all(pipe, held_back, "stream"); !s.ok()) return s;
    held_back = data.value().bytes;
    hash.update(held_back);
    bytes += held_back.size();
  }
  if (frame.value().kind != MoverFrame::end)
    return Error(Errc::truncated, "the stream ended without its digest");
  auto end = decode_mover_end(frame.value().payload);
  if (!end.ok()) return end.error();
  if (end.value().bytes != bytes || end.value().sha256 != to_hex(hash.finish()))
    return Error(Errc::corrupt, "the stream is not what the mover read");
  link.value().give_back();
  return write_all(pipe, held_back, "stream");
}

}  // namespace

void pump_stream(const std::shared_ptr<MoverPool>& pool, std::uint64_t stream, Descriptor pipe) {
  (void)pump(*pool, stream, pipe.get());  // its reader sees a pipe that ends early
}

}  // namespace stillframe::requestor
