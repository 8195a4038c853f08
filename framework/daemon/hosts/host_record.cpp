#include "framework/daemon/hosts/host_record.hpp"

#include <algorithm>

#include <poll.h>

#include "framework/daemon/hosts/plugin_host.hpp"

namespace stillframe::daemon {

namespace {

constexpr std::size_t kSaidBytesMax = 1024;  // the last ones say why

}  // namespace

bool ProviderProcess::runs() const {
  pollfd about{end.get(), POLLIN, 0};
  return end.valid() && ::poll(&about, 1, 0) == 0;
}

HostRecord::HostRecord(HostSpec wanted, const RestartLimits& limits, const Clock& clock)
    : spec(std::move(wanted)), policy(limits), since(clock.wall_now()) {
  start_at(clock.now(), since);
}

void HostRecord::enter(PluginState next, WallTime now) {
  state = next;
  since = now;
  due.reset();
}

void HostRecord::start_at(BootTime at, WallTime now) {
  enter(is_provider() ? PluginState::stopped : PluginState::waiting, now);
  if (!is_provider()) due = at;
}

void HostRecord::resume_quarantine(const QuarantineEntry& entry) {
  enter(PluginState::quarantined, entry.since);
  reason = entry.reason;
  crashes_at_quarantine = entry.crashes;
}

QuarantineEntry HostRecord::quarantine_entry() const {
  return {spec.name, spec_digest(spec), since, crashes_at_quarantine, reason};
}

void HostRecord::add_provider(ProviderProcess process) {
  std::erase_if(providers, [](const ProviderProcess& known) { return !known.runs(); });
  providers.push_back(std::move(process));
}

PluginInfo HostRecord::info(const Clock& clock) const {
  PluginInfo info;
  info.name = spec.name;
  info.kind = kind_name(spec.kind);
  info.state = state;
  info.reason = reason;
  info.since = since;
  info.crashes =
      state == PluginState::quarantined ? crashes_at_quarantine : policy.crashes(clock.now());
  if (child) info.process = child->pid();
  if (is_provider() && state != PluginState::quarantined) {
    const auto one = std::find_if(providers.begin(), providers.end(),
                                  [](const ProviderProcess& process) { return process.runs(); });
    info.state = one == providers.end() ? PluginState::stopped : PluginState::running;
    if (one != providers.end()) info.process = one->pid;
  }
  if (due) {
    info.next_attempt = WallTime(clock.wall_now().since_epoch() + (*due - clock.now()));
  }
  return info;
}

std::string end_reason(const ExitStatus& status, const std::string& complaints) {
  std::string reason = to_string(status);
  if (complaints.empty()) return reason;
  const bool whole = complaints.size() <= kSaidBytesMax;
  return reason + ": " +
         (whole ? complaints : "..." + complaints.substr(complaints.size() - kSaidBytesMax));
}

bool cannot_load(const ExitStatus& status) noexcept {
  return status.signal == 0 && (status.code == kHostCannotLoad || status.code == kHostUsage);
}

bool is_lasting(Errc code) noexcept {
  return code == Errc::not_found || code == Errc::access_denied || code == Errc::invalid_argument ||
         code == Errc::not_supported;
}

}  // namespace stillframe::daemon
