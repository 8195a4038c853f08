#include "requestor/backup/chain.hpp"

#include <algorithm>
#include <map>

#include "framework/model/backup_type.hpp"
#include "framework/model/chain_rules.hpp"
#include "framework/model/consistency.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/selection.hpp"

namespace stillframe::requestor {
namespace {

// A file may bear a time that much before it was written: FAT counts in twos of seconds.
constexpr std::chrono::seconds kFileClockMargin{2};

// A set of the store as a possible base, newest first, opened once.
struct Candidate {
  BackupManifest manifest;
  BackupDocument document;
  Evidence evidence;
  bool completed = false;
};

Result<std::vector<Candidate>> candidates_of(const BytePath& store) {
  auto sets = list_sets(store);
  if (!sets.ok()) {
    if (sets.error().code() == Errc::not_found) return std::vector<Candidate>();
    return sets.error();
  }
  std::vector<Candidate> candidates;
  for (auto listing = sets.value().rbegin(); listing != sets.value().rend(); ++listing) {
    if (!listing->manifest) continue;
    auto set = BackupSet::open(listing->path);
    if (!set.ok()) continue;
    auto document = set.value().document();
    auto evidence = set.value().evidence();
    if (!document.ok() || !evidence.ok()) continue;
    const auto outcome = set.value().outcome();
    candidates.push_back({std::move(*listing->manifest), std::move(document).value(),
                          std::move(evidence).value(),
                          outcome.ok() && outcome.value().outcome == "completed"});
  }
  return candidates;
}

template <class Entry>
const Entry* find_component(const std::vector<Entry>& entries, const WriterIdentity& writer,
                            const ComponentName& name) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.writer_class == writer.class_id && entry.instance_name == writer.instance_name &&
           entry.name == name;
  });
  return found == entries.end() ? nullptr : &*found;
}

std::optional<ChainBase> base_in(const Candidate& candidate, const WriterIdentity& writer,
                                 const ComponentName& name, const ChainRequest& request) {
  if (!can_be_built_on(candidate.manifest.type, request.type)) return std::nullopt;
  const auto* component = find_component(candidate.document.components, writer, name);
  const auto* stored = find_component(candidate.manifest.components, writer, name);
  const auto* evidence = find_component(candidate.evidence.components, writer, name);
  const bool good = candidate.completed && component != nullptr && stored != nullptr &&
                    stored->succeeded && evidence != nullptr && can_be_base(evidence->label);
  if (!good) return std::nullopt;
  if (!request.owner.empty() && candidate.document.chain_owner != request.owner) {
    return std::nullopt;
  }
  return ChainBase{candidate.manifest.backup, component->stamp, candidate.document.chain_owner};
}

// What was made of the component since its last full backup.
std::vector<BackupType> types_since_full(const std::vector<Candidate>& newest_first,
                                         const WriterIdentity& writer, const ComponentName& name) {
  std::vector<BackupType> types;
  for (const Candidate& candidate : newest_first) {
    const auto* stored = find_component(candidate.manifest.components, writer, name);
    if (stored == nullptr || !stored->succeeded) continue;
    if (candidate.manifest.type == BackupType::full) break;
    types.push_back(candidate.manifest.type);
  }
  return types;
}

}  // namespace

Result<std::vector<ComponentSelector>> choose_bases(const ChainRequest& request,
                                                    const std::vector<WriterStatus>& writers,
                                                    std::span<const ComponentSelector> selectors,
                                                    const std::vector<std::string>& excluded) {
  std::vector<const WriterMetadata*> metadata;
  for (const WriterStatus& writer : writers) {
    if (writer.metadata) metadata.push_back(&*writer.metadata);
  }
  auto selection = select_components(metadata, selectors, excluded);
  if (!selection.ok()) return selection.error();
  auto candidates = candidates_of(request.store);
  if (!candidates.ok()) return candidates.error();

  std::vector<ComponentSelector> exact;
  for (const SelectedComponent& selected : selection.value().components) {
    const WriterMetadata& writer = *metadata[selected.writer];
    const ComponentName& name = writer.components[selected.component].name;
    ComponentSelector selector{writer.instance.to_string(), name.full(), selected.policy,
                               selected.options, selected.base};
    const bool builds = effective_type(writer.schema, request.type) == request.type;
    Status mix = check_chain_mix(writer.schema, builds ? request.type : BackupType::full,
                                 types_since_full(candidates.value(), writer.identity, name));
    if (!mix.ok()) {
      return mix.error().while_doing("component '" + name.full() + "' of " +
                                     writer.identity.instance_name);
    }
    for (const Candidate& candidate : candidates.value()) {
      if (!builds || selector.base) break;
      selector.base = base_in(candidate, writer.identity, name, request);
    }
    if (builds && !selector.base) {
      return Error(Errc::chain_broken, "store '" + escape_path(request.store) +
                                           "' has no complete, consistent backup of '" +
                                           name.full() + "' of " + writer.identity.instance_name +
                                           " to build on; take a full backup first");
    }
    exact.push_back(std::move(selector));
  }
  return exact;
}

std::optional<WallTime> changed_since(const BytePath& store, const std::optional<ChainBase>& base) {
  if (!base) return std::nullopt;
  auto set = find_set(store, base->backup);
  if (!set.ok()) return std::nullopt;
  auto evidence = set.value().evidence();
  if (!evidence.ok()) return std::nullopt;
  return WallTime(evidence.value().created.since_epoch() - kFileClockMargin);
}

std::optional<BaseFiles> base_files(const BytePath& store, const BackupComponent& entry) {
  if (!entry.base || entry.differenced_files.empty()) return std::nullopt;
  const auto set = find_set(store, entry.base->backup);
  if (!set.ok()) return std::nullopt;
  auto chain = ChainSource::open(set.value().path());
  if (!chain.ok()) return std::nullopt;
  const auto& components = chain.value().newest().manifest().components;
  for (std::uint32_t i = 0; i < components.size(); ++i) {
    if (components[i].writer_class != entry.writer_class ||
        components[i].instance_name != entry.instance_name || components[i].name != entry.name) {
      continue;
    }
    auto files = chain.value().files_of(i);
    return BaseFiles{std::move(chain).value(), std::move(files)};
  }
  return std::nullopt;
}

std::vector<CompleteFiles> complete_files(const BackupComponent& entry) {
  std::vector<CompleteFiles> complete;
  for (const DifferencedFiles& files : entry.differenced_files) {
    auto path = expand_path(files.path, {});
    if (!path.ok()) continue;  // planning told that
    complete.push_back({std::move(path).value(), files.pattern, files.recursive});
  }
  return complete;
}

}  // namespace stillframe::requestor
