// The writer of a deduplicated volume, as the program of the test has it.
#pragma once

#include <memory>
#include <string>

#include <stillframe/writer.hpp>

namespace stillframe::dedup::tests {

Result<std::unique_ptr<Writer>> make_dedup_writer(const std::string& config_json);

}  // namespace stillframe::dedup::tests
