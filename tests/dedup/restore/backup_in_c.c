#include "tests/dedup/restore/backup_in_c.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The interface first, so that both have one address. */
typedef struct {
  IDedupReadFileCallback callback;
  struct BackupInC* backup;
  uint32_t references;
} Callback;

static Callback* own(IDedupReadFileCallback* self) {
  return (Callback*)(void*)self;
}

static HRESULT query(IDedupReadFileCallback* self, REFIID riid, void** object) {
  const int known = memcmp(riid, &IID_IUnknown, sizeof *riid) == 0 ||
                    memcmp(riid, &IID_IDedupReadFileCallback, sizeof *riid) == 0;
  *object = known ? self : NULL;
  if (!known) return E_NOINTERFACE;
  self->lpVtbl->AddRef(self);
  return S_OK;
}

static uint32_t add_reference(IDedupReadFileCallback* self) {
  return ++own(self)->references;
}

static uint32_t release(IDedupReadFileCallback* self) {
  return --own(self)->references;
}

static HRESULT read_file(IDedupReadFileCallback* self, BSTR path, int64_t offset, uint32_t bytes,
                         uint8_t* buffer, uint32_t* returned, uint32_t flags) {
  struct BackupInC* backup = own(self)->backup;
  ++backup->reads;
  if (flags != 0) return E_INVALIDARG;
  const int64_t got =
      backup->read(backup->context, path, SysStringLen(path), offset, bytes, buffer);
  if (got < 0) return HRESULT_FROM_WIN32(2);
  *returned = (uint32_t)got;
  return (uint32_t)got == bytes ? S_OK : HRESULT_FROM_WIN32(38);
}

/* From the last container to the first, each as a whole. */
static HRESULT order(IDedupReadFileCallback* self, uint32_t count, BSTR* paths, uint32_t* entries,
                     DEDUP_CONTAINER_EXTENT** plan) {
  struct BackupInC* backup = own(self)->backup;
  (void)paths;
  ++backup->orders;
  backup->containers += count;
  DEDUP_CONTAINER_EXTENT* made = CoTaskMemAlloc(count * sizeof *made);
  if (made == NULL) return E_OUTOFMEMORY;
  for (uint32_t i = 0; i < count; ++i) {
    made[i].ContainerIndex = count - 1 - i;
    made[i].StartOffset = 0;
    made[i].Length = INT64_MAX;
  }
  *entries = count;
  *plan = made;
  return S_OK;
}

static HRESULT preview(IDedupReadFileCallback* self, BSTR path, uint32_t count,
                       DDP_FILE_EXTENT* reads) {
  (void)path;
  ++own(self)->backup->previews;
  return count > 0 && reads[0].Length > 0 ? S_OK : E_FAIL;
}

static const IDedupReadFileCallbackVtbl kMethods = {query,     add_reference, release,
                                                    read_file, order,         preview};

/* Whether the object is what C takes it for: one of its interfaces, counted. */
static HRESULT look_at(IDedupBackupSupport* support) {
  void* same = NULL;
  HRESULT hr = support->lpVtbl->QueryInterface(support, &IID_IDedupBackupSupport, &same);
  if (FAILED(hr)) return hr;
  if (same != support) return E_FAIL;
  if (support->lpVtbl->Release(support) != 1) return E_FAIL;
  if (support->lpVtbl->QueryInterface(support, &IID_IDedupReadFileCallback, &same) !=
      E_NOINTERFACE) {
    return E_FAIL;
  }
  IUnknown* unknown = NULL;
  hr = support->lpVtbl->QueryInterface(support, &IID_IUnknown, (void**)&unknown);
  if (FAILED(hr)) return hr;
  return unknown->lpVtbl->Release(unknown) == 1 ? S_OK : E_FAIL;
}

HRESULT restore_in_c(IDedupBackupSupport* support, struct BackupInC* backup, uint32_t count,
                     const char16_t* const* paths, HRESULT* results) {
  Callback callback = {{&kMethods}, backup, 1};
  HRESULT hr = look_at(support);
  BSTR* texts = calloc(count, sizeof *texts);
  if (texts == NULL) hr = E_OUTOFMEMORY;
  for (uint32_t i = 0; texts != NULL && i < count; ++i) texts[i] = SysAllocString(paths[i]);
  if (SUCCEEDED(hr)) {
    hr = support->lpVtbl->RestoreFiles(support, count, texts, &callback.callback,
                                       DEDUP_RECONSTRUCT_UNOPTIMIZED, results);
  }
  for (uint32_t i = 0; texts != NULL && i < count; ++i) SysFreeString(texts[i]);
  free(texts);
  backup->references = callback.references;
  support->lpVtbl->Release(support);
  return hr;
}
