#include "tests/dedup/writer/writer_factory.hpp"
#include "writers/dedup/writer/dedup_writer.hpp"

namespace stillframe::dedup::tests {

Result<std::unique_ptr<Writer>> make_dedup_writer(const std::string& config_json) {
  auto volume = parse_backed_up_volume(config_json);
  if (!volume.ok()) return volume.error();
  return std::unique_ptr<Writer>(std::make_unique<DedupWriter>(std::move(volume).value()));
}

}  // namespace stillframe::dedup::tests
