#include "requestor/restore/restore_journal.hpp"

#include <cerrno>

#include <sys/stat.h>

#include "framework/base/path.hpp"
#include "requestor/store/manifest_fields.hpp"

namespace stillframe::requestor {
namespace {

using nlohmann::json;

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
  entry.source_ranges = read_ranges(reader, "source_ranges");
  entry.destination_ranges = read_ranges(reader, "destination_ranges");
  if (!is_stored_path(entry.root)) reader.fail("root", "must be an absolute path");
  if (!is_safe_relative(entry.relative)) reader.fail("relative", "must stay below its root");
  return entry;
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
               {"staged", journal.staged},
               {"entries", json::array()}};
  for (const JournalEntry& entry : journal.entries) {
    json object = {{"root", escape_path(entry.root)},
                   {"relative", escape_path(entry.relative)},
                   {"existed", entry.existed}};
    if (!entry.source.empty()) object["source"] = escape_path(entry.source);
    if (!entry.source_ranges.empty()) {
      object["source_ranges"] = write_ranges(entry.source_ranges);
      object["destination_ranges"] = write_ranges(entry.destination_ranges);
    }
    root["entries"].push_back(std::move(object));
  }
  return root.dump(1) + "\n";
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
    journal.staged = reader.flag("staged", false);
    std::size_t index = 0;
    for (const json& item : reader.array("entries")) {
      journal.entries.push_back(
          read_entry(item, "entries[" + std::to_string(index++) + "]", error));
      if (error) return *error;
    }
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
  const auto there = [](const BytePath& path) {
    struct stat info {};
    return lstat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
  };
  for (const auto& stale : placement.stale) {
    journal.entries.push_back({stale.root, stale.relative, "", true, {}, {}});
  }
  for (const PlacedFile& file : placement.files) {
    journal.entries.push_back({file.root, file.relative, file.stored->back().file->path,
                               there(file.path()), file.source_ranges, file.destination_ranges});
  }
  return journal;
}

Status write_journal(const BytePath& folder, const RestoreJournal& journal) {
  auto tree = Tree::open(folder);
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
  auto tree = Tree::open(folder);
  if (!tree.ok()) return tree.error();
  auto text = tree.value().read_text(kRestoreJournalName, kRestoreJournalBytesMax);
  if (!text.ok()) return text.error();
  return parse_restore_journal(text.value());
}

Status remove_journal(const BytePath& folder) {
  auto tree = Tree::open(folder);
  if (!tree.ok()) return tree.error();
  if (Status s = tree.value().remove_all(kRestoreJournalName); !s.ok()) return s;
  return tree.value().sync_directory("");
}

}  // namespace stillframe::requestor
