/* Backup and restore: part of jet.h, which says what all calls have in common. */
#ifndef STILLFRAME_ESE_JET_BACKUP_H
#define STILLFRAME_ESE_JET_BACKUP_H

#include <stdint.h>

#include <stillframe/ese/jet_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A backup into a folder. Without a folder nothing is copied, and logs that no recovery needs
 * go. A call that fails leaves no file of its own there. */

JET_ERR JET_API JetBackupA(JET_PCSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus);
JET_ERR JET_API JetBackupW(JET_PCWSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus);
JET_ERR JET_API JetBackupInstanceA(JET_INSTANCE instance, JET_PCSTR szBackupPath, JET_GRBIT grbit,
                                   JET_PFNSTATUS pfnStatus);
JET_ERR JET_API JetBackupInstanceW(JET_INSTANCE instance, JET_PCWSTR szBackupPath, JET_GRBIT grbit,
                                   JET_PFNSTATUS pfnStatus);
/* Of either kind of backup; it still has to be ended by who began it. */
JET_ERR JET_API JetStopBackup(void);
JET_ERR JET_API JetStopBackupInstance(JET_INSTANCE instance);

/* ---- A backup whose bytes the caller copies: begin, ask for the databases, read each to its end,
 * ask for the logs, read each to its end, remove what may go, end. One of logs alone begins with
 * these. Lists are of names that each end with a zero, and one more zero behind the last; a list
 * that is cut off is no error: cbMax and *pcbActual tell. Memory to read into begins at a multiple
 * of 4096 and is some pages long, three the first time that a database is read; *pcbActual 0 is the
 * end. */

JET_ERR JET_API JetBeginExternalBackup(JET_GRBIT grbit);
JET_ERR JET_API JetBeginExternalBackupInstance(JET_INSTANCE instance, JET_GRBIT grbit);
JET_ERR JET_API JetGetAttachInfoA(char* szzDatabases, uint32_t cbMax, uint32_t* pcbActual);
JET_ERR JET_API JetGetAttachInfoW(char16_t* szzDatabases, uint32_t cbMax, uint32_t* pcbActual);
JET_ERR JET_API JetGetAttachInfoInstanceA(JET_INSTANCE instance, char* szzDatabases, uint32_t cbMax,
                                          uint32_t* pcbActual);
JET_ERR JET_API JetGetAttachInfoInstanceW(JET_INSTANCE instance, char16_t* szzDatabases,
                                          uint32_t cbMax, uint32_t* pcbActual);
JET_ERR JET_API JetOpenFileA(JET_PCSTR szFileName, JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                             uint32_t* pulFileSizeHigh);
JET_ERR JET_API JetOpenFileW(JET_PCWSTR szFileName, JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                             uint32_t* pulFileSizeHigh);
JET_ERR JET_API JetOpenFileInstanceA(JET_INSTANCE instance, JET_PCSTR szFileName,
                                     JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                                     uint32_t* pulFileSizeHigh);
JET_ERR JET_API JetOpenFileInstanceW(JET_INSTANCE instance, JET_PCWSTR szFileName,
                                     JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                                     uint32_t* pulFileSizeHigh);
JET_ERR JET_API JetReadFile(JET_HANDLE hfFile, void* pv, uint32_t cb, uint32_t* pcbActual);
JET_ERR JET_API JetReadFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile, void* pv, uint32_t cb,
                                    uint32_t* pcbActual);
JET_ERR JET_API JetCloseFile(JET_HANDLE hfFile);
JET_ERR JET_API JetCloseFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile);
JET_ERR JET_API JetGetLogInfoA(char* szzLogs, uint32_t cbMax, uint32_t* pcbActual);
JET_ERR JET_API JetGetLogInfoW(char16_t* szzLogs, uint32_t cbMax, uint32_t* pcbActual);
JET_ERR JET_API JetGetLogInfoInstanceA(JET_INSTANCE instance, char* szzLogs, uint32_t cbMax,
                                       uint32_t* pcbActual);
