#include "framework/wire/writer_codec.hpp"

#include "framework/model/view_fields.hpp"
#include "framework/wire/call_fields.hpp"
#include "framework/wire/error_fields.hpp"
#include "framework/wire/hold_texts.hpp"
#include "framework/wire/payload.hpp"

namespace stillframe::wire {
namespace {

using Json = nlohmann::json;

// Sets `args` to the (empty) kind of arguments that `verb` takes.
void choose_args(Verb verb, WriterArgs& args) {
  switch (verb) {
    case Verb::identify:
    case Verb::freeze:
    case Verb::thaw:
    case Verb::abort:
    case Verb::restore_end:
      args = NoArgs{};
      return;
    case Verb::prepare_backup:
      args = BackupView{};
      return;
    case Verb::prepare_snapshot:
    case Verb::post_snapshot:
      args = SnapshotArgs{};
      return;
    case Verb::backup_complete:
      args = CompleteArgs{};
      return;
    case Verb::shutdown:
      args = ShutdownArgs{};
      return;
    case Verb::open_stream:
      args = StreamRequest{};
      return;
    case Verb::read:
      args = ReadArgs{};
      return;
    case Verb::close:
      args = CloseArgs{};
      return;
    case Verb::list_logs:
    case Verb::restore_locations:
      args = ComponentArgs{};
      return;
    case Verb::truncate_logs:
      args = TruncateArgs{};
      return;
    case Verb::pre_restore:
    case Verb::post_restore:
      args = RestoreView{};
      return;
    case Verb::restore_prepare:
      args = RestoreAuthority{};
      return;
    case Verb::restore_register:
      args = RegisterArgs{};
      return;
    case Verb::restore_complete:
      args = RestoreCompleteArgs{};
      return;
    case Verb::verify:
      args = VerifyRequest{};
      return;
  }
}

void choose_payload(Verb verb, WriterPayload& payload) {
  switch (verb) {
    case Verb::identify:
      payload = WriterMetadata{};
      return;
    case Verb::prepare_backup:
    case Verb::post_snapshot:
      payload = BackupView{};
      return;
    case Verb::thaw:
      payload = HoldStatement{};
      return;
    case Verb::open_stream:
      payload = StreamInfo{};
      return;
    case Verb::read:
      payload = std::vector<std::byte>{};
      return;
    case Verb::list_logs:
      payload = LogList{};
      return;
    case Verb::pre_restore:
      payload = RestoreView{};
      return;
    case Verb::restore_locations:
      payload = std::vector<RestoreLocation>{};
      return;
    case Verb::verify:
      payload = VerifyReport{};
      return;
    case Verb::prepare_snapshot:
    case Verb::freeze:
    case Verb::backup_complete:
    case Verb::abort:
    case Verb::shutdown:
    case Verb::close:
    case Verb::truncate_logs:
    case Verb::restore_prepare:
    case Verb::restore_register:
    case Verb::restore_complete:
    case Verb::post_restore:
    case Verb::restore_end:
      payload = NoArgs{};
      return;
  }
}

constexpr std::string_view kBareAnswer = R"({"payload":{}})";
constexpr char kHex[] = "0123456789abcdef";

// Bytes of `read`, which only transports without descriptors use: hexadecimal keeps it simple.
Json bytes_to_json(const std::vector<std::byte>& bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    text.push_back(kHex[std::to_integer<unsigned>(b) >> 4]);
    text.push_back(kHex[std::to_integer<unsigned>(b) & 15]);
  }
  return Json{{"hex", std::move(text)}};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

Status bytes_from_json(const Json& json, std::vector<std::byte>& out) {
  const auto hex = json.find("hex");
  if (hex == json.end() || !hex->is_string()) return Error(Errc::corrupt, "payload: no bytes");
  const auto& text = hex->get_ref<const std::string&>();
  if (text.size() % 2 != 0) return Error(Errc::corrupt, "payload: half a byte");
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return Error(Errc::corrupt, "payload: no hexadecimal digits");
    out.push_back(static_cast<std::byte>(high << 4 | low));
  }
  return Ok{};
}

Json payload_to_json(const WriterPayload& payload) {
  return std::visit(
      [](const auto& value) -> Json {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::vector<std::byte>>) {
          return bytes_to_json(value);
        } else if constexpr (std::is_same_v<T, std::vector<RestoreLocation>>) {
          return Json{{"locations", encode_json(value)}};
        } else {
          return to_json_value(value);
        }
      },
      payload);
}

