// Calls without arguments, as this thread wrote and read them last. While writers are held, those
// of a level are told the same one after the other, and what JSON costs is most of what it takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "framework/wire/call_fields.hpp"

namespace stillframe::wire {

class PlainCalls {
 public:
  static PlainCalls& of_this_thread();

  // Null if another one, or none, was written last.
  const std::string* text_of(const CallHead& call) const;
  void wrote(const CallHead& call, std::string text);

  std::optional<CallHead> call_in(std::string_view text) const;
  void read(std::string_view text, const CallHead& call);

 private:
  struct Both {
    CallHead call;
    std::string text;  // empty: nothing yet
  };
  Both written_, read_;
};

}  // namespace stillframe::wire
