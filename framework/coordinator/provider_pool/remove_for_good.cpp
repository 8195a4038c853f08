#include "framework/coordinator/provider_pool/remove_for_good.hpp"

namespace stillframe::coordinator {

Status remove_for_good(Provider& provider, const SnapshotId& snapshot) {
  const Status removed = provider.remove(snapshot);
  if (removed.ok() || removed.error().code() != Errc::not_found) return removed;
  auto listed = provider.query();
  if (!listed.ok()) return listed.error();
  for (const auto& info : listed.value())
    if (info.snapshot == snapshot) return provider.remove(snapshot);
  return Ok{};
}

}  // namespace stillframe::coordinator
