// A writer that is a configuration file: components, and commands that hold the application still.
#pragma once

#include <memory>

#include <sys/types.h>

#include <stillframe/writer.hpp>

#include "writers/script/script_config.hpp"

namespace stillframe {

struct DeclarativeWriterOptions {
  // Whom the file and its programs must belong to.
  uid_t trusted_owner = 0;
};

// Reads and checks `path` and every program it names. access_denied: somebody else could change
// one of them; invalid_argument: the file says something wrong, on which line, and what to write.
Result<std::unique_ptr<Writer>> load_declarative_writer(
    const BytePath& path, const DeclarativeWriterOptions& options = {});

// The same from a configuration in memory.
Result<std::unique_ptr<Writer>> make_declarative_writer(
    script::ScriptConfig config, const DeclarativeWriterOptions& options = {});

}  // namespace stillframe
