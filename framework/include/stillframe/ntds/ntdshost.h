/* What the program that has a directory decides for the calls of ntdsbcli.h, and how servers in
 * other processes are reached. C11 and C++.
 *
 * Rules and the channel are the process's own. Functions may be called from any thread, also
 * several at a time, and by calls that began before a later DsSet...: what they stand on stays.
 * None of them may throw or unwind. */
#ifndef STILLFRAME_NTDS_NTDSHOST_H
#define STILLFRAME_NTDS_NTDSHOST_H

#include <stdint.h>

#include <stillframe/ntds/ntdsbcli.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tagDS_HOST_RULES {
  uint32_t cbSize;      /* sizeof(DS_HOST_RULES) */
  uint32_t dwTokenDays; /* that a backup may be used; 0: 180, the least is 2 */
  void* pvContext;      /* given to the functions, which may be NULL */
  /* The `restore` right: whether this user, besides root and the owner of the folder of the logs,
   * may restore there. */
  int32_t (*pfnMayRestore)(void* pvContext, uint32_t dwUser, const char* szLogPath);
  /* Of DsSetAuthIdentity: whether these credentials are good, and whose they are. */
  int32_t (*pfnAuthenticate)(void* pvContext, const char* szUserName, const char* szDomainName,
                             const char* szPassword, uint32_t* pdwUser);
} DS_HOST_RULES;

/* For calls from now on; NULL: the usual rules. */
HRESULT NTDSBCLI_API DsSetHostRules(const DS_HOST_RULES* pRules);

/* ---- A channel carries requests to a server and their answers back, whatever they say. At the
 * other end somebody gives them to DsSessionExchange. */

typedef struct tagDS_CHANNEL {
  uint32_t cbSize; /* sizeof(DS_CHANNEL) */
  void* pvContext;
  HRESULT (*pfnConnect)(void* pvContext, const char* szSocket, void** ppvConnection);
  /* *ppvAnswer is given back with DsBackupFree; it was had from malloc(). One exchange of a
   * connection at a time. */
  HRESULT(*pfnExchange)
  (void* pvContext, void* pvConnection, const void* pvRequest, uint32_t cbRequest, void** ppvAnswer,
   uint32_t* pcbAnswer);
  void (*pfnDisconnect)(void* pvContext, void* pvConnection);
} DS_CHANNEL;

/* From now on "unix:PATH" is the server that pfnConnect reaches at PATH; NULL: none. */
HRESULT NTDSBCLI_API DsSetChannel(const DS_CHANNEL* pChannel);

/* What one connection asks of a server of this process, made for a user who was told by the kernel:
 * whether it is online, and one restore or one backup at a time. ERROR_ACCESS_DENIED unless he may
 * restore there; a backup is for root and the owner of the folder of the logs alone. A session that
 * is closed leaves a registered restore as it is, as a process that ends does, and gives up a
 * backup that has not ended. */
HRESULT NTDSBCLI_API DsSessionOpen(const char* szServerName, uint32_t dwUser, HBC* phSession);
/* An answer to whatever request. *pfRestoring: whether the session has a restore or a backup that
 * was prepared, and so somebody who may. */
HRESULT NTDSBCLI_API DsSessionExchange(HBC hSession, const void* pvRequest, uint32_t cbRequest,
                                       void** ppvAnswer, uint32_t* pcbAnswer, int32_t* pfRestoring);
HRESULT NTDSBCLI_API DsSessionClose(HBC hSession);

/* More than any request or answer has. */
#define DS_MESSAGE_BYTES_MAX 0x200000

#ifdef __cplusplus
}
#endif

#endif /* STILLFRAME_NTDS_NTDSHOST_H */
