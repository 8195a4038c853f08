#include "framework/daemon/hosts/host_starter.hpp"

#include <unistd.h>

namespace stillframe::daemon {

namespace {

Result<std::unique_ptr<ChildProcess>> start_directly(const HostSpec& spec,
                                                     const HostStarterOptions& options) {
  auto program = host_program(spec, options);
  if (!program.ok()) return program.error();
  if (!spec.user.empty()) {
    auto account = find_account(spec.user);
    if (!account.ok()) return account.error();
    if (account.value().ids.uid != ::geteuid()) {
      if (::geteuid() != 0) {
        return Error(Errc::access_denied,
                     "running as '" + spec.user + "' needs root, or the broker");
      }
      run_as(program.value(), account.value());
    }
  }
  return ChildProcess::start(program.value());
}

}  // namespace

HostSupervisor::Starter direct_starter(HostStarterOptions options) {
  return [options = std::move(options)](const HostSpec& spec) {
    return start_directly(spec, options);
  };
}

}  // namespace stillframe::daemon
