#include "writers/ese/recovery/undo.hpp"

#include <string>

#include "writers/ese/format/page.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_parts.hpp"

namespace stillframe::ese {

namespace {

constexpr int kLevelsMax = 32;  // deeper than any tree of 32-bit page numbers

Error cannot(const RedoVersion& version, std::string_view database, const std::string& why) {
  return ese_error(EseErr::database_corrupted,
                   "'" + std::string(database) + "': the change at " + to_text(version.at) +
                       ", which was not committed, cannot be undone: " + why);
}

// The leaf that has the node, or would have it.
Result<PageRef> find_leaf(PageCache& cache, const RedoVersion& version, std::string_view database) {
  Pgno pgno = version.fdp;
  for (int level = 0; level < kLevelsMax; ++level) {
    auto page = cache.fix(version.dbid, pgno, LatchMode::exclusive);
    if (!page.ok()) return page.error();
    const PageView view(page.value().bytes());
    if (view.objid() != version.objid || view.has(kPageEmpty)) {
      return cannot(version, database,
                    "page " + std::to_string(static_cast<std::uint32_t>(pgno)) +
                        " is not of its tree any more");
    }
    if (view.leaf()) return page;
    if (view.lines() == 0) return cannot(version, database, "its tree has a page without pointers");
    pgno = view.child(line_to_descend(view, {version.key, version.bookmark_data}));
  }
  return cannot(version, database, "its tree has no leaves");
}

std::size_t find_line(const PageView& page, const RedoVersion& version) {
  std::size_t line = lower_bound_line(page, {version.key, {}});
  const auto same_key = [&] {
    return line < page.lines() && compare_keys(page.node(line).key, {version.key, {}}) == 0;
  };
  if (!page.has(kPageNonUnique)) return same_key() ? line : page.lines();
  for (; same_key(); ++line) {
    if (compare_bytes(page.data(line), version.bookmark_data) == 0) return line;
  }
  return page.lines();
}

}  // namespace

Status undo_version(PageCache& cache, const RedoVersion& version, Procid procid, Dbtime dbtime,
                    const LogUndo& log, std::string_view database) {
  if (version.deferred) {
    return cannot(version, database, "the log does not say what was before");
  }
  auto page = find_leaf(cache, version, database);
  if (!page.ok()) return page.error();
  const PageView view(page.value().bytes());
  const std::size_t line = find_line(view, version);
  if (line == view.lines()) return cannot(version, database, "its node is not there");

  UndoRecord record;
  record.node.page.procid = procid;
  record.node.page.trx = version.trx;
  record.node.page.level = version.level;
  record.node.page.flags = version.unique ? PageRecordHeader::kUnique : 0;
  record.node.page.page = page.value().pgno();
  record.node.page.dbid = version.dbid;
  record.node.page.dbtime = dbtime;
  record.node.page.before = view.dbtime();
  record.node.page.line = static_cast<std::uint16_t>(line);
  record.node.rceid = version.rceid;
  record.node.fdp = version.fdp;
  record.node.objid = version.objid;
  record.operation = static_cast<std::uint16_t>(version.change.oper);
  record.undo_level = version.level;
  const std::vector<std::byte> bytes = encode_record(record, {version.key, version.bookmark_data});
  const auto at = log(bytes);
  if (!at.ok()) return at.error();
  const LoggedRecord logged{bytes, at.value()};
  HeldPage held{page.value().pgno(), page.value().begin_change(at.value()), true};
  const ApplyContext context{.database = database, .undone = &version.change};
  const Status done = apply_change({&logged, 1}, {&held, 1}, context);
  page.value().end_change(at.value());
  return done;
}

}  // namespace stillframe::ese
