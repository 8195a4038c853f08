#include "requestor/restore/service_control.hpp"

#include <algorithm>

#include <unistd.h>

#include "framework/base/child_process.hpp"

namespace stillframe::requestor {
namespace {

// A fixed list, not PATH: a restore runs as root.
constexpr const char* kSystemDirectories[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* directory : kSystemDirectories) {
    std::string path = std::string(directory) + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "/usr/bin/" + name;
}

Status run(const ServiceCommand& how, const char* verb, const std::string& service) {
  ChildOptions options;
  options.command = how.command;
  options.command.front() = find_program(options.command.front());
  options.command.insert(options.command.end(), {verb, service});
  options.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}};
  options.output_is_complaint = true;
  auto child = ChildProcess::start(options);
  if (!child.ok()) return child.error();
  child.value()->close_input();
  const Deadline deadline(system_clock().now() + how.timeout);
  auto ended = child.value()->wait(deadline);
  if (!ended.ok()) return ended.error();
  if (ended.value() == ExitStatus{}) return Ok{};
  return Error(Errc::io, to_string(ended.value()) + ", " + child.value()->complaints());
}

}  // namespace

ServiceControl service_control(ServiceCommand command) {
  return [how = std::move(command)](const std::string& service, bool start) -> Status {
    if (service.empty() || service.front() == '-' || how.command.empty()) {
      return Error(Errc::invalid_argument,
                   "'" + service + "' is no name of a service; its writer must give one");
    }
    const char* verb = start ? "start" : "stop";
    Status done = run(how, verb, service);
    if (done.ok()) return done;
    return Error(done.error().code(), "cannot " + std::string(verb) + " service '" + service +
                                          "' with " + how.command.front() + " (" +
                                          done.error().what() +
                                          "); do it by hand and use --no-services");
  };
}

Status StoppedServices::stop(const std::string& service) {
  if (std::find(stopped_.begin(), stopped_.end(), service) != stopped_.end()) return Ok{};
  // Noted first: one that failed to stop in time may yet stop, and is to run in the end.
  stopped_.push_back(service);
  return control_(service, false);
}

Status StoppedServices::start() {
  Status first = Ok{};
  while (!stopped_.empty()) {  // last stopped, first started
    Status started = control_(stopped_.back(), true);
    stopped_.pop_back();
    if (first.ok()) first = started;
  }
  return first;
}

}  // namespace stillframe::requestor
