/* Restoring deduplicated files from a backup of their volume, when the backup program alone can
 * read that backup: the interface of Windows Server's ddpbackup.h, for Linux, with the same names,
 * order of methods, numbers and rules. docs/ddp_parity.md lists what is the same and what is not.
 *
 * The program restores the marked files themselves first (with their trusted.* attributes, as
 * root), into a temporary place if they must not be seen unreadable, and calls RestoreFiles() once
 * for all of them. It is called back for what is needed of the backup, and the files are ordinary
 * ones afterwards. The volume they lie on need not be deduplicated, or may have another store.
 *
 * The text of paths is UTF-16, separated by '/', from the volume's root on, with a '/' in front,
 * and escaped as documents escape it (stillframe/byte_path.hpp) where it is not UTF-8.
 *
 * Objects may be used by several threads at once. Callbacks come in the thread that calls
 * RestoreFiles(). Strings and structures that a callback is given are valid until it returns. */
#ifndef STILLFRAME_RESTORE_DDPBACKUP_H
#define STILLFRAME_RESTORE_DDPBACKUP_H

#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <assert.h>
#include <uchar.h>
#endif

/* ---- What COM has for Windows */

typedef int32_t HRESULT; /* negative: a failure */

#define SUCCEEDED(hr) ((HRESULT)(hr) >= 0)
#define FAILED(hr) ((HRESULT)(hr) < 0)
#define HRESULT_FROM_WIN32(code) \
  ((HRESULT)((code) == 0 ? 0u : ((uint32_t)(code)&0xFFFFu) | 0x80070000u))

#define S_OK ((HRESULT)0)
#define S_FALSE ((HRESULT)1)
#define E_NOTIMPL ((HRESULT)0x80004001u)
#define E_NOINTERFACE ((HRESULT)0x80004002u)
#define E_POINTER ((HRESULT)0x80004003u)
#define E_ABORT ((HRESULT)0x80004004u)
#define E_FAIL ((HRESULT)0x80004005u)
#define E_ACCESSDENIED ((HRESULT)0x80070005u)
#define E_OUTOFMEMORY ((HRESULT)0x8007000Eu)
#define E_INVALIDARG ((HRESULT)0x80070057u)

/* Of a backup whose store is encrypted: without a key file, or with another's. */
#define NTE_BAD_KEY ((HRESULT)0x80090003u)
#define NTE_NO_KEY ((HRESULT)0x8009000Du)

/* A string as COM has it: UTF-16, a zero behind it, and its length in bytes before it. */
typedef char16_t* BSTR;

typedef struct {
  uint32_t Data1;
  uint16_t Data2, Data3;
  uint8_t Data4[8];
} GUID;
typedef GUID IID;
typedef GUID CLSID;

#ifdef __cplusplus
#define STILLFRAME_DDP_REF const IID&
#define STILLFRAME_DDP_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type)
#else
#define STILLFRAME_DDP_REF const IID*
#define STILLFRAME_DDP_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#endif
typedef STILLFRAME_DDP_REF REFIID;

/* ---- Codes of files and of the call */

#define DDP_E_NOT_FOUND ((HRESULT)0x80565301u)
#define DDP_E_PATH_NOT_FOUND ((HRESULT)0x80565304u)
#define DDP_E_INSUFFICIENT_DISK_SPACE ((HRESULT)0x8056530Au)
#define DDP_E_VOLUME_UNSUPPORTED ((HRESULT)0x8056530Bu)
#define DDP_E_UNEXPECTED ((HRESULT)0x8056530Cu)
#define DDP_E_FILE_SYSTEM_CORRUPT ((HRESULT)0x8056530Eu)
#define DDP_E_INVALID_DATA ((HRESULT)0x8056531Du)
#define DDP_E_VOLUME_DEDUP_DISABLED ((HRESULT)0x80565323u)
#define DDP_E_FILE_CORRUPT ((HRESULT)0x80565355u)
#define DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS ((HRESULT)0x80565356u)

/* ---- Structures */