Status payload_from_json(const Json& json, WriterPayload& payload) {
  return std::visit(
      [&json](auto& value) -> Status {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::vector<std::byte>>) {
          return bytes_from_json(json, value);
        } else if constexpr (std::is_same_v<T, std::vector<RestoreLocation>>) {
          const auto list = json.find("locations");
          if (list == json.end()) return Error(Errc::corrupt, "payload: no locations");
          auto decoded = decode_json<T>(*list, "payload.locations");
          if (!decoded.ok()) return decoded.error();
          value = std::move(decoded).value();
          return Ok{};
        } else {
          return from_json_value(json, "payload", value);
        }
      },
      payload);
}

// What proves a publication must at least look like it: nothing is truncated on the word of a
// receipt whose digest is none.
bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of(kHex) == std::string::npos;
}

Status check_receipt(const WriterArgs& args) {
  const Receipt* receipt = nullptr;
  if (const auto* complete = std::get_if<CompleteArgs>(&args)) receipt = &complete->receipt;
  if (const auto* truncate = std::get_if<TruncateArgs>(&args)) receipt = &truncate->receipt;
  if (receipt == nullptr || is_digest(receipt->manifest_sha256)) return Ok{};
  return Error(Errc::corrupt, "args.receipt.manifest_sha256: not 64 lower-case hex digits");
}

// The member `name`, which must be an object; an absent one reads as {}.
Result<Json> object_member(Json& json, const char* name) {
  const auto member = json.find(name);
  if (member == json.end()) return Json::object();
  if (!member->is_object()) return Error(Errc::corrupt, std::string(name) + " is no object");
  return std::move(*member);
}

WriterCall call_of(const CallHead& head) {
  return {head.verb, head.session, head.deadline, head.hold_limit, head.lease, NoArgs{}};
}

// What nearly every answer in a hold is; empty for every other answer.
std::string answer_text_in_hold(Verb verb, const WriterAnswer& answer) {
  if (!answer.status.ok()) return {};
  if (verb == Verb::freeze && std::holds_alternative<NoArgs>(answer.payload))
    return std::string(kBareAnswer);
  const auto* statement = std::get_if<HoldStatement>(&answer.payload);
  return verb == Verb::thaw && statement != nullptr ? hold_answer_text(*statement) : std::string();
}

std::optional<WriterAnswer> read_answer_in_hold(Verb verb, const std::string& text) {
  if (verb == Verb::freeze && text == kBareAnswer) return WriterAnswer{};
  if (verb != Verb::thaw) return std::nullopt;
  const auto statement = read_hold_answer(text);
  if (!statement) return std::nullopt;
  WriterAnswer answer;
  answer.payload = *statement;
  return answer;
}

// A writer that failed some of its components says which in what it edited.
bool has_edits(Verb verb, const WriterAnswer& answer) {
  return !answer.status.ok() && answer.status.error().code() == Errc::partial_failure &&
         payload_fits(verb, answer.payload) &&
         (std::holds_alternative<BackupView>(answer.payload) ||
          std::holds_alternative<RestoreView>(answer.payload));
}

}  // namespace

bool args_fit(Verb verb, const WriterArgs& args) noexcept {
  WriterArgs wanted;
  choose_args(verb, wanted);
  return args.index() == wanted.index();
}

bool payload_fits(Verb verb, const WriterPayload& payload) noexcept {
  WriterPayload wanted;
  choose_payload(verb, wanted);
  return payload.index() == wanted.index();
}

