// A declarative writer from a configuration in memory; <stillframe/declarative_writer.hpp> has the
// one from a file.
#pragma once

#include <memory>

#include <stillframe/declarative_writer.hpp>

#include "writers/script/script_config.hpp"

namespace stillframe {

// As load_declarative_writer(), but for the owner of the file.
Result<std::unique_ptr<Writer>> make_declarative_writer(
    script::ScriptConfig config, const DeclarativeWriterOptions& options = {});

}  // namespace stillframe
