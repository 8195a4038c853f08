/* Backup and staged restore of a directory's database: the interface of ntdsbcli over Stillframe's
 * engine. C11 and C++. docs/ds_parity.md says of each call and error whether and how it is offered.
 *
 * The server is an instance of this process, made with JetCreateInstance: by its name, or NULL for
 * the only one there is. It is online while it runs, and in restore mode from its creation to
 * JetInit. "unix:PATH" is a server behind a channel, where the program has brought one.
 *
 *   Backup:  DsBackupPrepare, DsBackupGetDatabaseNames, for each DsBackupOpenFile, DsBackupRead to
 *            ERROR_HANDLE_EOF and DsBackupClose; DsBackupGetBackupLogs, the same for each;
 *            DsBackupTruncateLogs; DsBackupEnd. The token is stored with the files.
 *   Restore: DsRestorePrepare with the token, DsRestoreGetDatabaseLocations, DsRestoreRegister;
 *            old files go, those of the backup come; DsRestoreRegisterComplete, DsRestoreEnd.
 *            JetInit of the server recovers them.
 *
 * From DsRestoreRegister to the end of that JetInit the file restore.env beside the logs says so.
 * Until DsRestoreRegisterComplete with hrNone, and after any other result, the server does not
 * start (JET_errRestoreInProgress), whatever happens to processes and machines.
 *
 * Calls that end in A take UTF-8, those in W UTF-16 in char16_t; without an ending a name means the
 * A form, or the W form where JET_UNICODE is defined. Lists are entries that end with a zero, and
 * one more zero; the first character of an entry is its BFT, the rest an absolute path. Every call
 * may come from any thread; of one handle one call at a time. Handles are never given out twice.
 *
 * Results are 0, codes of this header, those of Windows as plain numbers, or 0xC8000000 + n for
 * JET's error -n: compare with 0, not with the sign. No call throws or unwinds. */
#ifndef STILLFRAME_NTDS_NTDSBCLI_H
#define STILLFRAME_NTDS_NTDSBCLI_H

#include <stdint.h>
#ifndef __cplusplus
#include <uchar.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define NTDSBCLI_API

#ifndef _HRESULT_DEFINED
#define _HRESULT_DEFINED
typedef int32_t HRESULT;
#endif
typedef void* HBC;

#define BACKUP_TYPE_FULL 0x1
#define BACKUP_TYPE_LOGS_ONLY 0x2      /* ERROR_INVALID_PARAMETER */
#define BACKUP_TYPE_INCREMENTAL 0x4    /* ERROR_INVALID_PARAMETER */
#define RESTORE_TYPE_AUTHORATATIVE 0x1 /* ERROR_INVALID_PARAMETER */
#define RESTORE_TYPE_ONLINE 0x2        /* ERROR_INVALID_PARAMETER */
#define RESTORE_TYPE_CATCHUP 0x4
#define BACKUP_DISABLE_INCREMENTAL 0xFFFFFFFF

typedef uint8_t BFT;
#define BFT_DIRECTORY 0x80
#define BFT_DATABASE_DIRECTORY 0x40
#define BFT_LOG_DIRECTORY 0x20
#define BFT_LOG 0x21
#define BFT_LOG_DIR 0x82
#define BFT_CHECKPOINT_DIR 0x83
#define BFT_PATCH_FILE 0x25
#define BFT_NTDS_DATABASE 0x44
#define BFT_UNKNOWN 0x0F

typedef struct tagEDB_RSTMAPA {
  const char* szDatabaseName;    /* when it was backed up */
  const char* szNewDatabaseName; /* where it is restored to */
} EDB_RSTMAPA;
typedef struct tagEDB_RSTMAPW {
  const char16_t* szDatabaseName;
  const char16_t* szNewDatabaseName;
} EDB_RSTMAPW;