typedef enum {
  DEDUP_RECONSTRUCT_UNOPTIMIZED = 1,
  DEDUP_RECONSTRUCT_OPTIMIZED = 2 /* reserved, and refused */
} DEDUP_BACKUP_SUPPORT_PARAM_TYPE;

/* A part of a container, in the order in which the program wants to be asked. The largest length
 * there is means: to its end. */
typedef struct {
  uint32_t ContainerIndex; /* in the list that was given */
  int64_t StartOffset;
  int64_t Length;
} DEDUP_CONTAINER_EXTENT;

/* A read that is to come. The length is first. */
typedef struct {
  int64_t Length;
  int64_t Offset;
} DDP_FILE_EXTENT;

STILLFRAME_DDP_SIZE(HRESULT, 4);
STILLFRAME_DDP_SIZE(GUID, 16);
STILLFRAME_DDP_SIZE(DEDUP_BACKUP_SUPPORT_PARAM_TYPE, 4);
STILLFRAME_DDP_SIZE(DEDUP_CONTAINER_EXTENT, 24);
STILLFRAME_DDP_SIZE(DDP_FILE_EXTENT, 16);

#define DEDUP_BACKUP_SUPPORT_FILES_MAX 10000

/* ---- Interfaces. In C, each begins with a pointer to its methods, as COM's do. */

#ifdef __cplusplus

/* Counted, and gone with the last Release(). */
struct IUnknown {
  virtual HRESULT QueryInterface(REFIID riid, void** object) = 0;
  virtual uint32_t AddRef() = 0;
  virtual uint32_t Release() = 0;

 protected:
  ~IUnknown() = default;
};

/* What the backup program implements. */
struct IDedupReadFileCallback : IUnknown {
  /* Fills the buffer from a file of the backed up volume. Succeeds only with as many bytes as were
   * asked for, but where a file ends: what there is of it, or none, is then returned with success
   * or with HRESULT_FROM_WIN32(38), and is an error only if the file should have more. A file that
   * the backup does not have: HRESULT_FROM_WIN32(2) or (3). A failure is one of the files that need
   * these bytes, and of no others. Flags is 0. */
  virtual HRESULT ReadBackupFile(BSTR FileFullPath, int64_t FileOffset, uint32_t SizeToRead,
                                 uint8_t* FileBuffer, uint32_t* ReturnedSize, uint32_t Flags) = 0;

  /* Asked once for the containers of stream maps and once for those of data, where there are any.
   * The plan comes from CoTaskMemAlloc() and is freed by the caller; success without a plan, and
   * E_NOTIMPL, leave the order to the engine. Entries that make no sense are ignored, and what they
   * leave out is read last. Another failure ends the restore with its code. */
  virtual HRESULT OrderContainersRestore(uint32_t NumberOfContainers, BSTR* ContainerPaths,
                                         uint32_t* ReadPlanEntries,
                                         DEDUP_CONTAINER_EXTENT** ReadPlan) = 0;

  /* Directly before every read of a container: the reads of it that are known to come in this part
   * of the plan, in order, of which the first one follows. E_NOTIMPL is as good as success; another
   * failure ends the restore with its code. */
  virtual HRESULT PreviewContainerRead(BSTR FileFullPath, uint32_t NumberOfReads,
                                       DDP_FILE_EXTENT* ReadOffsets) = 0;

 protected:
  ~IDedupReadFileCallback() = default;
};

struct IDedupBackupSupport : IUnknown {
  /* Gives these files their bytes back; each is durable, and an ordinary file with its times kept,
   * when its result is S_OK. S_FALSE: it is no deduplicated file, and nothing was done. A file that
   * failed is still marked; the call may be repeated for it.
   *
   * Returns S_OK, or S_FALSE if no file is deduplicated; DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS if
   * some files were restored and others failed; else the code of the first file that failed.
   * E_INVALIDARG, before any callback: no files or more than 10,000, no paths, no store, or other
   * flags than DEDUP_RECONSTRUCT_UNOPTIMIZED. FileResults may be NULL. */
  virtual HRESULT RestoreFiles(uint32_t NumberOfFiles, BSTR* FileFullPaths,
                               IDedupReadFileCallback* Store, uint32_t Flags,
                               HRESULT* FileResults) = 0;

