#include "framework/wire/plain_calls.hpp"

#include <utility>

namespace stillframe::wire {
namespace {

// Ours have some 150; what is longer is not kept.
constexpr std::size_t kTextBytesMax = 1024;

bool same(const CallHead& a, const CallHead& b) {
  return a.verb == b.verb && a.session == b.session && a.deadline == b.deadline &&
         a.hold_limit == b.hold_limit && a.lease == b.lease;
}

}  // namespace

PlainCalls& PlainCalls::of_this_thread() {
  thread_local PlainCalls calls;
  return calls;
}

const std::string* PlainCalls::text_of(const CallHead& call) const {
  return !written_.text.empty() && same(written_.call, call) ? &written_.text : nullptr;
}

void PlainCalls::wrote(const CallHead& call, std::string text) {
  written_ = {call, std::move(text)};
}

std::optional<CallHead> PlainCalls::call_in(std::string_view text) const {
  if (read_.text.empty() || read_.text != text) return std::nullopt;
  return read_.call;
}

void PlainCalls::read(std::string_view text, const CallHead& call) {
  if (text.size() > kTextBytesMax) return;
  read_.call = call;
  read_.text.assign(text);
}

}  // namespace stillframe::wire
