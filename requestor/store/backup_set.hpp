// A published backup set, read back: for restores, verification and listings.
#pragma once

#include <functional>

#include "requestor/store/copy_file.hpp"
#include "requestor/store/tree.hpp"

namespace stillframe::requestor {

// How the session ended, appended after the set was published: `outcome.json`.
struct SetOutcome {
  std::string outcome;  // "completed", "complete_failed", "aborted"
  std::string message;  // what went wrong, for people
  WallTime finished;
  Evidence evidence;  // the last one, with every phase of the session
};
std::string to_json(const SetOutcome& outcome);
Result<SetOutcome> parse_outcome(std::string_view json);

struct SetProblem {
  BytePath path;  // a file's original path, or a document's path inside the set
  Errc code = Errc::corrupt;
  std::string message;
};

struct VerifyOutcome {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<SetProblem> problems;  // empty: everything is as it was published
};

struct SetVerifyOptions {
  int threads = 2;
  std::vector<Verifier*> verifiers;  // beside the hashes, each in children of its own; not owned
  // Told what the kernel cannot keep from a verifier. May be empty.
  std::function<void(const std::string&)> warning;
  std::function<bool(std::uint64_t bytes)> progress;
};

class BackupSet {
 public:
  // `folder` is one set. Checks the manifest against the receipt beside it; corrupt when they
  // disagree.
  static Result<BackupSet> open(const BytePath& folder);

  const BackupManifest& manifest() const noexcept { return manifest_; }
  const Receipt& receipt() const noexcept { return receipt_; }
  const BytePath& path() const noexcept { return tree_.path(); }

  // Each checked against its hash.
  Result<BackupDocument> document() const;
  Result<Evidence> evidence() const;
  Result<std::vector<WriterMetadata>> writers() const;
  Result<SetOutcome> outcome() const;  // not_found: the session never got that far

  Status write_outcome(const SetOutcome& outcome) const;
  Result<Descriptor> open_data(const BytePath& path) const;

  // Reads everything again and compares; also reports files in data/ that no one knows.
  Result<VerifyOutcome> verify(const SetVerifyOptions& options) const;

 private:
  BackupSet(Tree tree, BackupManifest manifest, Receipt receipt)
      : tree_(std::move(tree)), manifest_(std::move(manifest)), receipt_(std::move(receipt)) {}
  Result<std::string> document_text(const ManifestDocument& document) const;
  Result<std::string> only_document(std::string_view kind) const;

  Tree tree_;
  BackupManifest manifest_;
  Receipt receipt_;
};

struct SetListing {
  BytePath path;
  std::optional<BackupManifest> manifest;  // without its files
  std::string problem;                     // why it cannot be read; empty when it can
};

// The sets of a store, oldest first. Folders that are no sets are left out; damaged sets are in.
Result<std::vector<SetListing>> list_sets(const BytePath& store);

// The set with this backup id, for chains; not_found names the store.
Result<BackupSet> find_set(const BytePath& store, const BackupId& backup);

}  // namespace stillframe::requestor
