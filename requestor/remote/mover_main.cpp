// stillframe-mover: reads one session's snapshots for its requestor on another machine. Started by
// stillframed, with a socket to it as descriptor 3; ends with it.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <list>
#include <thread>

#include <openssl/crypto.h>
#include <unistd.h>

#include "framework/remote/mover_control.hpp"
#include "requestor/remote/mover_sandbox.hpp"
#include "requestor/remote/mover_service.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::requestor;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kHandshakeMax{5'000}, kStartMax{10'000};
constexpr std::chrono::hours kForEver{24 * 365};
constexpr int kConnectionsMax = 64;
constexpr std::size_t kTicketsMax = 256;
constexpr int kNotesMax = 16;  // a flood must not fill the daemon's log

int tell(const FromMover& message) {
  return send_packet(kMoverControlDescriptor, encode(message), {}).ok() ? 0 : 1;
}

// Each is good once, and not for long.
class Tickets {
 public:
  void add(const MoverAdmit& admit) {
    const std::lock_guard lock(mutex_);
    if (valid_.size() >= kTicketsMax) valid_.pop_front();
    valid_.push_back({admit.ticket, SteadyClock::now() + admit.valid});
  }

  bool take(std::string_view shown) {
    const std::lock_guard lock(mutex_);
    valid_.remove_if([](const Valid& one) { return one.until <= SteadyClock::now(); });
    if (shown.size() != sizeof(MoverTicket)) return false;
    const auto found = std::find_if(valid_.begin(), valid_.end(), [&](const Valid& one) {
      return CRYPTO_memcmp(one.ticket.data(), shown.data(), shown.size()) == 0;
    });
    if (found == valid_.end()) return false;
    valid_.erase(found);
    return true;
  }

 private:
  struct Valid {
    MoverTicket ticket;
    SteadyClock::time_point until;
  };
  std::mutex mutex_;
  std::list<Valid> valid_;
};

class Mover {
 public:
  Mover(MoverService& service, TlsContext context)
      : service_(service), context_(std::move(context)) {}

  // Until the daemon closes the socket.
  void run() {
    while (true) {
      auto packet = receive_packet(kMoverControlDescriptor, kForEver);
      if (!packet.ok() || packet.value().text.empty()) return;
      auto message = decode_to_mover(packet.value().text);
      if (!message.ok()) return;
      take(message.value(), packet.value().descriptors);
    }
  }

 private:
  void take(const ToMover& message, std::vector<Descriptor>& descriptors) {
    if (const auto* admit = std::get_if<MoverAdmit>(&message)) return tickets_.add(*admit);
    if (descriptors.size() != 1) return;
    if (const auto* stream = std::get_if<MoverStream>(&message))
      return service_.add_stream(stream->key, std::move(descriptors.front()));
    if (!std::holds_alternative<MoverConnection>(message)) return;
    if (connections_ >= kConnectionsMax) return note("too many connections are open");
    ++connections_;
    // Detached: the process ends with the daemon's socket, whatever they do.
    std::thread([this, socket = std::move(descriptors.front())]() mutable {
      if (Status s = serve(std::move(socket)); !s.ok()) note(s.error().what());
      --connections_;
    }).detach();
  }

  // An error: who came was not let in.
  Status serve(Descriptor socket) {
    auto session = TlsSession::serve(std::move(socket), context_);
    if (!session.ok()) return session.error();
    if (Status s = wait_handshake(session.value(), kHandshakeMax); !s.ok()) return s;
    MoverLink link(std::move(session).value());
    auto shown = link.receive(kHandshakeMax);
    if (!shown.ok()) return shown.error();
    if (shown.value().kind != MoverFrame::ticket || !tickets_.take(shown.value().payload)) {
      const Error why(Errc::access_denied, "the ticket is unknown, was used, or is too old");
      (void)link.send(MoverFrame::error, encode(why), kHandshakeMax);
      return why;
    }
    if (Status s = link.send(MoverFrame::answer, "{}", kHandshakeMax); !s.ok()) return s;
    (void)service_.serve(link);
    return Ok{};
  }

  void note(const std::string& message) {
    if (notes_++ < kNotesMax) (void)tell(MoverNote{message});
  }

  MoverService& service_;
  const TlsContext context_;
  Tickets tickets_;
  std::atomic<int> connections_{0}, notes_{0};
};

Result<std::vector<MoverRootTree>> open_roots(Sha256Digest& client) {
  auto packet = receive_packet(kMoverControlDescriptor, kStartMax);
  if (!packet.ok()) return packet.error();
  auto message = decode_to_mover(packet.value().text);
  if (!message.ok()) return message.error();
  const auto* start = std::get_if<MoverStart>(&message.value());
  auto& descriptors = packet.value().descriptors;
  if (start == nullptr || start->mount_points.size() != descriptors.size())
    return Error(Errc::corrupt, "the daemon did not say what to read");
  client = start->client;
  std::vector<MoverRootTree> roots;
  for (std::size_t i = 0; i < descriptors.size(); ++i)
    roots.push_back(
        {start->mount_points[i], Tree::adopt(std::move(descriptors[i]), start->mount_points[i])});
  return roots;
}

int run() {
  Sha256Digest client{};
  auto roots = open_roots(client);
  if (!roots.ok()) return tell(MoverFailed{roots.error()});
  std::vector<int> descriptors;
  for (const MoverRootTree& root : roots.value()) descriptors.push_back(root.tree.fd());
  if (Status s = enter_sandbox(descriptors); !s.ok()) return tell(MoverFailed{s.error()});
  auto tls = pinned_serving_context(client);
  if (!tls.ok()) return tell(MoverFailed{tls.error()});
  MoverService service(std::move(roots).value());
  Mover mover(service, tls.value().context);
  if (tell(MoverReady{tls.value().certificate}) != 0) return 1;
  mover.run();
  ::_exit(0);  // connections are served still; nothing of theirs needs an end
}

}  // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  return run();
}