Result<RawMessage> encode_call(const WriterCall& call, std::uint64_t sequence) {
  if (!args_fit(call.verb, call.args)) {
    return Error(Errc::invalid_argument,
                 std::string(to_string(call.verb)) + " was given the arguments of another verb");
  }
  if (Status s = check_receipt(call.args); !s.ok()) {
    return Error(Errc::invalid_argument, s.error().what());
  }
  const CallHead head{call.verb, call.session, call.deadline, call.hold_limit, call.lease};
  if (std::string text = hold_call_text(head); !text.empty()) {
    return RawMessage{Kind::call, sequence, 0, std::move(text)};
  }
  Json json = to_json_value(head);
  json["args"] = std::visit([](const auto& args) { return to_json_value(args); }, call.args);
  return RawMessage{Kind::call, sequence, 0, dump_json(json)};
}

Result<WriterCall> decode_call(const RawMessage& message) {
  if (message.descriptors != 0) {
    return Error(Errc::corrupt, "call message: it carries no descriptors");
  }
  if (const auto head = read_hold_call(message.payload); head && message.kind == Kind::call) {
    return call_of(*head);
  }
  auto json = parse_payload(message, Kind::call);
  if (!json.ok()) return json.error();
  CallHead head;
  if (Status s = from_json_value(json.value(), "call", head); !s.ok()) return s.error();
  auto args = object_member(json.value(), "args");
  if (!args.ok()) return args.error().while_doing("call");
  WriterCall call = call_of(head);
  choose_args(call.verb, call.args);
  Status read = std::visit(
      [&](auto& value) { return from_json_value(args.value(), "args", value); }, call.args);
  if (read.ok()) read = check_receipt(call.args);
  if (!read.ok()) return read.error().while_doing(to_string(call.verb));
  return call;
}

RawMessage encode_answer(Verb verb, const WriterAnswer& answer, std::uint64_t sequence) {
  if (std::string text = answer_text_in_hold(verb, answer); !text.empty()) {
    return RawMessage{Kind::answer, sequence, 0, std::move(text)};
  }
  Json json = Json::object();
  if (!answer.status.ok()) {
    json["error"] = to_json_value(answer.status.error());
    if (has_edits(verb, answer)) json["payload"] = payload_to_json(answer.payload);
  } else if (!payload_fits(verb, answer.payload)) {
    json["error"] = to_json_value(
        Error(Errc::internal, std::string(to_string(verb)) + " answered what another verb does"));
  } else {
    json["payload"] = payload_to_json(answer.payload);
  }
  return RawMessage{Kind::answer, sequence, 0, dump_json(json)};
}

Result<WriterAnswer> decode_answer(Verb verb, const RawMessage& message,
                                   std::vector<Descriptor> descriptors) {
  if (message.kind == Kind::answer && descriptors.empty()) {
    if (auto answer = read_answer_in_hold(verb, message.payload)) return std::move(*answer);
  }
  auto json = parse_payload(message, Kind::answer);
  if (!json.ok()) return json.error();
  const std::size_t allowed = verb == Verb::open_stream ? 1 : 0;
  if (descriptors.size() > allowed) {
    return Error(Errc::corrupt, "answer to " + std::string(to_string(verb)) + " with " +
                                    std::to_string(descriptors.size()) + " descriptors");
  }
  WriterAnswer answer;
  answer.descriptors = std::move(descriptors);
  choose_payload(verb, answer.payload);
  if (const auto failure = json.value().find("error"); failure != json.value().end()) {
    AnswerFailure failed;
    if (Status s = from_json_value(json.value(), "answer", failed); !s.ok()) return s.error();
    answer.status = failed.error;
    if (!json.value().contains("payload") || !has_edits(verb, answer)) return answer;
  }
  auto payload = object_member(json.value(), "payload");
  if (!payload.ok()) return payload.error().while_doing("answer");
  if (Status s = payload_from_json(payload.value(), answer.payload); !s.ok()) {
    return s.error().while_doing("answer to " + std::string(to_string(verb)));
  }
  return answer;
}

}  // namespace stillframe::wire
