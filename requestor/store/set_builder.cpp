#include "requestor/store/set_builder.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/documents.hpp>

#include "framework/base/posix_error.hpp"
#include "framework/base/sha256.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::string_view kIncomingPrefix = ".incoming-";

std::string data_place(const BytePath& path) {
  return std::string(kDataName) + path;  // an absolute path brings the slash
}

Status make_store_folder(const BytePath& store) {
  if (mkdir(store.c_str(), 0700) == 0 || errno == EEXIST) return Ok{};
  return posix_error(errno, "make backup store", store);
}

// The lock says that the writing process lives; the kernel drops it with the process.
Result<Descriptor> lock_folder(const Tree& store, const std::string& name) {
  auto folder = store.open_directory(name);
  if (!folder.ok()) return folder;
  if (flock(folder.value().get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(Errc::in_progress, "another process is writing '" + escape_path(name) + "'");
  }
  return folder;
}

Status sweep(const Tree& store) {
  auto entries = store.list("");
  if (!entries.ok()) return entries.error();
  for (const auto& entry : entries.value()) {
    if (!entry.name.starts_with(kIncomingPrefix) || entry.kind != FileKind::directory) continue;
    auto lock = lock_folder(store, entry.name);
    if (!lock.ok()) continue;  // alive, or gone meanwhile
    if (Status s = store.remove_all(entry.name); !s.ok()) {
      return s.error().while_doing("removing what an interrupted backup left");
    }
  }
  return Ok{};
}

}  // namespace

std::string set_folder_name(WallTime created, const BackupId& backup) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(created.since_epoch()).count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ-", &utc);
  return text + backup.to_string().substr(0, 8);
}

SetBuilder::SetBuilder(Tree store, Tree incoming, Descriptor lock, std::string incoming_name,
                       StepObserver observer)
    : store_(std::move(store)),
      incoming_(std::move(incoming)),
      lock_(std::move(lock)),
      incoming_name_(std::move(incoming_name)),
      observer_(std::move(observer)) {}

SetBuilder::~SetBuilder() {
  // A failure here leaves an unlocked folder, which the next backup sweeps.
  if (!published_) (void)store_.remove_all(incoming_name_);
}

Result<std::unique_ptr<SetBuilder>> SetBuilder::begin(const BytePath& store, const BackupId& backup,
                                                      StepObserver observer) {
  if (observer) observer(PublishStep::make_folder);
  if (Status s = make_store_folder(store); !s.ok()) return s.error();
  auto tree = Tree::open(store);
  if (!tree.ok()) return tree.error();
  if (Status s = sweep(tree.value()); !s.ok()) return s.error();
  const std::string name = std::string(kIncomingPrefix) + backup.to_string();
  if (mkdirat(tree.value().fd(), name.c_str(), 0700) != 0) {
    return posix_error(errno, "make folder for the new backup set in", store);
  }
  auto lock = lock_folder(tree.value(), name);
  if (!lock.ok()) return lock.error();
  auto incoming = tree.value().subtree(name);
  if (!incoming.ok()) return incoming.error();
  if (Status s = incoming.value().make_directories(kDataName, 0700); !s.ok()) return s.error();
  return std::unique_ptr<SetBuilder>(
      new SetBuilder(std::move(tree).value(), std::move(incoming).value(), std::move(lock).value(),
                     name, std::move(observer)));
}

Result<Descriptor> SetBuilder::create_data(const BytePath& path) {
  if (!is_stored_path(path)) {
    return Error(Errc::invalid_argument, "'" + escape_path(path) + "' is no absolute file path");
  }
  return incoming_.create_file(data_place(path), 0600);
}

Status SetBuilder::create_data_directory(const BytePath& path) {
  if (!is_stored_path(path)) {
    return Error(Errc::invalid_argument, "'" + escape_path(path) + "' is no absolute path");
  }
  return path == "/" ? Status(Ok{}) : incoming_.make_directories(data_place(path), 0700);
}

Status SetBuilder::link_data(const BytePath& existing, const BytePath& path) {
  const std::string from = data_place(existing), to = data_place(path);
  if (Status s = incoming_.make_directories(to.substr(0, to.rfind('/')), 0700); !s.ok()) return s;
  if (linkat(incoming_.fd(), from.c_str(), incoming_.fd(), to.c_str(), 0) != 0) {
    return posix_error(errno, "link stored data of", path);
  }
  return Ok{};
}

Status SetBuilder::discard_data(const BytePath& path) {
  return incoming_.remove_all(data_place(path));
}

void SetBuilder::add_document(std::string kind, std::string path, std::string content) {
  documents_.push_back({std::move(kind), std::move(path), std::move(content)});
}

void SetBuilder::at(PublishStep step) const {
  if (observer_) observer_(step);
}

Status SetBuilder::write_documents(BackupManifest& manifest) {
  for (const Document& document : documents_) {
    if (Status s = incoming_.write_new(document.path, document.content); !s.ok()) return s;
    manifest.documents.push_back(
        {document.path, document.kind, document.content.size(), sha256_hex(document.content)});
  }
  return Ok{};
}

Status SetBuilder::rename_into_place(const std::string& name) {
  at(PublishStep::rename);
  if (renameat2(store_.fd(), incoming_name_.c_str(), store_.fd(), name.c_str(), RENAME_NOREPLACE) !=
      0) {
    return posix_error(errno, "publish the backup set as", final_path_);
  }
  published_ = true;
  at(PublishStep::sync_store);
  if (fsync(store_.fd()) != 0) return posix_error(errno, "sync backup store", store_.path());
  return Ok{};
}

Result<Receipt> SetBuilder::publish(BackupManifest manifest) {
  at(PublishStep::write_documents);
  if (Status s = write_documents(manifest); !s.ok()) return s.error();
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });

  at(PublishStep::write_manifest);
  const std::string text = to_json(manifest);
  if (text.size() > kManifestBytesMax) {
    return Error(Errc::limit_reached,
                 "the backup has too many files for one manifest; select fewer components");
  }
  // Just after the write what just before the read is: a manifest we could not restore from must
  // not become a receipt.
  if (auto back = parse_manifest(text); !back.ok()) {
    return back.error().while_doing("checking the new manifest");
  }
  if (Status s = incoming_.write_new(kManifestName, text); !s.ok()) return s.error();

  at(PublishStep::write_receipt);
  const Receipt receipt{manifest.backup,  manifest.session, manifest.set,
                        sha256_hex(text), manifest.created, {}};
  if (Status s = incoming_.write_new("receipt.json", stillframe::to_json(receipt)); !s.ok()) {
    return s.error();
  }

  // One syncfs() in place of an fsync() per file and folder: since Linux 5.8 it reports every
  // write-back error of the file system since the descriptor was opened, and ours was opened before
  // the first byte was written.
  at(PublishStep::sync);
  if (syncfs(incoming_.fd()) != 0) return posix_error(errno, "sync", incoming_.path());

  const std::string name = set_folder_name(manifest.created, manifest.backup);
  final_path_ = store_.path() + "/" + name;
  if (Status s = rename_into_place(name); !s.ok()) return s.error();
  at(PublishStep::published);
  return receipt;
}

}  // namespace stillframe::requestor
