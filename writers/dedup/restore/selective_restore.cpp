#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <stillframe/restore/ddpbackup.h>
#include <stillframe/restore/selective_restore.hpp>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/chunkstore/store_key.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "writers/dedup/restore/codes.hpp"
#include "writers/dedup/restore/com_text.hpp"
#include "writers/dedup/restore/restore_run.hpp"

namespace stillframe::dedup {

namespace {

constexpr HRESULT kEndedByProgram = E_ABORT;

// Lives for the call that it is made for, so nobody counts its references.
class BackupCallback final : public IDedupReadFileCallback {
 public:
  explicit BackupCallback(BackupOfVolume& backup) : backup_(backup) {}
  const std::optional<Error>& ended() const { return ended_; }

  HRESULT QueryInterface(REFIID, void** object) override {
    if (object != nullptr) *object = nullptr;
    return E_NOINTERFACE;
  }
  std::uint32_t AddRef() override { return 1; }
  std::uint32_t Release() override { return 1; }

  HRESULT ReadBackupFile(BSTR path, std::int64_t offset, std::uint32_t bytes, std::uint8_t* buffer,
                         std::uint32_t* returned, std::uint32_t) override {
    const auto name = path_of_text(path);
    if (!name.ok()) return E_INVALIDARG;
    const auto got = backup_.read(name.value(), static_cast<std::uint64_t>(offset),
                                  {reinterpret_cast<std::byte*>(buffer), bytes});
    if (!got.ok()) return got.error().code() == Errc::not_found ? kWin32FileNotFound : E_FAIL;
    *returned = static_cast<std::uint32_t>(got.value());
    return S_OK;
  }

  HRESULT OrderContainersRestore(std::uint32_t count, BSTR* paths, std::uint32_t* entries,
                                 DEDUP_CONTAINER_EXTENT** plan) override {
    std::vector<BytePath> containers;
    for (std::uint32_t i = 0; i < count; ++i) {
      containers.push_back(path_of_text(paths[i]).value());
    }
    const auto order = backup_.order(containers);
    if (!order.ok()) return end(order.error());
    if (order.value().empty()) return S_OK;
    *plan = static_cast<DEDUP_CONTAINER_EXTENT*>(
        CoTaskMemAlloc(order.value().size() * sizeof(DEDUP_CONTAINER_EXTENT)));
    if (*plan == nullptr) return S_OK;  // in any order, then
    for (const BackupExtent& each : order.value()) {
      // What is too large for its field is out of any range as well.
      const auto fit = [](std::uint64_t value, std::uint64_t most) {
        return std::min(value, most);
      };
      (*plan)[(*entries)++] = {static_cast<std::uint32_t>(fit(each.container, UINT32_MAX)),
                               static_cast<std::int64_t>(fit(each.offset, INT64_MAX)),
                               static_cast<std::int64_t>(fit(each.bytes, INT64_MAX))};
    }
    return S_OK;
  }

  HRESULT PreviewContainerRead(BSTR path, std::uint32_t count, DDP_FILE_EXTENT* reads) override {
    std::vector<BackupRead> to_come;
    for (std::uint32_t i = 0; i < count; ++i) {
      to_come.push_back({static_cast<std::uint64_t>(reads[i].Offset),
                         static_cast<std::uint64_t>(reads[i].Length)});
    }
    const Status s = backup_.preview(path_of_text(path).value(), to_come);
    return s.ok() ? S_OK : end(s.error());
  }

 private:
  HRESULT end(const Error& error) {
    ended_ = error;
    return kEndedByProgram;
  }

  BackupOfVolume& backup_;
  std::optional<Error> ended_;
};

class BackupInFolder final : public BackupOfVolume {
 public:
  explicit BackupInFolder(std::vector<BytePath> roots) : roots_(std::move(roots)) {}

  Result<std::size_t> read(const BytePath& path, std::uint64_t offset,
                           std::span<std::byte> into) override {
    if (!file_ || path != name_) {
      auto file = open_first(path);
      if (!file.ok()) return file.error();
      file_.emplace(std::move(file).value());
      name_ = path;
    }
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = ::pread(file_->get(), into.data() + done, into.size() - done,
                                  static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return posix_error(errno, "read", path);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  Result<Descriptor> open_first(const BytePath& path) const {
    for (const BytePath& each : roots_) {
      const auto root = open_directory(each);
      if (!root.ok()) return root.error();
      auto file =
          open_beneath(root.value().get(), std::string_view(path).substr(1), O_RDONLY | O_NOFOLLOW);
      if (file.ok() || file.error().code() != Errc::not_found) return file;
    }
    return Error(Errc::not_found, "the backup has no " + quoted_path(path));
  }

  const std::vector<BytePath> roots_;
  BytePath name_;  // of the file that is open
  std::optional<Descriptor> file_;
};

struct ReleaseSupport {
  void operator()(IDedupBackupSupport* support) const { support->Release(); }
};

}  // namespace

std::unique_ptr<BackupOfVolume> backup_in_folder(BytePath root) {
  return std::make_unique<BackupInFolder>(std::vector<BytePath>{std::move(root)});
}

std::unique_ptr<BackupOfVolume> backup_in_folders(std::vector<BytePath> roots) {
  return std::make_unique<BackupInFolder>(std::move(roots));
}

Result<std::vector<RestoredFile>> restore_files(const BytePath& volume_root,
                                                const std::vector<BytePath>& files,
                                                BackupOfVolume& backup, const BytePath& key_file) {
  std::optional<chunkstore::Key256> key;
  if (!key_file.empty()) {
    auto read = chunkstore::read_key_file(key_file);
    if (!read.ok()) return read.error();
    key = read.value();
  }
  auto root = open_directory(volume_root);
  if (!root.ok()) {
    return Error(Errc::not_found,
                 "there is no volume at '" + escape_path(volume_root) + "' to restore to");
  }
  const std::unique_ptr<IDedupBackupSupport, ReleaseSupport> support(
      make_backup_support(posix_target_volume(std::move(root).value()), key));
  BackupCallback callback(backup);
  std::vector<RestoredFile> done;
  for (std::size_t first = 0; first < files.size(); first += DEDUP_BACKUP_SUPPORT_FILES_MAX) {
    const std::size_t count =
        std::min<std::size_t>(files.size() - first, DEDUP_BACKUP_SUPPORT_FILES_MAX);
    std::vector<ComText> names;
    std::vector<BSTR> texts;
    for (std::size_t i = 0; i < count; ++i) {
      names.push_back(ComText::of_path(files[first + i]));
      texts.push_back(names.back().get());
    }
    std::vector<HRESULT> codes(count, E_FAIL);
    (void)support->RestoreFiles(static_cast<std::uint32_t>(count), texts.data(), &callback,
                                DEDUP_RECONSTRUCT_UNOPTIMIZED, codes.data());
    if (callback.ended()) return *callback.ended();
    for (const HRESULT code : codes) {
      done.push_back({code == S_OK      ? RestoredAs::restored
                      : code == S_FALSE ? RestoredAs::not_deduplicated
                                        : RestoredAs::failed,
                      code});
    }
  }
  return done;
}

}  // namespace stillframe::dedup
