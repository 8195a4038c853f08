#include "framework/remote/mover_control.hpp"

#include <cerrno>

#include <nlohmann/json.hpp>
#include <poll.h>

#include "framework/base/posix_error.hpp"
#include "framework/transport/socket_io.hpp"

namespace stillframe {
namespace {

using nlohmann::json;

constexpr std::uint64_t kTicketMsMax = 600'000;

int control_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

Result<std::array<std::uint8_t, 32>> parse_hex(std::string_view text, const char* what) {
  std::array<std::uint8_t, 32> bytes{};
  bool good = text.size() == 2 * bytes.size();
  for (std::size_t i = 0; good && i < bytes.size(); ++i) {
    const int high = control_digit(text[2 * i]), low = control_digit(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    bytes[i] = static_cast<std::uint8_t>(good ? high * 16 + low : 0);
  }
  if (!good) return Error(Errc::corrupt, std::string(what) + " must be 64 hexadecimal digits");
  return bytes;
}

Error bad(const char* what) {
  return Error(Errc::corrupt, std::string("a packet between daemon and mover lacks ") + what);
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::uint64_t> number_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return bad(name);
  return found->get<std::uint64_t>();
}

Result<ToMover> decode_start(const json& object) {
  MoverStart start;
  auto client = parse_sha256(text_of(object, "client"));
  if (!client.ok()) return client.error();
  start.client = client.value();
  const auto places = object.find("mount_points");
  if (places == object.end() || !places->is_array()) return bad("mount_points");
  for (const json& place : *places) {
    if (!place.is_string()) return bad("a mount point");
    auto path = unescape_path(place.get<std::string>());
    if (!path.ok()) return path.error();
    start.mount_points.push_back(std::move(path).value());
  }
  return ToMover(std::move(start));
}

Result<ToMover> decode_admit(const json& object) {
  MoverAdmit admit;
  auto ticket = parse_mover_ticket(text_of(object, "ticket"));
  if (!ticket.ok()) return ticket.error();
  auto valid = number_of(object, "valid_ms");
  if (!valid.ok()) return valid.error();
  if (valid.value() > kTicketMsMax) return bad("a sane valid_ms");
  admit.ticket = ticket.value();
  admit.valid = std::chrono::milliseconds(valid.value());
  return ToMover(admit);
}

Result<json> parse_packet(std::string_view packet) {
  json object = json::parse(packet, nullptr, false);
  if (!object.is_object()) return bad("its object");
  return object;
}

}  // namespace

std::string to_text(const MoverTicket& ticket) {
  return to_hex(ticket);
}

Result<MoverTicket> parse_mover_ticket(std::string_view text) {
  return parse_hex(text, "a ticket");
}

Result<Sha256Digest> parse_sha256(std::string_view text) {
  return parse_hex(text, "a SHA-256");
}

std::string encode(const ToMover& message) {
  json object = json::object();
  if (const auto* start = std::get_if<MoverStart>(&message)) {
    object["kind"] = "start";
    object["client"] = to_hex(start->client);
    json& places = object["mount_points"] = json::array();
    for (const BytePath& place : start->mount_points) places.push_back(escape_path(place));
  } else if (const auto* admit = std::get_if<MoverAdmit>(&message)) {
    object["kind"] = "admit";
    object["ticket"] = to_text(admit->ticket);
    object["valid_ms"] = static_cast<std::uint64_t>(admit->valid.count());
  } else if (const auto* stream = std::get_if<MoverStream>(&message)) {
    object["kind"] = "stream";
    object["key"] = stream->key;
  } else {
    object["kind"] = "connection";
  }
  return object.dump();
}

std::string encode(const FromMover& message) {
  json object = json::object();
  if (const auto* ready = std::get_if<MoverReady>(&message)) {
    object["kind"] = "ready";
    object["certificate"] = to_hex(ready->certificate);
  } else if (const auto* note = std::get_if<MoverNote>(&message)) {
    object["kind"] = "note";
    object["message"] = note->message;
  } else if (const auto* failed = std::get_if<MoverFailed>(&message)) {
    object["kind"] = "failed";
    object["code"] = static_cast<int>(failed->error.code());
    object["message"] = failed->error.what();
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ToMover> decode_to_mover(std::string_view packet) {
  auto object = parse_packet(packet);
  if (!object.ok()) return object.error();
  const std::string kind = text_of(object.value(), "kind");
  if (kind == "start") return decode_start(object.value());
  if (kind == "admit") return decode_admit(object.value());
  if (kind == "connection") return ToMover(MoverConnection{});
  if (kind != "stream") return bad("a kind that is known");
  auto key = number_of(object.value(), "key");
  if (!key.ok()) return key.error();
  return ToMover(MoverStream{key.value()});
}

Result<FromMover> decode_from_mover(std::string_view packet) {
  auto object = parse_packet(packet);
  if (!object.ok()) return object.error();
  const std::string kind = text_of(object.value(), "kind");
  std::string message = text_of(object.value(), "message");
  if (kind == "note") return FromMover(MoverNote{std::move(message)});
  if (kind == "failed") {
    auto code = number_of(object.value(), "code");
    if (!code.ok() || code.value() > 1'000) return bad("a code");
    const Errc known = errc_from_number(static_cast<int>(code.value()));
    return FromMover(MoverFailed{Error(known, std::move(message))});
  }
  if (kind != "ready") return bad("a kind that is known");
  auto certificate = parse_sha256(text_of(object.value(), "certificate"));
  if (!certificate.ok()) return certificate.error();
  return FromMover(MoverReady{certificate.value()});
}

Result<MoverPacket> receive_packet(int socket, std::chrono::milliseconds at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  std::string buffer(kMoverPacketBytesMax, '\0');
  while (true) {
    auto received = receive_some(socket, buffer.data(), buffer.size());
    if (!received.ok()) return received.error();
    if (!received.value().would_block) {
      buffer.resize(received.value().bytes);
      return MoverPacket{std::move(buffer), std::move(received.value().descriptors)};
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Error(Errc::timed_out, "the other side does not answer");
    pollfd ready{socket, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
      return posix_error(errno, "wait for", "packet");
  }
}

Status send_packet(int socket, std::string_view text, const std::vector<Descriptor>& descriptors) {
  if (text.size() > kMoverPacketBytesMax)
    return Error(Errc::limit_reached, "a packet between daemon and mover is too large");
  auto sent = send_some(socket, text, descriptors);
  if (!sent.ok()) return sent.error();
  if (sent.value() == 0) return Error(Errc::limit_reached, "the other side does not read");
  return Ok{};
}

}  // namespace stillframe
