/* ntdsbcli.h as a program in C sees it. */
#include <stillframe/ntds/ntdsbcli.h>

_Static_assert(sizeof(HRESULT) == 4, "size of HRESULT");
_Static_assert(sizeof(HBC) == sizeof(void*), "size of HBC");
_Static_assert(sizeof(EDB_RSTMAP) == 2 * sizeof(void*), "size of EDB_RSTMAP");
_Static_assert(hrBackupInProgress == (HRESULT)0xC8000000 + 505, "of JET's -505");

HRESULT ntds_online_in_c(const char* server, int32_t* online);
HRESULT ntds_online_in_c(const char* server, int32_t* online) {
  return DsIsNTDSOnline(server, online);
}
