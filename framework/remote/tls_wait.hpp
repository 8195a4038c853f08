// The steps of a TlsSession, waited for: for programs that have nothing else to do meanwhile.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "framework/remote/tls_session.hpp"

namespace stillframe {

// The longest silence of the peer that is put up with; empty: for ever. The kernel still notices a
// machine that is gone.
using Patience = std::optional<std::chrono::milliseconds>;

// timed_out, or what TlsSession says.
Status wait_handshake(TlsSession& session, std::chrono::milliseconds at_most);

// disconnected when the peer ends before all is there.
Status read_all(TlsSession& session, std::span<char> buffer, Patience patience);
Status write_all(TlsSession& session, std::string_view bytes, Patience patience);

}  // namespace stillframe
