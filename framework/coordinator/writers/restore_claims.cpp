#include "framework/coordinator/writers/restore_claims.hpp"

namespace stillframe::coordinator {

Status RestoreClaims::claim(const WriterInstanceId& writer, const SessionId& session,
                            const std::string& requestor) {
  const std::lock_guard lock(mutex_);
  const auto [holder, claimed] = holders_.try_emplace(writer, Holder{session, requestor});
  if (claimed || holder->second.session == session) return Ok{};
  return Error(Errc::in_progress, "it takes part in one restore at a time, and '" +
                                      holder->second.requestor + "' is restoring it (session " +
                                      holder->second.session.to_string() +
                                      "); wait for that session, or end it by force");
}

void RestoreClaims::release(const SessionId& session) {
  const std::lock_guard lock(mutex_);
  std::erase_if(holders_, [&](const auto& entry) { return entry.second.session == session; });
}

}  // namespace stillframe::coordinator
