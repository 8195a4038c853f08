// The object behind IDedupBackupSupport.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/chunkstore/secret_memory.hpp"
#include "framework/chunkstore/store_key.hpp"
#include "framework/io/file.hpp"
#include "writers/dedup/restore/codes.hpp"
#include "writers/dedup/restore/com_text.hpp"
#include "writers/dedup/restore/restore_run.hpp"

extern "C" {

extern const IID IID_IUnknown = {0, 0, 0, {0xC0, 0, 0, 0, 0, 0, 0, 0x46}};
extern const CLSID CLSID_DedupBackupSupport = {
    0x73d6b2ad, 0x2984, 0x4715, {0xb2, 0xe3, 0x92, 0x4c, 0x14, 0x97, 0x44, 0xdd}};
extern const IID IID_IDedupBackupSupport = {
    0xc719d963, 0x2b2d, 0x415e, {0xac, 0xf7, 0x7e, 0xb7, 0xca, 0x59, 0x6f, 0xf4}};
extern const IID IID_IDedupReadFileCallback = {
    0x7bacc67a, 0x2f1d, 0x42d0, {0x89, 0x7e, 0x6f, 0xf6, 0x2d, 0xd5, 0x33, 0xbb}};

}  // extern "C"

namespace stillframe::dedup {

namespace {

bool is_same(const IID& a, const IID& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// Relative to the root; empty for what is no path of a volume, which nothing has.
std::string path_below_root(BSTR text) {
  const auto path = path_of_text(text);
  if (!path.ok() || path.value().empty() || path.value().front() != '/') return {};
  std::string relative = path.value().substr(1);
  return is_safe_relative(relative) ? relative : std::string();
}

class BackupSupport final : public IDedupBackupSupport {
 public:
  BackupSupport(std::unique_ptr<TargetVolume> target, const std::optional<chunkstore::Key256>& key)
      : target_(std::move(target)),
        key_(chunkstore::make_secret<std::optional<chunkstore::Key256>>(key)) {}

  HRESULT QueryInterface(REFIID riid, void** object) override {
    if (object == nullptr) return E_POINTER;
    *object = nullptr;
    if (!is_same(riid, IID_IUnknown) && !is_same(riid, IID_IDedupBackupSupport)) {
      return E_NOINTERFACE;
    }
    AddRef();
    *object = static_cast<IDedupBackupSupport*>(this);
    return S_OK;
  }
  std::uint32_t AddRef() override { return ++references_; }
  std::uint32_t Release() override {
    const std::uint32_t left = --references_;
    if (left == 0) delete this;
    return left;
  }

  HRESULT RestoreFiles(std::uint32_t count, BSTR* paths, IDedupReadFileCallback* store,
                       std::uint32_t flags, HRESULT* results) override {
    if (count == 0 || count > DEDUP_BACKUP_SUPPORT_FILES_MAX || paths == nullptr ||
        store == nullptr || flags != DEDUP_RECONSTRUCT_UNOPTIMIZED) {
      return E_INVALIDARG;
    }
    try {
      std::vector<std::string> below;
      for (std::uint32_t i = 0; i < count; ++i) below.push_back(path_below_root(paths[i]));
      std::vector<HRESULT> codes;
      const HRESULT hr = restore_files_from(*target_, below, *store, codes, {}, *key_);
      if (results != nullptr) std::copy(codes.begin(), codes.end(), results);
      return hr;
    } catch (const std::bad_alloc&) {
      if (results != nullptr) std::fill(results, results + count, E_OUTOFMEMORY);
      return E_OUTOFMEMORY;
    }
  }

 private:
  std::atomic<std::uint32_t> references_{1};
  const std::unique_ptr<TargetVolume> target_;
  const std::shared_ptr<const std::optional<chunkstore::Key256>> key_;
};

HRESULT create_support(const char* root, const std::optional<chunkstore::Key256>& key,
                       IDedupBackupSupport** support) {
  if (root == nullptr || *root == 0) return E_INVALIDARG;
  auto directory = open_directory(root);
  if (!directory.ok()) return kWin32PathNotFound;
  *support = make_backup_support(posix_target_volume(std::move(directory).value()), key);
  return S_OK;
}

}  // namespace

IDedupBackupSupport* make_backup_support(std::unique_ptr<TargetVolume> target,
                                         const std::optional<chunkstore::Key256>& key) {
  return new BackupSupport(std::move(target), key);
}

}  // namespace stillframe::dedup

extern "C" HRESULT CreateDedupBackupSupport(const char* root, IDedupBackupSupport** support) {
  using namespace stillframe;
  if (support == nullptr) return E_POINTER;
  *support = nullptr;
  try {
    return dedup::create_support(root, std::nullopt, support);
  } catch (const std::bad_alloc&) {
    return E_OUTOFMEMORY;
  }
}

extern "C" HRESULT CreateDedupBackupSupportWithKey(const char* root, const char* key_file,
                                                   IDedupBackupSupport** support) {
  using namespace stillframe;
  if (support == nullptr) return E_POINTER;
  *support = nullptr;
  if (key_file == nullptr || *key_file == 0) return E_INVALIDARG;
  try {
    const auto key = chunkstore::read_key_file(key_file);
    if (!key.ok()) return dedup::code_of_key_file(key.error());
    return dedup::create_support(root, key.value(), support);
  } catch (const std::bad_alloc&) {
    return E_OUTOFMEMORY;
  }
}