JET_ERR JET_API JetGetLogInfoInstanceW(JET_INSTANCE instance, char16_t* szzLogs, uint32_t cbMax,
                                       uint32_t* pcbActual);
JET_ERR JET_API JetGetLogInfoInstance2A(JET_INSTANCE instance, char* szzLogs, uint32_t cbMax,
                                        uint32_t* pcbActual, JET_LOGINFO_A* pLogInfo);
JET_ERR JET_API JetGetLogInfoInstance2W(JET_INSTANCE instance, char16_t* szzLogs, uint32_t cbMax,
                                        uint32_t* pcbActual, JET_LOGINFO_W* pLogInfo);
JET_ERR JET_API JetGetTruncateLogInfoInstanceA(JET_INSTANCE instance, char* szzLogs, uint32_t cbMax,
                                               uint32_t* pcbActual);
JET_ERR JET_API JetGetTruncateLogInfoInstanceW(JET_INSTANCE instance, char16_t* szzLogs,
                                               uint32_t cbMax, uint32_t* pcbActual);
JET_ERR JET_API JetTruncateLog(void);
JET_ERR JET_API JetTruncateLogInstance(JET_INSTANCE instance);
JET_ERR JET_API JetEndExternalBackup(void);
JET_ERR JET_API JetEndExternalBackupInstance(JET_INSTANCE instance);
JET_ERR JET_API JetEndExternalBackupInstance2(JET_INSTANCE instance, JET_GRBIT grbit);

/* ---- Restoring. What JetBackup made, for an instance that was created and does not run (none in a
 * process with one), which may be begun afterwards; destination NULL puts each database where it
 * was. And what an external backup copied, beside any instances: databases that the map does not
 * name are left alone. All of it is checked before a file is changed. After an error that came
 * later, the databases have to be copied from the backup again. */

JET_ERR JET_API JetRestoreA(JET_PCSTR szSource, JET_PFNSTATUS pfn);
JET_ERR JET_API JetRestoreW(JET_PCWSTR szSource, JET_PFNSTATUS pfn);
JET_ERR JET_API JetRestore2A(JET_PCSTR sz, JET_PCSTR szDest, JET_PFNSTATUS pfn);
JET_ERR JET_API JetRestore2W(JET_PCWSTR sz, JET_PCWSTR szDest, JET_PFNSTATUS pfn);
JET_ERR JET_API JetRestoreInstanceA(JET_INSTANCE instance, JET_PCSTR sz, JET_PCSTR szDest,
                                    JET_PFNSTATUS pfn);
JET_ERR JET_API JetRestoreInstanceW(JET_INSTANCE instance, JET_PCWSTR sz, JET_PCWSTR szDest,
                                    JET_PFNSTATUS pfn);
JET_ERR JET_API JetExternalRestoreA(JET_PCSTR szCheckpointFilePath, JET_PCSTR szLogPath,
                                    JET_RSTMAP_A* rgrstmap, int32_t crstfilemap,
                                    JET_PCSTR szBackupLogPath, int32_t genLow, int32_t genHigh,
                                    JET_PFNSTATUS pfn);
JET_ERR JET_API JetExternalRestoreW(JET_PCWSTR szCheckpointFilePath, JET_PCWSTR szLogPath,
                                    JET_RSTMAP_W* rgrstmap, int32_t crstfilemap,
                                    JET_PCWSTR szBackupLogPath, int32_t genLow, int32_t genHigh,
                                    JET_PFNSTATUS pfn);
/* JET_wrnTargetInstanceRunning: the logs that it left in szLogPath have to go before the next one.
 */
