#include "requestor/restore/restore_journal.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/model/pattern.hpp"
#include "requestor/restore/target_root.hpp"
#include "requestor/store/manifest_fields.hpp"

namespace stillframe::requestor {
namespace {

using nlohmann::json;

constexpr std::string_view kPhases[] = {"copying", "staged", "swapping", "swapped"};
constexpr std::string_view kOwnPrefix = ".stillframe-";

BytePath beside(const BytePath& relative, const std::string& name) {
  const auto slash = relative.rfind('/');
  return slash == BytePath::npos ? name : relative.substr(0, slash + 1) + name;
}

json write_ranges(const std::vector<ByteRange>& ranges) {
  json list = json::array();
  for (const ByteRange& range : ranges) list.push_back(json::array({range.offset, range.length}));
  return list;
}

std::vector<ByteRange> read_ranges(FieldReader& reader, const char* name) {
  std::vector<ByteRange> ranges;
  for (const json& item : reader.array(name, true)) {
    const bool shaped = item.is_array() && item.size() == 2 && item[0].is_number_unsigned() &&
                        item[1].is_number_unsigned();
    if (!shaped) return reader.fail(name, "must hold pairs of numbers"), ranges;
    ranges.push_back({item[0].get<std::uint64_t>(), item[1].get<std::uint64_t>()});
  }
  return ranges;
}

JournalEntry read_entry(const json& object, const std::string& where, std::optional<Error>& error) {
  FieldReader reader(object, where, error);
  JournalEntry entry;
  entry.root = reader.path("root");
  entry.relative = reader.path("relative");
  if (reader.has("source")) entry.source = reader.path("source");
  entry.existed = reader.flag("existed", false);
  entry.directory = reader.flag("directory", false);
  entry.source_ranges = read_ranges(reader, "source_ranges");
  entry.destination_ranges = read_ranges(reader, "destination_ranges");
  if (!is_stored_path(entry.root)) reader.fail("root", "must be an absolute path");
  const bool names_root = entry.relative.empty() && !entry.directory;
  if (names_root || !is_safe_relative(entry.relative)) {
    reader.fail("relative", "must stay below its root");
  }
  if (entry.source_ranges.size() != entry.destination_ranges.size()) {
    reader.fail("destination_ranges", "must be as many as source_ranges");
  }
  return entry;
}

Sweep read_sweep(const json& object, const std::string& where, std::optional<Error>& error) {
  FieldReader reader(object, where, error);
  Sweep sweep{reader.path("root"), reader.path("pattern")};
  if (!is_stored_path(sweep.root)) reader.fail("root", "must be an absolute path");
  return sweep;
}

RestorePhase read_phase(FieldReader& reader) {
  if (!reader.has("phase")) return RestorePhase::copying;
  const std::string text = reader.text("phase");
  for (std::size_t i = 0; i < std::size(kPhases); ++i) {
    if (kPhases[i] == text) return static_cast<RestorePhase>(i);
  }
  reader.fail("phase", "has the unknown value '" + text + "'");
  return RestorePhase::copying;
}

void read_lists(FieldReader& reader, RestoreJournal& journal, std::optional<Error>& error) {
  std::size_t index = 0;
  for (const json& item : reader.array("sweeps", true)) {
    journal.sweeps.push_back(read_sweep(item, "sweeps[" + std::to_string(index++) + "]", error));
    if (error) return;
  }
  index = 0;
  for (const json& item : reader.array("entries")) {
    journal.entries.push_back(read_entry(item, "entries[" + std::to_string(index++) + "]", error));
    if (error) return;
  }
}

bool is_file(const BytePath& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

bool is_directory(const BytePath& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// What a sweep finds that is no target, as entries that only go away.
Result<std::vector<JournalEntry>> swept_by(const Sweep& sweep, const std::set<BytePath>& targets) {
  std::vector<JournalEntry> stale;
  auto root = open_target_root(sweep.root, MissingRoot::is_an_error);
  if (!root.ok()) {
    if (root.error().code() == Errc::not_found) return stale;
    return root.error();
  }
  auto entries = root.value().list("");
  if (!entries.ok()) return entries.error();
  for (const auto& entry : entries.value()) {
    const bool ours = entry.name.starts_with(kOwnPrefix) || entry.name == kRestoreJournalName ||
                      entry.name == kInterlockName;
    if (ours || entry.kind == FileKind::directory) continue;
    if (!matches_pattern(sweep.pattern, entry.name)) continue;
    if (targets.contains(join_path(sweep.root, entry.name))) continue;
    stale.push_back({sweep.root, entry.name, "", true, false, {}, {}});
  }
  return stale;
}

Status add_swept(RestoreJournal& journal) {
  std::set<BytePath> targets;
  for (const JournalEntry& entry : journal.entries) {
    targets.insert(join_path(entry.root, entry.relative));
  }
  for (const Sweep& sweep : journal.sweeps) {
    auto stale = swept_by(sweep, targets);
    if (!stale.ok()) return stale.error();
    for (JournalEntry& entry : stale.value()) {
      if (!targets.insert(join_path(entry.root, entry.relative)).second) continue;
      journal.entries.push_back(std::move(entry));
    }
  }
  return Ok{};
}

}  // namespace

BytePath RestoreJournal::aside_name(std::size_t entry) const {
  return beside(entries[entry].relative, ".stillframe-old-" + session.to_string().substr(0, 8) +
                                             "-" + std::to_string(entry));
}

BytePath RestoreJournal::new_name(std::size_t entry) const {
  return beside(entries[entry].relative, ".stillframe-new-" + session.to_string().substr(0, 8) +
                                             "-" + std::to_string(entry));
}

std::string to_json(const RestoreJournal& journal) {
  json root = {{"format", "stillframe-restore-journal"},
               {"version", {{"major", kManifestMajor}, {"minor", kManifestMinor}}},
               {"session", journal.session.to_string()},
               {"set", escape_path(journal.set)},
               {"component", journal.component},
               {"target", journal.target},
               {"staged", journal.staged},
               {"phase", kPhases[static_cast<int>(journal.phase)]},
               {"at_boot", journal.at_boot},
               {"boot", journal.boot},
               {"keep_old", journal.keep_old},
               {"sweeps", json::array()},
               {"entries", json::array()}};
  for (const Sweep& sweep : journal.sweeps) {
    root["sweeps"].push_back(
        {{"root", escape_path(sweep.root)}, {"pattern", escape_path(sweep.pattern)}});
  }
  for (const JournalEntry& entry : journal.entries) {
    json object = {{"root", escape_path(entry.root)},
                   {"relative", escape_path(entry.relative)},
                   {"existed", entry.existed}};
    if (entry.directory) object["directory"] = true;
    if (!entry.source.empty()) object["source"] = escape_path(entry.source);
    if (!entry.source_ranges.empty()) {
      object["source_ranges"] = write_ranges(entry.source_ranges);
      object["destination_ranges"] = write_ranges(entry.destination_ranges);
    }
    root["entries"].push_back(std::move(object));
  }
  return root.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<RestoreJournal> parse_restore_journal(std::string_view text) {
  try {
    const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (root.is_discarded()) return Error(Errc::corrupt, "restore journal: not JSON");
    std::optional<Error> error;
    FieldReader reader(root, "restore journal", error);
    if (reader.text("format") != "stillframe-restore-journal") reader.fail("format", "is not ours");
    const json* version = reader.at("version");
    if (error) return *error;
    FieldReader numbers(*version, "restore journal.version", error);
    if (numbers.number("major") > kManifestMajor && !error) {
      return Error(Errc::future_version, "restore journal: written by a newer program");
    }
    RestoreJournal journal;
    journal.session = reader.id<SessionId>("session");
    journal.set = reader.path("set");
    journal.component = static_cast<std::uint32_t>(
        reader.number("component", std::numeric_limits<std::uint32_t>::max()));
    journal.target = reader.text_or_empty("target");
    journal.staged = reader.flag("staged", false);
    journal.phase = read_phase(reader);
    journal.at_boot = reader.flag("at_boot", false);
    journal.boot = reader.text_or_empty("boot");
    journal.keep_old = reader.flag("keep_old", false);
    read_lists(reader, journal, error);
    if (error) return *error;
    return journal;
  } catch (const std::exception& error) {
    return Error(Errc::corrupt, std::string("restore journal: ") + error.what());
  }
}

Result<RestoreJournal> make_journal(const SessionId& session, const BytePath& set,
                                    std::uint32_t component, const Placement& placement) {
  RestoreJournal journal;
  journal.session = session;
  journal.set = set;
  journal.component = component;
  journal.at_boot = placement.at_boot;
  journal.sweeps = placement.sweeps;
  for (const PlacedFile& file : placement.files) {
    const ManifestFile& stored = *file.stored->back().file;
    const bool directory = stored.kind == FileKind::directory;
    if (directory && is_directory(file.path())) continue;  // stays as it is
    journal.entries.push_back({file.root, file.relative, stored.path, is_file(file.path()),
                               directory, file.source_ranges, file.destination_ranges});
  }
  if (Status s = add_swept(journal); !s.ok()) return s.error();
  return journal;
}

Status look_again(RestoreJournal& journal) {
  // Sweeps first, so that the entries of the set keep their numbers, by which their files are
  // named.
  std::erase_if(journal.entries, [](const JournalEntry& entry) { return entry.source.empty(); });
  for (JournalEntry& entry : journal.entries) {
    entry.existed = is_file(join_path(entry.root, entry.relative)) && !entry.directory;
  }
  return add_swept(journal);
}

// A journal says what is to be moved and removed, with the rights of whoever obeys it.
static Status check_owner(const Tree& folder) {
  auto file = folder.open_file(kRestoreJournalName);
  if (!file.ok()) return file.error();
  struct stat about {};
  if (fstat(file.value().get(), &about) != 0)
    return posix_error(errno, "look at", kRestoreJournalName);
  const bool others_write = (about.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if ((about.st_uid == 0 || about.st_uid == geteuid()) && !others_write) return Ok{};
  return Error(Errc::access_denied, "the " + std::string(kRestoreJournalName) + " in '" +
                                        escape_path(folder.path()) + "' belongs to uid " +
                                        std::to_string(about.st_uid) +
                                        " or can be written by others, so it is not obeyed; go on "
                                        "with that restore as that user");
}

Status write_journal(const BytePath& folder, const RestoreJournal& journal) {
  auto tree = open_target_root(folder, MissingRoot::is_an_error);
  if (!tree.ok()) return tree.error();
  auto known = read_journal(folder);
  if (known.ok() && known.value().session != journal.session) {
    return Error(Errc::in_progress,
                 "'" + escape_path(folder) + "' has an unfinished restore of session " +
                     known.value().session.to_string() +
                     "; run stillframe restore resume or stillframe restore abandon on it first");
  }
  return tree.value().replace(kRestoreJournalName, to_json(journal));
}

Result<RestoreJournal> read_journal(const BytePath& folder) {
  auto tree = open_target_root(folder, MissingRoot::is_an_error);
  if (!tree.ok()) return tree.error();
  if (Status s = check_owner(tree.value()); !s.ok()) return s.error();
  auto text = tree.value().read_text(kRestoreJournalName, kRestoreJournalBytesMax);
  if (!text.ok()) return text.error();
  return parse_restore_journal(text.value());
}

Status remove_journal(const BytePath& folder) {
  auto tree = open_target_root(folder, MissingRoot::is_an_error);
  if (!tree.ok()) return tree.error();
  if (Status s = tree.value().remove_all(kRestoreJournalName); !s.ok()) return s;
  return tree.value().sync_directory("");
}

}  // namespace stillframe::requestor
