// The writer of databases at rest, as the program of the test has it.
#pragma once

#include <memory>
#include <string>

#include <stillframe/writer.hpp>

namespace stillframe::ese::tests {

Result<std::unique_ptr<Writer>> make_writer_at_rest(const std::string& config_json);

}  // namespace stillframe::ese::tests
