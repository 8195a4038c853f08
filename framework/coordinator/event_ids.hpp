// Ids of the coordinator's events. Stable for ever; docs/events.md says what each means.
#pragma once

namespace stillframe::coordinator {

inline constexpr int kEventRecoveredThaw = 2001;
inline constexpr int kEventOrphanDeleted = 2002;
inline constexpr int kEventOrphanLeft = 2003;
inline constexpr int kEventPersistentFound = 2004;
inline constexpr int kEventJournalWriteFailed = 2005;
inline constexpr int kEventWriterRegistered = 2008;
inline constexpr int kEventWriterRefused = 2009;
inline constexpr int kEventPostRestoreDelivered = 2010;
inline constexpr int kEventProviderUnavailable = 2011;

}  // namespace stillframe::coordinator
