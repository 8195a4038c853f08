// link: stillframe_wire
// Any text as the payload of every kind of message: corrupt, or a value that survives being encoded
// again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "framework/wire/message.hpp"
#include "framework/wire/request_message.hpp"
#include "framework/wire/writer_codec.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::wire;

template <class T>
void must_come_back(const Result<T>& first, const Result<T>& again) {
  if (!again.ok() || !(again.value() == first.value())) std::abort();
}

void try_call(const RawMessage& message) {
  auto call = decode_call(message);
  if (!call.ok()) return;
  auto encoded = encode_call(call.value(), 1);
  if (!encoded.ok()) std::abort();
  auto again = decode_call(encoded.value());
  if (!again.ok() || !(again.value().args == call.value().args)) std::abort();
}

void try_answer(Verb verb, const RawMessage& message) {
  auto answer = decode_answer(verb, message, {});
  if (!answer.ok()) return;
  auto again = decode_answer(verb, encode_answer(verb, answer.value(), 1), {});
  if (!again.ok() || !(again.value().payload == answer.value().payload)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte chooses the kind, or the verb of an answer.
  const std::uint8_t choice = data[0];
  RawMessage message;
  message.sequence = 1;
  message.payload.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (choice >= 100 && choice < 100 + kVerbs) {
    message.kind = Kind::answer;
    try_answer(static_cast<Verb>(choice - 99), message);
    return 0;
  }
  if (!is_known(choice)) return 0;
  message.kind = static_cast<Kind>(choice);
  switch (message.kind) {
    case Kind::hello:
      if (auto m = decode_hello(message); m.ok()) {
        (void)negotiate(m.value());
        must_come_back(m, decode_hello(encode(m.value())));
      }
      break;
    case Kind::welcome:
      if (auto m = decode_welcome(message); m.ok()) {
        must_come_back(m, decode_welcome(encode(m.value())));
      }
      break;
    case Kind::refuse:
      (void)decode_refuse(message);
      break;
    case Kind::bye:
      if (auto m = decode_bye(message); m.ok()) must_come_back(m, decode_bye(encode(m.value())));
      break;
    case Kind::register_writer:
      if (auto m = decode_register(message); m.ok()) {
        must_come_back(m, decode_register(encode(m.value())));
      }
      break;
    case Kind::registered:
      (void)decode_registered(message);
      break;
    case Kind::call:
      try_call(message);
      break;
    case Kind::answer:
      break;
    case Kind::cancel:
      (void)decode_cancel(message);
      break;
    case Kind::heartbeat:
      (void)decode_heartbeat(message);
      break;
    case Kind::progress:
      (void)decode_progress(message);
      break;
    case Kind::request:
      (void)decode_request(message);
      break;
    case Kind::reply:
      (void)decode_reply(message);
      break;
    case Kind::event:
      (void)decode_event(message);
      break;
  }
  return 0;
}
