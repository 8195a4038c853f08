// Writers that are a configuration file: components, and commands that hold an application still.
// docs/declarative_writers.md is the file's reference.
#pragma once

#include <cstdint>
#include <memory>

#include <stillframe/writer.hpp>

namespace stillframe {

struct DeclarativeWriterOptions {
  // Whom the file and its programs must belong to, by user id.
  std::uint32_t trusted_owner = 0;
};

// Reads and checks `path` and every program it names, and runs nothing yet. access_denied: somebody
// else could change one of them; invalid_argument: the file says something wrong, on which line,
// and what to write. The writer is one like any other: EmbeddedCoordinator::add_writer() or a
// WriterHost runs it.
Result<std::unique_ptr<Writer>> load_declarative_writer(
    const BytePath& path, const DeclarativeWriterOptions& options = {});

}  // namespace stillframe
