// Feeds tests/wire/check_wire_schemas.py: `write` prints every message, one a line, as SCHEMA, a
// space, DEFINITION, a space and the payload; `judge` reads such lines and says of each whether the
// decoder takes it.
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "framework/wire/finding.hpp"
#include "framework/wire/message.hpp"
#include "framework/wire/request_message.hpp"
#include "framework/wire/writer_codec.hpp"
#include "tests/wire/sample_values.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::wire;

void print(const std::string& schema, const std::string& definition, const RawMessage& message) {
  std::cout << schema << " " << definition << " " << message.payload << "\n";
}

void write() {
  const ClockSample clock{BootTime(Duration(123)), 4026531834};
  Hello hello;
  hello.name = "nightly";
  hello.pid = 7;
  hello.clock = clock;
  Welcome welcome;
  welcome.pid = 8;
  welcome.clock = clock;
  print("wire-handshake", "hello", encode(hello));
  print("wire-handshake", "welcome", encode(welcome));
  print("wire-handshake", "refuse", encode(Refuse{Error(Errc::already_exists, "taken")}));
  print("wire-handshake", "bye", encode(Bye{"done"}));
  print("wire-handshake", "register",
        encode(RegisterWriter{tests::sample_identity(), WriterInstanceId::generate(), clock}));
  print("wire-handshake", "registered", encode(Registered{WriterInstanceId::generate()}));
  print("wire-writer", "cancel", encode(Cancel{SessionId::generate()}));
  print("wire-writer", "heartbeat", encode(Heartbeat{SessionId::generate()}));
  print("wire-writer", "progress", encode(Progress{Verb::verify, 3, 10, "pages"}, 1));
  for (const WriterCall& call : tests::sample_calls()) {
    print("wire-writer", "call", encode_call(call, 1).value());
    const std::string answer = "answer_" + std::string(to_string(call.verb));
    WriterAnswer good, bad;
    good.payload = tests::sample_payload(call.verb);
    bad.status = Error(Errc::timed_out, "late", 5);
    print("wire-writer", answer, encode_answer(call.verb, good, 1));
    print("wire-writer", answer, encode_answer(call.verb, bad, 1));
    WriterAnswer partly = std::move(good);
    partly.status = Error(Errc::partial_failure, "some", 5);
    print("wire-writer", answer, encode_answer(call.verb, partly, 1));
  }
  print("wire-requestor", "request", encode_request("writers", "{\"a\":1}", 1).value());
  print("wire-requestor", "reply", encode_reply(std::string("{\"a\":1}"), 1));
  print("wire-requestor", "reply", encode_reply(Error(Errc::in_progress, "busy"), 1));
  print("wire-requestor", "event", encode_event("{\"event\":\"state\"}").value());
  const Findings found{{Severity::good, "writer.answers", "shop", "answers", "", ""},
                       {Severity::problem, "plugin.quarantined", "shop", "is not started any more",
                        "it crashed five times", "stillframe plugins release shop"}};
  std::cout << "doctor findings " << findings_to_json(found).dump() << "\n";
}

Status judge(const std::string& definition, std::string payload) {
  auto verdict = [](const auto& result) -> Status {
    if (result.ok()) return Ok{};
    return result.error();
  };
  auto raw = [&](Kind kind) { return RawMessage{kind, 1, 0, std::move(payload)}; };
  if (definition == "hello") return verdict(decode_hello(raw(Kind::hello)));
  if (definition == "welcome") return verdict(decode_welcome(raw(Kind::welcome)));
  if (definition == "refuse") return verdict(decode_refuse(raw(Kind::refuse)));
  if (definition == "bye") return verdict(decode_bye(raw(Kind::bye)));
  if (definition == "register") return verdict(decode_register(raw(Kind::register_writer)));
  if (definition == "registered") return verdict(decode_registered(raw(Kind::registered)));
  if (definition == "cancel") return verdict(decode_cancel(raw(Kind::cancel)));
  if (definition == "heartbeat") return verdict(decode_heartbeat(raw(Kind::heartbeat)));
  if (definition == "progress") return verdict(decode_progress(raw(Kind::progress)));
  if (definition == "call") return verdict(decode_call(raw(Kind::call)));
  if (definition == "request") return verdict(decode_request(raw(Kind::request)));
  if (definition == "reply") {
    // An error in the reply is a good reply; only what cannot be read is refused.
    const bool says_error = payload.find("\"error\"") != std::string::npos;
    auto reply = decode_reply(raw(Kind::reply));
    if (!reply.ok() && says_error && reply.error().code() != Errc::corrupt) return Ok{};
    return verdict(reply);
  }
  if (definition == "event") return verdict(decode_event(raw(Kind::event)));
  if (definition == "findings")
    return verdict(findings_from_json(nlohmann::json::parse(payload, nullptr, false)));
  const std::string prefix = "answer_";
  auto verb = parse_verb(definition.substr(std::min(prefix.size(), definition.size())));
  if (!verb.ok()) return verb.error();
  return verdict(decode_answer(verb.value(), raw(Kind::answer), {}));
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  if (argc != 2) return 2;
  if (std::string(argv[1]) == "write") {
    write();
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const auto space = line.find(' ');
    if (space == std::string::npos) return 2;
    const Status s = judge(line.substr(0, space), line.substr(space + 1));
    std::cout << (s.ok() ? "ok" : "refused " + escape_path(s.error().what())) << "\n";
  }
  return 0;
}
