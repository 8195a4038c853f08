#include "writers/ese/engine/open_database.hpp"

#include <utility>
#include <vector>

#include "writers/ese/engine/node_name.hpp"
#include "writers/ese/format/record_page.hpp"

namespace stillframe::ese {

OpenDatabase::OpenDatabase(Dbid db, DatabaseStore& pages, PageCache& page_cache,
                           LogStream& log_stream, VersionStore& version_store, Dbtime last)
    : id(db),
      store(pages),
      cache(page_cache),
      log(log_stream),
      versions(version_store),
      dbtime_(static_cast<std::int64_t>(last)) {
  store.ask_before_write([this](Pgno pgno, Bytes page) { return log_undo_of(pgno, page); });
  cache.attach(id, store);
}

OpenDatabase::~OpenDatabase() {
  cache.detach(id);
  store.ask_before_write({});
}

void OpenDatabase::know_tree(Objid objid, Pgno root) {
  const std::lock_guard lock(trees_mutex_);
  trees_[objid] = root;
}

Pgno OpenDatabase::root_of(Objid objid) {
  const std::lock_guard lock(trees_mutex_);
  const auto found = trees_.find(objid);
  return found == trees_.end() ? Pgno::null : found->second;
}

Result<std::optional<Lgpos>> OpenDatabase::log_undo_of(Pgno pgno, Bytes bytes) {
  const PageView page(bytes);
  std::optional<Lgpos> last;
  if (!page.leaf() || page.has(kPageSpace)) return last;
  if (versions.none_pending()) return last;
  const NodeTable nodes(page);
  for (std::size_t line = 0; line < nodes.size(); ++line) {
    if ((nodes[line].flags & kNodeVersion) == 0) continue;
    const auto logged = log_undo_of({pgno, page, line});
    if (!logged.ok()) return logged.error();
    if (logged.value() && (!last || *last < *logged.value())) last = logged.value();
  }
  return last;
}

Result<std::optional<Lgpos>> OpenDatabase::log_undo_of(const Place& node) {
  const auto& [pgno, page, line] = node;
  const Bookmark bookmark = bookmark_of(page, line);
  const JoinedName joined(bookmark.view());
  const NodeName name{id, page.objid(), joined.bytes()};
  std::optional<Lgpos> last;
  for (const VersionStore::Pending& version : versions.pending(name)) {
    // A commit that is not durable yet may be lost, and what to undo it with is not logged any
    // more.
    Lgpos at = version.by->committed() ? log.end() : version.undo_info;
    if (at.none()) {
      const auto logged = log_undo_of(node, bookmark, version);
      if (!logged.ok()) return logged.error();
      at = logged.value();
      versions.set_undo_info(name, version.rceid, at);
    }
    if (!last || *last < at) last = at;
  }
  return last;
}

Result<Lgpos> OpenDatabase::log_undo_of(const Place& node, const Bookmark& bookmark,
                                        const VersionStore::Pending& version) {
  const PageView& page = node.page;
  UndoInfoRecord info;
  info.node = {
      {version.by->session(), id, node.pgno, page.dbtime(), Dbtime::nil, version.by->begun(), 0,
       static_cast<std::uint16_t>(node.line), PageRecordHeader::kVersioned},
      version.rceid,
      root_of(page.objid()),
      page.objid()};
  info.operation = static_cast<std::uint16_t>(version.change.oper);
  const auto appended = log.append(encode_record(info, {Bytes(bookmark.key), Bytes(bookmark.data),
                                                        Bytes(version.change.old_data)}),
                                   LogRoom::reserve);
  return appended.ok() ? Result<Lgpos>(appended.value().at) : appended.error();
}

}  // namespace stillframe::ese
