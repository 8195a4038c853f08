#include "framework/wire/hold_texts.hpp"

#include <charconv>

namespace stillframe::wire {
namespace {

constexpr std::string_view kDeadline = R"({"args":{},"deadline_ns":)";
constexpr std::string_view kHoldLimit = R"(,"hold_limit_ns":)";
constexpr std::string_view kLease = R"(,"lease_ns":)";
constexpr std::string_view kSession = R"(,"session":")";
constexpr std::string_view kVerb = R"(,"verb":")";
constexpr std::string_view kCallEnd = R"("})";
constexpr std::string_view kHeldFrom = R"({"payload":{"held_from":)";
constexpr std::string_view kHeldUntil = R"(,"held_until":)";
constexpr std::string_view kLongestStall = R"(,"longest_stall_ns":)";
constexpr std::string_view kUnbroken = R"(,"unbroken":true}})";
constexpr std::size_t kIdBytes = 36;

bool is_of_a_hold(Verb verb) noexcept {
  return verb == Verb::freeze || verb == Verb::thaw;
}

void append_number(std::string& text, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number);
  text.append(digits, end.ptr);
}

// As the general codec does, which leaves out what is zero.
void append_duration(std::string& text, std::string_view name, Duration duration) {
  if (duration.count() == 0) return;
  text += name;
  append_number(text, duration.count());
}

// Takes one piece after the other from the front of a text.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  // In the only form that the general codec writes.
  bool number(std::int64_t& out) {
    const char* const begin = rest_.data();
    const auto [end, error] = std::from_chars(begin, begin + rest_.size(), out);
    if (error != std::errc()) return false;
    const auto bytes = static_cast<std::size_t>(end - begin);
    const bool padded = bytes > 1 && (begin[0] == '0' || (begin[0] == '-' && begin[1] == '0'));
    rest_.remove_prefix(bytes);
    return !padded;
  }

  bool time(std::string_view name, BootTime& out) {
    std::int64_t count = 0;
    if (!literal(name) || !number(count)) return false;
    out = BootTime(Duration(count));
    return true;
  }

  // One that is not there is none.
  bool duration(std::string_view name, Duration& out) {
    std::int64_t count = 0;
    if (!literal(name)) return true;
    if (!number(count)) return false;
    out = Duration(count);
    return true;
  }

  std::string_view take(std::size_t bytes) {
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  bool over() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool read_session(Pieces& pieces, SessionId& session) {
  if (!pieces.literal(kSession)) return true;
  const auto parsed = SessionId::parse(pieces.take(kIdBytes));
  if (!parsed.ok()) return false;
  session = parsed.value();
  return pieces.literal("\"");
}

bool read_verb(Pieces& pieces, Verb& verb) {
  if (!pieces.literal(kVerb)) return false;
  for (const Verb each : {Verb::freeze, Verb::thaw}) {
    verb = each;
    if (pieces.literal(to_string(each))) return pieces.literal(kCallEnd);
  }
  return false;
}

}  // namespace

std::string hold_call_text(const CallHead& call) {
  std::string text;
  if (!is_of_a_hold(call.verb)) return text;
  text.reserve(256);
  text += kDeadline;
  append_number(text, call.deadline.since_boot().count());
  append_duration(text, kHoldLimit, call.hold_limit);
  append_duration(text, kLease, call.lease);
  if (!call.session.is_nil()) {
    text += kSession;
    text += call.session.to_string();
    text += '"';
  }
  text += kVerb;
  text += to_string(call.verb);
  text += kCallEnd;
  return text;
}

std::optional<CallHead> read_hold_call(std::string_view text) {
  Pieces pieces(text);
  CallHead call;
  const bool read = pieces.time(kDeadline, call.deadline) &&
                    pieces.duration(kHoldLimit, call.hold_limit) &&
                    pieces.duration(kLease, call.lease) && read_session(pieces, call.session) &&
                    read_verb(pieces, call.verb) && pieces.over();
  return read ? std::optional(call) : std::nullopt;
}

std::string hold_answer_text(const HoldStatement& statement) {
  std::string text;
  if (!statement.unbroken || statement.asserted_only || !statement.broken_because.empty())
    return text;
  text.reserve(160);
  text += kHeldFrom;
  append_number(text, statement.held_from.since_boot().count());
  text += kHeldUntil;
  append_number(text, statement.held_until.since_boot().count());
  append_duration(text, kLongestStall, statement.longest_stall);
  text += kUnbroken;
  return text;
}

std::optional<HoldStatement> read_hold_answer(std::string_view text) {
  Pieces pieces(text);
  HoldStatement statement;
  statement.unbroken = true;
  const bool read = pieces.time(kHeldFrom, statement.held_from) &&
                    pieces.time(kHeldUntil, statement.held_until) &&
                    pieces.duration(kLongestStall, statement.longest_stall) &&
                    pieces.literal(kUnbroken) && pieces.over();
  return read ? std::optional(statement) : std::nullopt;
}

}  // namespace stillframe::wire
