// Stops and starts the services that writers name for their restore methods.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

namespace stillframe::requestor {

// Returns once the service has stopped or started. Tests pass one that only takes notes.
using ServiceControl = std::function<Status(const std::string& service, bool start)>;

struct ServiceCommand {
  // Run as COMMAND... stop NAME and COMMAND... start NAME; searched in the system's directories.
  std::vector<std::string> command{"systemctl"};
  std::chrono::milliseconds timeout{120'000};
};

// timed_out, or io with what the command said, when it does not do it.
ServiceControl service_control(ServiceCommand command);

// The services of one restore: none is left stopped because another could not be.
class StoppedServices {
 public:
  explicit StoppedServices(const ServiceControl& control) : control_(control) {}
  ~StoppedServices() { (void)start(); }  // on a way out that told its own error
  StoppedServices(const StoppedServices&) = delete;
  StoppedServices& operator=(const StoppedServices&) = delete;

  Status stop(const std::string& service);  // once each
  Status start();                           // all that were stopped; the first failure

 private:
  const ServiceControl& control_;
  std::vector<std::string> stopped_;
};

}  // namespace stillframe::requestor
