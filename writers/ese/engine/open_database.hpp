// What everything that works on one attached database shares.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <stillframe/result.hpp>

#include "writers/ese/engine/database_store.hpp"
#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/engine/node_name.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/engine/version_store.hpp"
#include "writers/ese/format/page.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Who makes a change, as log records say it.
struct Author {
  Procid procid{};
  Trx trx{};
  std::uint8_t level = 0;
  // Where its transaction begins in the log: redo carries out nothing of one whose begin it has not
  // read, so as long as a page of it is not in its file no checkpoint may be behind that.
  Lgpos begun{};
};

class OpenDatabase {
 public:
  // All of them outlive it. Attaches `store` to the cache as `id`.
  OpenDatabase(Dbid id, DatabaseStore& store, PageCache& cache, LogStream& log,
               VersionStore& versions, Dbtime last);
  ~OpenDatabase();
  OpenDatabase(const OpenDatabase&) = delete;
  OpenDatabase& operator=(const OpenDatabase&) = delete;

  const Dbid id;
  DatabaseStore& store;
  PageCache& cache;
  LogStream& log;
  VersionStore& versions;

  // The number of the next change; never given twice.
  Dbtime next_dbtime() noexcept { return Dbtime{dbtime_.fetch_add(1) + 1}; }
  Dbtime last_dbtime() const noexcept { return Dbtime{dbtime_.load()}; }

  // What is needed to undo the uncommitted changes of the page's nodes goes to the log, unless it
  // is there; up to where that has to be durable before the page is written. Recovery would find
  // the page changed and the old state gone. Asked with the page latched.
  Result<std::optional<Lgpos>> log_undo_of(Pgno pgno, Bytes page);

  // Trees say where their root is, for log records made by whoever sees a page alone.
  void know_tree(Objid objid, Pgno root);

 private:
  struct Place {
    Pgno pgno;
    PageView page;
    std::size_t line;
  };
  Result<std::optional<Lgpos>> log_undo_of(const Place& node);
  Result<Lgpos> log_undo_of(const Place& node, const Bookmark& bookmark,
                            const VersionStore::Pending& version);
  Pgno root_of(Objid objid);

  std::atomic<std::int64_t> dbtime_;
  std::mutex trees_mutex_;
  std::map<Objid, Pgno> trees_;
};

}  // namespace stillframe::ese