#define hrNone 0
#define hrNyi ((HRESULT)0xC0000001)
#define hrInvalidParam ((HRESULT)0xC7FF0001)
#define hrError ((HRESULT)0xC7FF0002)
#define hrInvalidHandle ((HRESULT)0xC7FF0003)
#define hrRestoreInProgress ((HRESULT)0xC7FF0004)
#define hrAlreadyOpen ((HRESULT)0xC7FF0005)
#define hrInvalidRecips ((HRESULT)0xC7FF0006)
#define hrCouldNotConnect ((HRESULT)0xC7FF0007)
#define hrRestoreMapExists ((HRESULT)0xC7FF0008)
#define hrIncrementalBackupDisabled ((HRESULT)0xC7FF0009)
#define hrLogFileNotFound ((HRESULT)0xC7FF000A)
#define hrCircularLogging ((HRESULT)0xC7FF000B)
#define hrNoFullRestore ((HRESULT)0xC7FF000C)
#define hrCommunicationError ((HRESULT)0xC7FF000D)
#define hrFullBackupNotTaken ((HRESULT)0xC7FF000E)
#define hrMissingExpiryToken ((HRESULT)0xC7FF000F)
#define hrUnknownExpiryTokenFormat ((HRESULT)0xC7FF0010)
#define hrContentsExpired ((HRESULT)0xC7FF0011)
#define hrBackupInProgress ((HRESULT)0xC80001F9)
#define hrNoBackup ((HRESULT)0xC8000208)
#define hrInvalidBackupSequence ((HRESULT)0xC8000209)
#define hrBadLogSignature ((HRESULT)0xC8000212)
#define hrMissingFullBackup ((HRESULT)0xC8000230)
#define hrTermInProgress ((HRESULT)0xC80003E8)
#define hrAfterInitialization ((HRESULT)0xC800073A)

#ifndef ERROR_ACCESS_DENIED
#define ERROR_ACCESS_DENIED 5
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_HANDLE_EOF 38
#define ERROR_INVALID_PARAMETER 87
#define RPC_S_INVALID_BINDING 1702
#endif

/* Whether the server runs normally; 0 in restore mode. */
HRESULT NTDSBCLI_API DsIsNTDSOnlineA(const char* szServerName, int32_t* pfNTDSOnline);
HRESULT NTDSBCLI_API DsIsNTDSOnlineW(const char16_t* szServerName, int32_t* pfNTDSOnline);
/* Who later calls of this process are made for; all NULL: the process's own user again. */
HRESULT NTDSBCLI_API DsSetAuthIdentityA(const char* szUserName, const char* szDomainName,
                                        const char* szPassword);
HRESULT NTDSBCLI_API DsSetAuthIdentityW(const char16_t* szUserName, const char16_t* szDomainName,
                                        const char16_t* szPassword);
/* hrNyi: there are no incremental backups here, and after a restore the next backup is full. */
HRESULT NTDSBCLI_API DsSetCurrentBackupLogA(const char* szServerName, uint32_t dwCurrentLog);
HRESULT NTDSBCLI_API DsSetCurrentBackupLogW(const char16_t* szServerName, uint32_t dwCurrentLog);

/* ---- Backup. grbit is 0. Lists and the token are given back with DsBackupFree; a pointer for a
 * list is NULL before the call. */

HRESULT NTDSBCLI_API DsBackupPrepareA(const char* szBackupServer, uint32_t grbit,
                                      uint32_t btBackupType, void** ppvExpiryToken,
                                      uint32_t* pcbExpiryTokenSize, HBC* phbc);
HRESULT NTDSBCLI_API DsBackupPrepareW(const char16_t* szBackupServer, uint32_t grbit,
                                      uint32_t btBackupType, void** ppvExpiryToken,
                                      uint32_t* pcbExpiryTokenSize, HBC* phbc);
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesA(HBC hbc, char** pszAttachmentInfo,
                                               uint32_t* pcbSize);
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesW(HBC hbc, char16_t** pszAttachmentInfo,
                                               uint32_t* pcbSize);
/* The name is one of a list, with its BFT or without. The hint is at least 24,576 and a multiple of
 * 8,192, as the size of every read is. */
HRESULT NTDSBCLI_API DsBackupOpenFileA(HBC hbc, const char* szAttachmentName,
                                       uint32_t cbReadHintSize, int64_t* pliFileSize);
HRESULT NTDSBCLI_API DsBackupOpenFileW(HBC hbc, const char16_t* szAttachmentName,
                                       uint32_t cbReadHintSize, int64_t* pliFileSize);