 protected:
  ~IDedupBackupSupport() = default;
};

extern "C" {
#else

typedef struct IUnknown IUnknown;
typedef struct IDedupReadFileCallback IDedupReadFileCallback;
typedef struct IDedupBackupSupport IDedupBackupSupport;

typedef struct {
  HRESULT (*QueryInterface)(IUnknown* self, REFIID riid, void** object);
  uint32_t (*AddRef)(IUnknown* self);
  uint32_t (*Release)(IUnknown* self);
} IUnknownVtbl;
struct IUnknown {
  const IUnknownVtbl* lpVtbl;
};

typedef struct {
  HRESULT (*QueryInterface)(IDedupReadFileCallback* self, REFIID riid, void** object);
  uint32_t (*AddRef)(IDedupReadFileCallback* self);
  uint32_t (*Release)(IDedupReadFileCallback* self);
  HRESULT(*ReadBackupFile)
  (IDedupReadFileCallback* self, BSTR FileFullPath, int64_t FileOffset, uint32_t SizeToRead,
   uint8_t* FileBuffer, uint32_t* ReturnedSize, uint32_t Flags);
  HRESULT(*OrderContainersRestore)
  (IDedupReadFileCallback* self, uint32_t NumberOfContainers, BSTR* ContainerPaths,
   uint32_t* ReadPlanEntries, DEDUP_CONTAINER_EXTENT** ReadPlan);
  HRESULT(*PreviewContainerRead)
  (IDedupReadFileCallback* self, BSTR FileFullPath, uint32_t NumberOfReads,
   DDP_FILE_EXTENT* ReadOffsets);
} IDedupReadFileCallbackVtbl;
struct IDedupReadFileCallback {
  const IDedupReadFileCallbackVtbl* lpVtbl;
};

typedef struct {
  HRESULT (*QueryInterface)(IDedupBackupSupport* self, REFIID riid, void** object);
  uint32_t (*AddRef)(IDedupBackupSupport* self);
  uint32_t (*Release)(IDedupBackupSupport* self);
  HRESULT(*RestoreFiles)
  (IDedupBackupSupport* self, uint32_t NumberOfFiles, BSTR* FileFullPaths,
   IDedupReadFileCallback* Store, uint32_t Flags, HRESULT* FileResults);
} IDedupBackupSupportVtbl;
struct IDedupBackupSupport {
  const IDedupBackupSupportVtbl* lpVtbl;
};
#endif

extern const IID IID_IUnknown;
extern const CLSID CLSID_DedupBackupSupport;
extern const IID IID_IDedupBackupSupport;
extern const IID IID_IDedupReadFileCallback;

/* ---- Functions */

/* For the volume mounted at this place, in place of CoCreateInstance(). The object has one
 * reference. E_INVALIDARG, E_POINTER, E_OUTOFMEMORY, or HRESULT_FROM_WIN32(3): there is no such
 * folder. */
HRESULT CreateDedupBackupSupport(const char* VolumeRoot, IDedupBackupSupport** Support);

/* The same for backups whose store is encrypted with this key file, which is read at once.
 * HRESULT_FROM_WIN32(2): there is none. E_ACCESSDENIED: others than its owner may read it.
 * NTE_BAD_KEY: it is no key file; and of files, when the key is not that of the backup. Without a
 * key file, files of such a backup are NTE_NO_KEY. */
HRESULT CreateDedupBackupSupportWithKey(const char* VolumeRoot, const char* KeyFile,
                                        IDedupBackupSupport** Support);

/* NULL when there is no memory; NULL is an empty string and may be freed. */
BSTR SysAllocString(const char16_t* text);
BSTR SysAllocStringLen(const char16_t* text, uint32_t units);
void SysFreeString(BSTR text);
uint32_t SysStringLen(BSTR text); /* in units of 16 bits */

void* CoTaskMemAlloc(size_t bytes);
void CoTaskMemFree(void* memory);

#ifdef __cplusplus
}
#endif

#endif
