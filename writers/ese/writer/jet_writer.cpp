// <stillframe/ese/writer.hpp>.
#include <utility>

#include <stillframe/ese/writer.hpp>

#include "writers/ese/writer/ese_verifier.hpp"
#include "writers/ese/writer/ese_writer.hpp"
#include "writers/ese/writer/jet_instance_host.hpp"
#include "writers/ese/writer/relocated_restore.hpp"

namespace stillframe::jet {

std::unique_ptr<Writer> make_writer(InstanceOwner& owner, InstanceFiles files,
                                    std::string instance_name) {
  auto host = std::make_unique<ese::JetInstanceHost>(owner, std::move(files));
  return std::make_unique<ese::EseWriter>(std::move(host), std::move(instance_name));
}

Status finish_restore(const InstanceFiles& files) {
  const std::unique_ptr<Files> all = posix_files();
  return ese::finish_restored(*all, ese::places_of_files(files));
}

std::unique_ptr<Verifier> make_verifier() {
  return std::make_unique<ese::EseVerifier>();
}

}  // namespace stillframe::jet
