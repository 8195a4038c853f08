// BackupSet::verify(): everything that was published is read again.
#include <mutex>
#include <set>

#include <sys/stat.h>

#include "requestor/store/backup_set.hpp"
#include "requestor/store/sandboxed_verifier.hpp"
#include "requestor/store/worker_pool.hpp"

namespace stillframe::requestor {
namespace {

class Findings {
 public:
  void add(const BytePath& path, const Error& error) {
    const std::lock_guard lock(mutex_);
    outcome_.problems.push_back({path, error.code(), error.what()});
  }
  void count(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    ++outcome_.files;
    outcome_.bytes += bytes;
  }
  VerifyOutcome take() {
    std::sort(outcome_.problems.begin(), outcome_.problems.end(),
              [](const SetProblem& a, const SetProblem& b) { return a.path < b.path; });
    return std::move(outcome_);
  }

 private:
  std::mutex mutex_;
  VerifyOutcome outcome_;
};

using Verifiers = std::vector<std::unique_ptr<SandboxedVerifier>>;

Result<std::unique_ptr<FileVerifier>> open_verifier(const Verifiers& verifiers,
                                                    const std::vector<WriterMetadata>& writers,
                                                    const BackupManifest& manifest,
                                                    const ManifestFile& file) {
  if (file.partial) return std::unique_ptr<FileVerifier>();  // ranges are not a file to it
  for (const std::uint32_t index : file.components) {
    const ManifestComponent& component = manifest.components[index];
    for (const WriterMetadata& writer : writers) {
      if (writer.identity.class_id != component.writer_class) continue;
      for (const auto& verifier : verifiers) {
        if (verifier->wants(writer.identity, component.name, file.path)) {
          return verifier->open(file.path, file.size);
        }
      }
    }
  }
  return std::unique_ptr<FileVerifier>();
}

Status verify_file(const BackupSet& set, const std::vector<WriterMetadata>& writers,
                   const ManifestFile& file, const Verifiers& verifiers,
                   const SetVerifyOptions& options) {
  auto data = set.open_data(file.path);
  if (!data.ok()) return data.error();
  auto verifier = open_verifier(verifiers, writers, set.manifest(), file);
  if (!verifier.ok()) return verifier.error();
  CopyRequest request;
  request.source = data.value().get();
  request.name = file.path;
  request.ranges = file.partial ? &file.ranges : nullptr;
  request.verifier = verifier.value().get();
  request.observer = options.progress;
  auto read = copy_file(request);
  if (!read.ok()) return read.error();
  if (read.value().size != file.size && !file.partial) {
    return Error(Errc::corrupt, "has " + std::to_string(read.value().size) + " bytes instead of " +
                                    std::to_string(file.size));
  }
  if (read.value().sha256 != file.sha256) {
    return Error(Errc::corrupt, "its SHA-256 is " + read.value().sha256 + " instead of " +
                                    file.sha256 + ": its bytes changed since the backup");
  }
  return Ok{};
}

// Files in data/ that the manifest does not have.
void find_strangers(const Tree& data, const std::string& folder, const std::set<BytePath>& known,
                    Findings& findings) {
  auto entries = data.list(folder);
  if (!entries.ok()) return findings.add("/" + folder, entries.error());
  for (const auto& entry : entries.value()) {
    const std::string place = folder.empty() ? entry.name : folder + "/" + entry.name;
    if (entry.kind == FileKind::directory) {
      find_strangers(data, place, known, findings);
    } else if (!known.contains("/" + place)) {
      findings.add("/" + place, Error(Errc::corrupt, "is in data/ but not in the manifest"));
    }
  }
}

}  // namespace

Result<VerifyOutcome> BackupSet::verify(const SetVerifyOptions& options) const {
  Findings findings;
  for (const auto& document : manifest_.documents) {
    if (auto text = document_text(document); !text.ok()) findings.add(document.path, text.error());
  }
  std::vector<WriterMetadata> writers;
  if (auto read = this->writers(); read.ok()) writers = std::move(read).value();

  std::vector<const ManifestFile*> regular;
  std::set<BytePath> known;
  for (const auto& file : manifest_.files) {
    if (file.kind != FileKind::regular) continue;
    regular.push_back(&file);
    known.insert(file.path);
  }
  auto verifiers = sandbox_verifiers(options.verifiers, options.threads, options.warning);
  if (!verifiers.ok()) return verifiers.error();
  for_each_parallel(regular.size(), options.threads, [&](std::size_t i) {
    const ManifestFile& file = *regular[i];
    if (Status s = verify_file(*this, writers, file, verifiers.value(), options); !s.ok()) {
      findings.add(file.path, s.error());
    } else {
      findings.count(file.size);
    }
  });
  auto data = tree_.subtree(kDataName);
  if (!data.ok()) return data.error();
  find_strangers(data.value(), "", known, findings);
  VerifyOutcome outcome = findings.take();
  for (const auto& problem : outcome.problems) {
    if (problem.code == Errc::cancelled) return Error(Errc::cancelled, "verification cancelled");
  }
  return outcome;
}

}  // namespace stillframe::requestor