JET_ERR JET_API JetExternalRestore2A(JET_PCSTR szCheckpointFilePath, JET_PCSTR szLogPath,
                                     JET_RSTMAP_A* rgrstmap, int32_t crstfilemap,
                                     JET_PCSTR szBackupLogPath, JET_LOGINFO_A* pLogInfo,
                                     JET_PCSTR szTargetInstanceName,
                                     JET_PCSTR szTargetInstanceLogPath,
                                     JET_PCSTR szTargetInstanceCheckpointPath, JET_PFNSTATUS pfn);
JET_ERR JET_API JetExternalRestore2W(JET_PCWSTR szCheckpointFilePath, JET_PCWSTR szLogPath,
                                     JET_RSTMAP_W* rgrstmap, int32_t crstfilemap,
                                     JET_PCWSTR szBackupLogPath, JET_LOGINFO_W* pLogInfo,
                                     JET_PCWSTR szTargetInstanceName,
                                     JET_PCWSTR szTargetInstanceLogPath,
                                     JET_PCWSTR szTargetInstanceCheckpointPath, JET_PFNSTATUS pfn);

/* ---- A snapshot of the files by somebody else: prepare, freeze, make it, thaw, remove logs, end.
 * While frozen, and for JET_paramOSSnapshotTimeout milliseconds at most, no file of the instances
 * changes, commits wait, and what the files hold can be recovered with every durable commit. Lists
 * of instances are given back with JetFreeBuffer. */

JET_ERR JET_API JetOSSnapshotPrepare(JET_OSSNAPID* psnapId, JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotPrepareInstance(JET_OSSNAPID snapId, JET_INSTANCE instance,
                                             JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotFreezeA(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                     JET_INSTANCE_INFO_A** paInstanceInfo, JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotFreezeW(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                     JET_INSTANCE_INFO_W** paInstanceInfo, JET_GRBIT grbit);
/* JET_errOSSnapshotTimeOut: the snapshot has to be thrown away. Without JET_bitContinueAfterThaw
 * this is the end too. */
JET_ERR JET_API JetOSSnapshotThaw(JET_OSSNAPID snapId, JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotGetFreezeInfoA(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                            JET_INSTANCE_INFO_A** paInstanceInfo, JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotGetFreezeInfoW(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                            JET_INSTANCE_INFO_W** paInstanceInfo, JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotTruncateLog(JET_OSSNAPID snapId, JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotTruncateLogInstance(JET_OSSNAPID snapId, JET_INSTANCE instance,
                                                 JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotEnd(JET_OSSNAPID snapId, JET_GRBIT grbit);
JET_ERR JET_API JetOSSnapshotAbort(JET_OSSNAPID snapId, JET_GRBIT grbit);

#define JetBackup JET_CALL(JetBackup)
#define JetBackupInstance JET_CALL(JetBackupInstance)
#define JetGetAttachInfo JET_CALL(JetGetAttachInfo)
#define JetGetAttachInfoInstance JET_CALL(JetGetAttachInfoInstance)
#define JetOpenFile JET_CALL(JetOpenFile)
#define JetOpenFileInstance JET_CALL(JetOpenFileInstance)
#define JetGetLogInfo JET_CALL(JetGetLogInfo)
#define JetGetLogInfoInstance JET_CALL(JetGetLogInfoInstance)
#define JetGetLogInfoInstance2 JET_CALL(JetGetLogInfoInstance2)
#define JetGetTruncateLogInfoInstance JET_CALL(JetGetTruncateLogInfoInstance)
#define JetOSSnapshotFreeze JET_CALL(JetOSSnapshotFreeze)
#define JetOSSnapshotGetFreezeInfo JET_CALL(JetOSSnapshotGetFreezeInfo)
#define JetRestore JET_CALL(JetRestore)
#define JetRestore2 JET_CALL(JetRestore2)
#define JetRestoreInstance JET_CALL(JetRestoreInstance)
#define JetExternalRestore JET_CALL(JetExternalRestore)
#define JetExternalRestore2 JET_CALL(JetExternalRestore2)

#ifdef __cplusplus
}
#endif

#endif /* STILLFRAME_ESE_JET_BACKUP_H */
