// A provider that an administrator adds without C++: a program of theirs, described by a TOML file,
// that speaks JSON lines. docs/command_provider.md is its reference.
#pragma once

#include <memory>
#include <string_view>

#include <sys/types.h>

#include "framework/providers/host/program_provider.hpp"

namespace stillframe {

struct CommandProviderOptions {
  uid_t trusted_owner = 0;      // whom the file and the program must belong to
  EventSink* events = nullptr;  // not owned
};

// What the file says. `source` names it in messages.
Result<ProgramProviderOptions> parse_command_provider(std::string_view toml,
                                                      std::string_view source);

// Reads and checks the file and starts its program. access_denied: somebody else could change one
// of them; invalid_argument: the file says something wrong, and where.
Result<std::unique_ptr<Provider>> load_command_provider(const BytePath& path,
                                                        const CommandProviderOptions& options = {});

}  // namespace stillframe
