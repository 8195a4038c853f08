// Frames of a mover over one TLS session, for either side.
#pragma once

#include <string>
#include <string_view>

#include "framework/remote/tls_wait.hpp"
#include "requestor/remote/mover_frame.hpp"

namespace stillframe::requestor {

// Not for several threads at once, but for abort(). Errors are final.
class MoverLink {
 public:
  explicit MoverLink(TlsSession session) : session_(std::move(session)) {}

  Status send(MoverFrame kind, std::string_view payload, Patience patience = {});
  Status send_data(std::uint64_t offset, std::string_view bytes);

  struct Received {
    MoverFrame kind = MoverFrame::error;
    std::string_view payload;  // until the next call
  };
  Result<Received> receive(Patience patience = {});

  // Any thread: whoever waits here is woken, with an error.
  void abort() noexcept;

 private:
  TlsSession session_;
  std::string buffer_;
};

// The two parts of a data frame's payload.
struct MoverData {
  std::uint64_t offset = 0;
  std::string_view bytes;
};
Result<MoverData> split_data(std::string_view payload);

}  // namespace stillframe::requestor
