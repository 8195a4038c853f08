// Errors as JSON: {"code": <number>, "name": "...", "message": "...", "application_code":
// <number>}, the last only where there is one. For codec sources only.
#pragma once

#include "framework/model/json_fields.hpp"

namespace stillframe {

// A code that this program lacks, from a newer peer, reads as Errc::internal; its name goes into
// the message.
template <class Io>
void fields(Io& io, typename Io::template Ref<Error> v) {
  if constexpr (Io::kReads) {
    int code = 0, application_code = 0;
    std::string name, message;
    io.number("code", code);
    io.text("name", name, Need::optional);
    io.text("message", message, Need::required);
    io.number("application_code", application_code, std::optional(0));
    const Errc known = errc_from_number(code);
    if (static_cast<int>(known) != code) message = name + ": " + message;
    v = Error(known, message, application_code);
  } else {
    io.number("code", static_cast<int>(v.code()));
    io.text("name", std::string(to_string(v.code())), Need::required);
    io.text("message", v.what(), Need::required);
    io.number("application_code", v.application_code(), std::optional(0));
  }
}

}  // namespace stillframe