/* May give less than asked for; ERROR_HANDLE_EOF at the end. */
HRESULT NTDSBCLI_API DsBackupRead(HBC hbc, void* pvBuffer, uint32_t cbBuffer, uint32_t* pcbRead);
/* A file that was not read to its end does not count as backed up. */
HRESULT NTDSBCLI_API DsBackupClose(HBC hbc);
/* After all databases; there are no more of these then. */
HRESULT NTDSBCLI_API DsBackupGetBackupLogsA(HBC hbc, char** pszBackupLogFiles, uint32_t* pcbSize);
HRESULT NTDSBCLI_API DsBackupGetBackupLogsW(HBC hbc, char16_t** pszBackupLogFiles,
                                            uint32_t* pcbSize);
/* Logs that nobody needs any more go; none, with an error, unless every file was read. */
HRESULT NTDSBCLI_API DsBackupTruncateLogs(HBC hbc);
/* Always; before all was read it gives the backup up. */
HRESULT NTDSBCLI_API DsBackupEnd(HBC hbc);
void NTDSBCLI_API DsBackupFree(void* pvBuffer);

/* ---- Restore */

/* Without a token, or with one whose contents are wrong, the handle is good for locations only. */
HRESULT NTDSBCLI_API DsRestorePrepareA(const char* szServerName, uint32_t rtFlag,
                                       void* pvExpiryToken, uint32_t cbExpiryTokenSize, HBC* phbc);
HRESULT NTDSBCLI_API DsRestorePrepareW(const char16_t* szServerName, uint32_t rtFlag,
                                       void* pvExpiryToken, uint32_t cbExpiryTokenSize, HBC* phbc);
/* Databases that the server's logs know, the folders of the logs and of the checkpoint. A handle of
 * a backup will do too. */
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsA(HBC hbc, char** pszDatabaseLocationList,
                                                    uint32_t* pcbSize);
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsW(HBC hbc, char16_t** pszDatabaseLocationList,
                                                    uint32_t* pcbSize);
/* When this returns hrNone, the registration is durable. It deletes nothing. szCheckpointFilePath
 * and szLogPath are the server's own folders, as the locations have them. Numbers of logs are 0 to
 * 0xFFFFF; 0: by the files. */
HRESULT NTDSBCLI_API DsRestoreRegisterA(HBC hbc, const char* szCheckpointFilePath,
                                        const char* szLogPath, EDB_RSTMAPA rgrstmap[],
                                        int32_t crstmap, const char* szBackupLogPath,
                                        uint32_t genLow, uint32_t genHigh);
HRESULT NTDSBCLI_API DsRestoreRegisterW(HBC hbc, const char16_t* szCheckpointFilePath,
                                        const char16_t* szLogPath, EDB_RSTMAPW rgrstmap[],
                                        int32_t crstmap, const char16_t* szBackupLogPath,
                                        uint32_t genLow, uint32_t genHigh);
/* Once. hrNone: all files are in place. Anything else is kept, and bars the server until another
 * restore is registered. */
HRESULT NTDSBCLI_API DsRestoreRegisterComplete(HBC hbc, HRESULT hrRestoreState);
/* Leaves a registration as it is. */
HRESULT NTDSBCLI_API DsRestoreEnd(HBC hbc);

#ifdef JET_UNICODE
#define NTDSBCLI_CALL(name) name##W
typedef EDB_RSTMAPW EDB_RSTMAP;
#else
#define NTDSBCLI_CALL(name) name##A
typedef EDB_RSTMAPA EDB_RSTMAP;
#endif
#define DsIsNTDSOnline NTDSBCLI_CALL(DsIsNTDSOnline)
#define DsSetAuthIdentity NTDSBCLI_CALL(DsSetAuthIdentity)
#define DsSetCurrentBackupLog NTDSBCLI_CALL(DsSetCurrentBackupLog)
#define DsBackupPrepare NTDSBCLI_CALL(DsBackupPrepare)
#define DsBackupGetDatabaseNames NTDSBCLI_CALL(DsBackupGetDatabaseNames)
#define DsBackupOpenFile NTDSBCLI_CALL(DsBackupOpenFile)
#define DsBackupGetBackupLogs NTDSBCLI_CALL(DsBackupGetBackupLogs)
#define DsRestorePrepare NTDSBCLI_CALL(DsRestorePrepare)
#define DsRestoreGetDatabaseLocations NTDSBCLI_CALL(DsRestoreGetDatabaseLocations)
#define DsRestoreRegister NTDSBCLI_CALL(DsRestoreRegister)

#ifdef __cplusplus
}
#endif

#endif /* STILLFRAME_NTDS_NTDSBCLI_H */
