#include "requestor/restore/chain_source.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"
#include "requestor/restore/placement.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::size_t kChainSetsMax = 1000;

bool same_component(const ManifestComponent& a, const ManifestComponent& b) {
  return a.writer_class == b.writer_class && a.instance_name == b.instance_name && a.name == b.name;
}

// The bases of a set's components, each once.
std::vector<BackupId> bases_of(const BackupManifest& manifest) {
  std::vector<BackupId> bases;
  for (const ManifestComponent& component : manifest.components) {
    if (!component.base) continue;
    const BackupId& id = component.base->backup;
    if (std::find(bases.begin(), bases.end(), id) == bases.end()) bases.push_back(id);
  }
  return bases;
}

void lay_over(std::map<BytePath, StoredFile>& files, const BackupSet& set,
              const ManifestFile& file) {
  StoredFile& versions = files[file.path];
  if (!file.partial) versions.clear();
  versions.push_back({&set, &file});
}

}  // namespace

Result<ChainSource> ChainSource::open(const BytePath& folder) {
  ChainSource source;
  std::vector<BackupId> wanted;
  auto newest = BackupSet::open(folder);
  if (!newest.ok()) return newest.error();
  const BytePath store = parent_path(tidy_path(folder));
  wanted = bases_of(newest.value().manifest());
  source.sets_.push_back(std::make_unique<BackupSet>(std::move(newest).value()));
  for (std::size_t next = 0; next < wanted.size(); ++next) {
    if (next >= kChainSetsMax) {
      return Error(Errc::limit_reached, "the chain of '" + escape_path(folder) +
                                            "' is longer than " + std::to_string(kChainSetsMax) +
                                            " sets");
    }
    auto base = find_set(store, wanted[next]);
    if (!base.ok()) {
      return Error(Errc::chain_broken, "'" + escape_path(folder) + "' builds on backup " +
                                           wanted[next].to_string() + ": " + base.error().what());
    }
    for (const BackupId& id : bases_of(base.value().manifest())) {
      if (std::find(wanted.begin(), wanted.end(), id) == wanted.end()) wanted.push_back(id);
    }
    source.sets_.push_back(std::make_unique<BackupSet>(std::move(base).value()));
  }
  std::stable_sort(source.sets_.begin(), source.sets_.end(), [](const auto& a, const auto& b) {
    return a->manifest().created < b->manifest().created;
  });
  if (source.newest().path() != folder) {
    return Error(Errc::corrupt, "'" + escape_path(folder) + "' claims to be older than its base");
  }
  return source;
}

std::vector<BytePath> ChainSource::folders() const {
  std::vector<BytePath> folders;
  for (auto set = sets_.rbegin(); set != sets_.rend(); ++set) folders.push_back((*set)->path());
  return folders;
}

void ChainSource::drop_what_is_gone(const BackupSet& set, const ManifestComponent& component,
                                    std::map<BytePath, StoredFile>& files) {
  // One that failed may lack what could not be read: that is not gone.
  if (!component.succeeded || component.complete.empty()) return;
  std::set<std::string_view> kept(component.kept.begin(), component.kept.end());
  for (const ManifestFile& file : set.manifest().files) {
    if (file.partial) kept.insert(file.path);  // it is laid over what is there
  }
  std::erase_if(files, [&](const auto& row) {
    const StoredVersion& last = row.second.back();
    if (last.set == &set || kept.contains(row.first)) return false;
    const auto& owners = last.set->manifest().components;
    const bool owned =
        std::any_of(last.file->components.begin(), last.file->components.end(),
                    [&](std::uint32_t index) { return same_component(owners[index], component); });
    if (!owned) return false;
    const bool directory = last.file->kind == FileKind::directory;
    return std::any_of(component.complete.begin(), component.complete.end(),
                       [&](const CompleteFiles& complete) {
                         FileSet named;
                         named.path = literal_path(complete.path);
                         named.pattern = complete.pattern;
                         named.recursive = complete.recursive;
                         return is_of(named, row.first, directory);
                       });
  });
}

std::map<BytePath, StoredFile> ChainSource::files_of(std::uint32_t component) const {
  const ManifestComponent& wanted = newest().manifest().components[component];
  std::map<BytePath, StoredFile> files;
  for (const auto& set : sets_) {
    const auto& components = set->manifest().components;
    for (const ManifestComponent& each : components) {
      if (same_component(each, wanted)) drop_what_is_gone(*set, each, files);
    }
    for (const ManifestFile& file : set->manifest().files) {
      const bool ours = std::any_of(
          file.components.begin(), file.components.end(),
          [&](std::uint32_t index) { return same_component(components[index], wanted); });
      if (ours) lay_over(files, *set, file);
    }
  }
  return files;
}

std::map<BytePath, StoredFile> ChainSource::all_files() const {
  std::map<BytePath, StoredFile> files;
  for (const auto& set : sets_) {
    for (const ManifestComponent& each : set->manifest().components) {
      drop_what_is_gone(*set, each, files);
    }
    for (const ManifestFile& file : set->manifest().files) lay_over(files, *set, file);
  }
  return files;
}

std::pair<std::uint64_t, std::uint64_t> ChainSource::logs_of(std::uint32_t component) const {
  const ManifestComponent& wanted = newest().manifest().components[component];
  std::uint64_t low = 1, high = 0;
  for (const auto& set : sets_) {
    for (const ManifestComponent& candidate : set->manifest().components) {
      if (!same_component(candidate, wanted) || candidate.log_low > candidate.log_high) continue;
      low = low > high ? candidate.log_low : std::min(low, candidate.log_low);
      high = std::max(high, candidate.log_high);
    }
  }
  return {low, high};
}

}  // namespace stillframe::requestor
