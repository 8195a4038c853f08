#include "requestor/store/backup_set.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include <stillframe/documents.hpp>

#include "framework/base/sha256.hpp"
#include "requestor/store/manifest_fields.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::size_t kReceiptBytesMax = std::size_t{64} << 10;
constexpr std::string_view kOutcomeName = "outcome.json";

Status check_receipt(const Receipt& receipt, const std::string& manifest_text,
                     const BackupManifest& manifest, const BytePath& folder) {
  const bool same =
      receipt.manifest_sha256 == sha256_hex(manifest_text) && receipt.backup == manifest.backup;
  if (same) return Ok{};
  return Error(Errc::corrupt, "backup set '" + escape_path(folder) +
                                  "': manifest.json is not the one its receipt was made for; "
                                  "restore from another copy of the set");
}

}  // namespace

std::string to_json(const SetOutcome& outcome) {
  nlohmann::json root = {
      {"format", "stillframe-outcome"},
      {"version", {{"major", kManifestMajor}, {"minor", kManifestMinor}}},
      {"outcome", outcome.outcome},
      {"message", outcome.message},
      {"finished_ns", outcome.finished.since_epoch().count()},
      {"evidence", nlohmann::json::parse(stillframe::to_json(outcome.evidence), nullptr, false)}};
  return root.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<SetOutcome> parse_outcome(std::string_view text) {
  try {
    const auto root = nlohmann::json::parse(text, nullptr, false);
    if (root.is_discarded()) return Error(Errc::corrupt, "outcome: not JSON");
    std::optional<Error> error;
    FieldReader reader(root, "outcome", error);
    SetOutcome outcome;
    outcome.outcome = reader.text("outcome");
    outcome.message = reader.text("message");
    outcome.finished = WallTime(Duration(reader.signed_number("finished_ns")));
    const auto* evidence = reader.at("evidence");
    if (error) return *error;
    auto parsed = parse_evidence(evidence->dump());
    if (!parsed.ok()) return parsed.error().while_doing("outcome");
    outcome.evidence = std::move(parsed).value();
    return outcome;
  } catch (const std::exception& error) {
    return Error(Errc::corrupt, std::string("outcome: ") + error.what());
  }
}

Result<BackupSet> BackupSet::open(const BytePath& folder) {
  auto tree = Tree::open(folder);
  if (!tree.ok()) return tree.error().while_doing("opening backup set");
  auto manifest_text = tree.value().read_text(kManifestName, kManifestBytesMax);
  if (!manifest_text.ok()) {
    return manifest_text.error().while_doing("opening backup set '" + escape_path(folder) + "'");
  }
  auto manifest = parse_manifest(manifest_text.value());
  if (!manifest.ok()) {
    return manifest.error().while_doing("backup set '" + escape_path(folder) + "'");
  }
  auto receipt_text = tree.value().read_text("receipt.json", kReceiptBytesMax);
  if (!receipt_text.ok()) return receipt_text.error().while_doing("opening backup set");
  auto receipt = parse_receipt(receipt_text.value());
  if (!receipt.ok()) return receipt.error().while_doing("backup set '" + escape_path(folder) + "'");
  if (Status s = check_receipt(receipt.value(), manifest_text.value(), manifest.value(), folder);
      !s.ok()) {
    return s.error();
  }
  return BackupSet(std::move(tree).value(), std::move(manifest).value(),
                   std::move(receipt).value());
}

Result<std::string> BackupSet::document_text(const ManifestDocument& document) const {
  auto text = tree_.read_text(document.path, kDocumentBytesMax);
  if (!text.ok()) return text;
  if (text.value().size() != document.size || sha256_hex(text.value()) != document.sha256) {
    return Error(Errc::corrupt, "document '" + document.path +
                                    "' is not the one that was published; restore from another "
                                    "copy of the set");
  }
  return text;
}

Result<std::string> BackupSet::only_document(std::string_view kind) const {
  for (const auto& document : manifest_.documents) {
    if (document.kind == kind) return document_text(document);
  }
  return Error(Errc::not_found, "the backup set has no " + std::string(kind) + " document");
}

Result<BackupDocument> BackupSet::document() const {
  auto text = only_document("backup");
  if (!text.ok()) return text.error();
  return parse_backup_document(text.value());
}

Result<Evidence> BackupSet::evidence() const {
  auto text = only_document("evidence");
  if (!text.ok()) return text.error();
  return parse_evidence(text.value());
}

Result<std::vector<WriterMetadata>> BackupSet::writers() const {
  std::vector<WriterMetadata> writers;
  for (const auto& document : manifest_.documents) {
    if (document.kind != "writer") continue;
    auto text = document_text(document);
    if (!text.ok()) return text.error();
    auto metadata = parse_writer_metadata(text.value());
    if (!metadata.ok()) return metadata.error().while_doing(document.path);
    writers.push_back(std::move(metadata).value());
  }
  return writers;
}

Result<SetOutcome> BackupSet::outcome() const {
  auto text = tree_.read_text(kOutcomeName, kDocumentBytesMax);
  if (!text.ok()) return text.error();
  return parse_outcome(text.value());
}

Status BackupSet::write_outcome(const SetOutcome& outcome) const {
  return tree_.replace(kOutcomeName, to_json(outcome));
}

Result<Descriptor> BackupSet::open_data(const BytePath& path) const {
  return tree_.open_file(std::string(kDataName) + path);
}

Result<std::vector<SetListing>> list_sets(const BytePath& store) {
  auto tree = Tree::open(store);
  if (!tree.ok()) return tree.error().while_doing("listing backup sets");
  auto entries = tree.value().list("");
  if (!entries.ok()) return entries.error();
  std::vector<SetListing> sets;
  for (const auto& entry : entries.value()) {
    if (entry.kind != FileKind::directory || entry.name.starts_with(".")) continue;
    const BytePath path = store + "/" + entry.name;
    if (!tree.value().open_file(entry.name + "/" + std::string(kManifestName)).ok()) continue;
    auto set = BackupSet::open(path);
    SetListing listing{path, std::nullopt, set.ok() ? "" : set.error().what()};
    if (set.ok()) {
      listing.manifest = set.value().manifest();
      listing.manifest->files.clear();
    }
    sets.push_back(std::move(listing));
  }
  // Their names tell seconds only; two sets of one second must not change places, because chains
  // are built on the newest.
  const auto made = [](const SetListing& set) {
    return set.manifest ? set.manifest->created : WallTime{};
  };
  std::stable_sort(sets.begin(), sets.end(),
                   [&](const SetListing& a, const SetListing& b) { return made(a) < made(b); });
  return sets;
}

Result<BackupSet> find_set(const BytePath& store, const BackupId& backup) {
  auto sets = list_sets(store);
  if (!sets.ok()) return sets.error();
  for (const auto& listing : sets.value()) {
    if (listing.manifest && listing.manifest->backup == backup) {
      return BackupSet::open(listing.path);
    }
  }
  return Error(Errc::not_found, "backup store '" + escape_path(store) + "' holds no set with id " +
                                    backup.to_string() + "; name the store that does");
}

}  // namespace stillframe::requestor
