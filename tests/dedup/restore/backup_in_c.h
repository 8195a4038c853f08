/* A backup program in C, which uses RestoreFiles() as C does: through lpVtbl. */
#ifndef STILLFRAME_TESTS_BACKUP_IN_C_H
#define STILLFRAME_TESTS_BACKUP_IN_C_H

#include <stillframe/restore/ddpbackup.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copies a part of the backup's file; how much there was of it, or -1 if the file is not there. */
typedef int64_t (*ReadOfBackup)(void* context, const char16_t* path, uint32_t units, int64_t offset,
                                uint32_t bytes, uint8_t* into);

struct BackupInC {
  ReadOfBackup read;
  void* context;
  /* What it saw. */
  uint32_t reads, orders, previews, containers, references;
};

/* The call's code. Releases `support`. */
HRESULT restore_in_c(IDedupBackupSupport* support, struct BackupInC* backup, uint32_t count,
                     const char16_t* const* paths, HRESULT* results);

#ifdef __cplusplus
}
#endif

#endif
