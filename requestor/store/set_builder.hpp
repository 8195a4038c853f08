// Writes one backup set so that it appears whole or not at all.
//
//   STORE/.incoming-<backup id>/    being written; locked by the process that writes it
//   STORE/<time>-<id>/              published: never changed again, but for outcome.json
//     manifest.json                 every file and document with its SHA-256
//     receipt.json                  the SHA-256 of manifest.json: what writers truncate on
//     documents/                    backup.json, evidence.json, writers/<class>-<n>.json
//     data/<path>                   the files
//     outcome.json                  appended after backup-complete: how the session ended
//
// A process that dies leaves an .incoming- folder without a lock, which the next backup removes.
#pragma once

#include <functional>
#include <mutex>
#include <string_view>

#include "requestor/store/copy_file.hpp"
#include "requestor/store/tree.hpp"

namespace stillframe::requestor {

// The moments of a publication, told to an observer right before each: for progress, and for tests
// that kill the process there.
enum class PublishStep {
  make_folder,
  write_documents,
  write_manifest,
  write_receipt,
  sync,
  rename,
  sync_store,
  published,
};
inline constexpr int kPublishSteps = 8;

class SetBuilder {
 public:
  using StepObserver = std::function<void(PublishStep)>;

  // Makes the store's folder if it is missing and removes what dead processes left in it.
  static Result<std::unique_ptr<SetBuilder>> begin(const BytePath& store, const BackupId& backup,
                                                   StepObserver observer = {});
  ~SetBuilder();  // what was not published is removed
  SetBuilder(const SetBuilder&) = delete;
  SetBuilder& operator=(const SetBuilder&) = delete;

  // A place in data/ for `path` (absolute, plain); already_exists when another file has it.
  // Any thread.
  Result<Descriptor> create_data(const BytePath& path);
  Status create_data_directory(const BytePath& path);
  // `path` becomes another name of the data of `existing`.
  Status link_data(const BytePath& existing, const BytePath& path);
  // Takes back what create_data() made for a file whose copy failed.
  Status discard_data(const BytePath& path);

  void add_document(std::string kind, std::string path, std::string content);  // before publish()

  // Sorts files, fills in the manifest's documents and makes everything durable. The receipt is
  // valid when this returns ok, and not a moment before.
  Result<Receipt> publish(BackupManifest manifest);

  // Where the set is once published.
  const BytePath& final_path() const noexcept { return final_path_; }
  const BytePath& incoming_path() const noexcept { return incoming_.path(); }

 private:
  SetBuilder(Tree store, Tree incoming, Descriptor lock, std::string incoming_name,
             StepObserver observer);
  void at(PublishStep step) const;
  Status write_documents(BackupManifest& manifest);
  Status rename_into_place(const std::string& name);

  struct Document {
    std::string kind, path, content;
  };

  Tree store_;
  Tree incoming_;
  Descriptor lock_;
  std::string incoming_name_;
  StepObserver observer_;
  std::vector<Document> documents_;
  BytePath final_path_;
  bool published_ = false;
};

// "20261121T094500Z-3f2a8c11": sorts by time, tells sets of one second apart.
std::string set_folder_name(WallTime created, const BackupId& backup);

}  // namespace stillframe::requestor
