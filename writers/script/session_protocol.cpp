#include "writers/script/session_protocol.hpp"

#include <array>
#include <charconv>

#include <stillframe/byte_path.hpp>

#include "framework/base/child_process.hpp"

namespace stillframe::script {

namespace {

struct Refusal {
  std::string_view word;
  Errc code;
};

constexpr std::array<Refusal, 5> kRefusals = {{
    {"VETO", Errc::writer_fatal},
    {"RETRY", Errc::writer_retryable},
    {"TIMEOUT", Errc::timed_out},
    {"RESOURCES", Errc::out_of_resources},
    {"INCONSISTENT", Errc::inconsistent_snapshot},
}};

constexpr std::int64_t kStallMsMax = 24 * 3600 * 1000;

struct ExitMeaning {
  int code;
  Errc means;
  std::string_view words;
};

constexpr std::array<ExitMeaning, 8> kExitMeanings = {{
    {62, Errc::writer_fatal, "it refuses"},
    {63, Errc::inconsistent_snapshot, "the set lacks a volume that it needs"},
    {71, Errc::out_of_resources, "it is out of resources"},
    {75, Errc::writer_retryable, "it asks to try again later"},
    {77, Errc::access_denied, "it may not do what it must"},
    {124, Errc::timed_out, "it ran out of time"},
    {126, Errc::access_denied, "it cannot run its program"},
    {127, Errc::not_found, "it does not find its program"},
}};

}  // namespace

Result<SessionAnswer> parse_session_answer(std::string_view line) {
  const auto bad = [&] {
    return Error(Errc::corrupt, "the session command answered '" + escape_path(line.substr(0, 80)) +
                                    "', which is no answer; see docs/declarative_writers.md");
  };
  if (line.size() > kSessionLineBytesMax) return bad();
  const auto blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  const std::string_view rest =
      blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  SessionAnswer answer;
  answer.reason = escape_path(rest);
  if (word == "OK" && rest.empty()) return answer;
  if (word == "BROKEN") {
    answer.kind = SessionAnswer::Kind::broken;
    return answer;
  }
  if (word == "HELD") {
    answer.kind = SessionAnswer::Kind::held;
    if (rest.empty()) return answer;
    constexpr std::string_view kStall = "stall_ms=";
    if (!rest.starts_with(kStall)) return bad();
    std::int64_t ms = 0;
    const std::string_view number = rest.substr(kStall.size());
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), ms);
    if (error != std::errc() || end != number.data() + number.size() || ms < 0 ||
        ms > kStallMsMax) {
      return bad();
    }
    answer.stall = std::chrono::milliseconds(ms);
    return answer;
  }
  for (const Refusal& refusal : kRefusals) {
    if (word != refusal.word) continue;
    answer.kind = SessionAnswer::Kind::refused;
    answer.code = refusal.code;
    return answer;
  }
  return bad();
}

Status status_of_exit(int code, int signal, const std::string& command,
                      const std::string& complaints) {
  if (code == 0 && signal == 0) return Ok{};
  Errc means = Errc::writer_fatal;
  std::string words = "it failed";
  for (const ExitMeaning& meaning : kExitMeanings) {
    if (signal != 0 || meaning.code != code) continue;
    means = meaning.means;
    words = meaning.words;
  }
  return Error(means, "'" + escape_path(command) + "': " + words + " (" +
                          to_string(ExitStatus{code, signal}) + ")" +
                          (complaints.empty() ? "" : ": " + complaints));
}

}  // namespace stillframe::script
