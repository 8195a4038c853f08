#include "tests/ese/writer/resting_factory.hpp"
#include "writers/ese/writer/resting_writer.hpp"

namespace stillframe::ese::tests {

Result<std::unique_ptr<Writer>> make_writer_at_rest(const std::string& config_json) {
  auto databases = parse_resting_databases(config_json);
  if (!databases.ok()) return databases.error();
  return std::unique_ptr<Writer>(
      std::make_unique<RestingWriter>(posix_files(), std::move(databases).value()));
}

}  // namespace stillframe::ese::tests
