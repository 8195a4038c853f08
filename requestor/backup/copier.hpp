// Carries planned files into a backup set: every byte read once, hashed, verified and written on a
// few threads.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>

#include <stillframe/verifier.hpp>

#include "requestor/backup/copy_plan.hpp"
#include "requestor/store/set_builder.hpp"

namespace stillframe::requestor {

struct CopySettings {
  int threads = 2;
  std::vector<Verifier*> verifiers;              // not owned
  const std::atomic<bool>* cancelled = nullptr;  // not owned; may be null
  // Any copying thread: bytes done of all that are planned.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// Whose file it is, for the verifiers.
struct OwnerNames {
  WriterIdentity writer;
  ComponentName component;
};

class Copier {
 public:
  // All must outlive the copier. `owners` by manifest index.
  Copier(SetBuilder& builder, const CopySettings& settings, const std::vector<OwnerNames>& owners)
      : builder_(builder), settings_(settings), owners_(owners) {}

  // An error ends the backup (cancelled, the store's disk is full); what is wrong with a single
  // file is noted for its components instead.
  Status copy(const CopyPlan& plan);

  // One file of a stream, by whatever delivers its bytes piece by piece; empty at the end.
  using PieceSource = std::function<Result<std::vector<std::byte>>()>;
  struct StreamedFile {
    BytePath path;
    std::uint32_t component = 0;
    bool is_log = false;
    std::uint64_t size = 0;
    FileAttributes attributes;  // a stream brings content only
  };
  Status copy_stream(const StreamedFile& file, const PieceSource& next);

  std::vector<ManifestFile> take_files() { return std::move(files_); }
  // The first thing that went wrong with each component.
  const std::map<std::uint32_t, Error>& failures() const noexcept { return failures_; }
  void note_failure(std::uint32_t component, const Error& error);
  std::uint64_t bytes_copied() const noexcept { return done_.load(); }

 private:
  struct Job {
    const BytePath* path;
    const FileToCopy* file;
  };
  void copy_one(const Job& job);
  Result<ManifestFile> store_file(const BytePath& path, const FileToCopy& file);
  Status store_content(const BytePath& path, const FileToCopy& file, ManifestFile& entry);
  Result<std::unique_ptr<FileVerifier>> verifier_for(const BytePath& path,
                                                     const std::vector<std::uint32_t>& components,
                                                     std::uint64_t size) const;
  Status copy_links(const CopyPlan& plan);
  bool report(std::uint64_t bytes);
  bool cancelled() const {
    return settings_.cancelled != nullptr && settings_.cancelled->load(std::memory_order_relaxed);
  }

  SetBuilder& builder_;
  const CopySettings& settings_;
  const std::vector<OwnerNames>& owners_;
  std::mutex mutex_;  // of what follows
  std::vector<ManifestFile> files_;
  std::map<std::uint32_t, Error> failures_;
  std::optional<Error> fatal_;
  std::atomic<std::uint64_t> done_{0};
  std::uint64_t total_ = 0;
};

}  // namespace stillframe::requestor
