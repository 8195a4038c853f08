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
inline constexpr int kEventProviderJoined = 2012;

// The course of a session.
inline constexpr int kEventSessionBegun = 2020;
inline constexpr int kEventSessionEnded = 2021;
inline constexpr int kEventHoldBegun = 2022;
inline constexpr int kEventWritersFrozen = 2023;
inline constexpr int kEventCommitBegun = 2024;
inline constexpr int kEventCommitEnded = 2025;
inline constexpr int kEventHoldEnded = 2026;
inline constexpr int kEventSetMade = 2027;
inline constexpr int kEventSetFailed = 2028;
inline constexpr int kEventComponentLabelled = 2029;
inline constexpr int kEventWriterFailed = 2030;
inline constexpr int kEventProviderFailed = 2031;
inline constexpr int kEventTurnAwaited = 2032;
inline constexpr int kEventWriterLeft = 2033;
inline constexpr int kEventMachineSlept = 2034;

}  // namespace stillframe::coordinator
