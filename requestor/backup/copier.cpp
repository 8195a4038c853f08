#include "requestor/backup/copier.hpp"

#include <unistd.h>

#include "requestor/store/worker_pool.hpp"

namespace stillframe::requestor {
namespace {

using FileKey = std::pair<std::uint64_t, std::uint64_t>;

FileKey key_of(const FileToCopy& file) {
  return {file.device, file.inode};
}

// What no other component would survive either.
bool ends_the_backup(const Error& error) {
  return error.code() == Errc::cancelled || error.code() == Errc::no_space ||
         error.code() == Errc::disconnected;  // from the machine that has the snapshot
}

}  // namespace

void Copier::note_failure(std::uint32_t component, const Error& error) {
  const std::lock_guard lock(mutex_);
  failures_.emplace(component, error);
}

bool Copier::report(std::uint64_t bytes) {
  const std::uint64_t done = done_.fetch_add(bytes) + bytes;
  if (settings_.progress) settings_.progress(done, total_);
  return !cancelled();
}

Status Copier::copy(const CopyPlan& plan) {
  std::vector<Job> jobs;
  std::map<FileKey, const BytePath*> first_names;
  for (const auto& [path, file] : plan) {
    total_ += file.size;
    if (file.inode != 0 && !file.partial) {
      const bool first = first_names.emplace(key_of(file), &path).second;
      if (!first) continue;  // linked once its first name is there
    }
    jobs.push_back({&path, &file});
  }
  for_each_parallel(jobs.size(), settings_.threads, [&](std::size_t i) { copy_one(jobs[i]); });
  if (fatal_) return *fatal_;
  return copy_links(plan);
}

void Copier::copy_one(const Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (fatal_) return;
  }
  Result<ManifestFile> entry = cancelled() ? Error(Errc::cancelled, "the backup was cancelled")
                                           : store_file(*job.path, *job.file);
  const std::lock_guard lock(mutex_);
  if (entry.ok()) {
    files_.push_back(std::move(entry).value());
    return;
  }
  const Error& error = entry.error();
  if (ends_the_backup(error) && !fatal_) fatal_ = error;
  for (const std::uint32_t component : job.file->components) failures_.emplace(component, error);
}

Result<ManifestFile> Copier::store_file(const BytePath& path, const FileToCopy& file) {
  ManifestFile entry;
  entry.path = path;
  entry.kind = file.kind;
  entry.origin = file.source.origin;
  entry.components = file.components;
  entry.is_log = file.is_log;
  entry.partial = file.partial;
  entry.ranges = file.ranges;
  if (file.kind == FileKind::regular) {
    if (Status s = store_content(path, file, entry); !s.ok()) return s.error();
    return entry;
  }
  auto description = file.source.tree->describe(file.source.relative, file.kind);
  if (!description.ok()) return description.error();
  entry.attributes = std::move(description.value().attributes);
  // Of links and special files, all there is to them is in the manifest.
  entry.link_target = std::move(description.value().link_target);
  entry.device_major = description.value().device_major;
  entry.device_minor = description.value().device_minor;
  if (file.kind != FileKind::directory) return entry;
  if (Status s = builder_.create_data_directory(path); !s.ok()) return s.error();
  return entry;
}

Status Copier::store_content(const BytePath& path, const FileToCopy& file, ManifestFile& entry) {
  auto source = file.source.tree->open_file(file.source.relative);
  if (!source.ok()) return source.error();
  const NodeDescription& description = source.value()->description();
  entry.attributes = description.attributes;

  std::unique_ptr<FileVerifier> verifier;
  if (!file.partial) {  // ranges are not a file to a verifier
    auto opened = verifier_for(path, file.components, description.size);
    if (!opened.ok()) return opened.error();
    verifier = std::move(opened).value();
  }
  auto target = builder_.create_data(path);
  if (!target.ok()) return target.error();
  CopyRequest request;
  request.destination = target.value().get();
  request.name = path;
  request.ranges = file.partial ? &file.ranges : nullptr;
  request.verifier = verifier.get();
  request.observer = [this](std::uint64_t bytes) { return report(bytes); };
  auto copied = source.value()->copy(request);
  if (!copied.ok()) {
    (void)builder_.discard_data(path);  // the copy's own error says more
    return copied.error();
  }
  entry.size = copied.value().size;
  entry.sha256 = std::move(copied.value().sha256);
  entry.extents = std::move(copied.value().extents);
  return Ok{};
}

Result<std::unique_ptr<FileVerifier>> Copier::verifier_for(
    const BytePath& path, const std::vector<std::uint32_t>& components, std::uint64_t size) const {
  for (const std::uint32_t index : components) {
    const OwnerNames& owner = owners_[index];
    for (Verifier* verifier : settings_.verifiers) {
      if (verifier->wants(owner.writer, owner.component, path)) return verifier->open(path, size);
    }
  }
  return std::unique_ptr<FileVerifier>();
}

// Names of files that have several: the first is stored by now, or its failure is noted.
Status Copier::copy_links(const CopyPlan& plan) {
  std::map<FileKey, BytePath> first_names;
  std::map<BytePath, std::size_t> stored;
  for (std::size_t i = 0; i < files_.size(); ++i) stored[files_[i].path] = i;
  std::uint64_t group = 0;
  for (const auto& [path, file] : plan) {
    if (file.inode == 0 || file.partial) continue;
    const auto [first, is_first] = first_names.emplace(key_of(file), path);
    if (is_first) continue;
    const auto found = stored.find(first->second);
    if (found == stored.end()) {
      const Error error(Errc::partial_failure,
                        "another name of '" + escape_path(path) + "' could not be copied");
      for (const std::uint32_t component : file.components) note_failure(component, error);
      continue;
    }
    if (Status s = builder_.link_data(first->second, path); !s.ok()) return s;
    ManifestFile& original = files_[found->second];
    if (original.link_group == 0) original.link_group = ++group;
    ManifestFile entry = original;
    entry.path = path;
    entry.components = file.components;
    entry.is_log = file.is_log;
    files_.push_back(std::move(entry));
  }
  return Ok{};
}

Status Copier::copy_stream(const StreamedFile& file, const PieceSource& next) {
  const BytePath& path = file.path;
  auto target = builder_.create_data(path);
  if (!target.ok()) return target.error();
  auto verifier = verifier_for(path, {file.component}, file.size);
  if (!verifier.ok()) return verifier.error();
  CopyRequest request;
  request.destination = target.value().get();
  request.name = path;
  request.verifier = verifier.value().get();
  request.observer = [this](std::uint64_t bytes) { return report(bytes); };
  total_ += file.size;
  ContentSink sink(request);
  std::uint64_t offset = 0;
  while (true) {
    auto piece = next();
    if (!piece.ok()) return piece.error();
    if (piece.value().empty()) break;
    if (Status s = sink.data(piece.value(), offset); !s.ok()) return s;
    offset += piece.value().size();
  }
  if (offset != file.size) {
    return Error(Errc::truncated, "the stream of '" + escape_path(path) + "' ended after " +
                                      std::to_string(offset) + " of " + std::to_string(file.size) +
                                      " bytes");
  }
  auto digest = sink.finish();
  if (!digest.ok()) return digest.error();
  ManifestFile entry;
  entry.path = path;
  entry.origin = FileOrigin::stream;
  entry.components = {file.component};
  entry.size = file.size;
  entry.sha256 = std::move(digest).value();
  entry.is_log = file.is_log;
  entry.attributes = file.attributes;
  const std::lock_guard lock(mutex_);
  files_.push_back(std::move(entry));
  return Ok{};
}

}  // namespace stillframe::requestor
