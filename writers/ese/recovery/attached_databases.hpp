// Which databases a log speaks of, and where each takes part in it. The rules are the same for
// planning, which only looks, and for redo.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/log_attachments.hpp"
#include "writers/ese/format/log_header.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// A database that was copied while it was in use, with what its trailer says put into its header.
struct StreamedCopy {
  DatabaseHeader header;
  Pgno last{};  // its last page; behind it may be the trailer
};

// Where the databases are: the paths in a log are those of the machine that wrote it.
struct DatabasePlaces {
  static DatabasePlaces where_logged() {
    DatabasePlaces places;
    places.as_logged = true;
    return places;
  }

  bool as_logged = false;                   // this machine wrote the log: the paths in it are right
  BytePath directory;                       // else by the end of the logged path, case ignored
  std::map<std::string, BytePath> by_path;  // logged path -> file; comes first
  // Files that take part as the databases that they are, wherever the log says these were; comes
  // second. With any of these, a database that the log creates goes to the file of by_path that is
  // not there and whose logged path has the longest end in common with its own.
  std::vector<BytePath> by_signature;
  std::map<BytePath, BytePath> copies;  // file -> the copy that is used instead
  // Only what by_path names takes part, and these files of them are copies from a backup.
  bool named_only = false;
  std::map<BytePath, StreamedCopy> streamed;

  // The file for a logged path, whether it is there or not; empty if it shall not take part.
  // `made`: the log creates it.
  BytePath place(Files& files, const std::string& logged_path, const Signature& database,
                 bool made = false) const;
  // Its header as recovery knows it; none if there is no such file.
  Result<std::optional<HeaderFound>> header(Files& files, const BytePath& file) const;

 private:
  BytePath original(Files& files, const std::string& logged_path, const Signature& database,
                    bool made) const;
  BytePath named(Files& files, const std::string& logged_path, const Signature& database,
                 bool made) const;
};

// A database is attached: listed where the log begins, or by a record.
struct AttachEvent {
  enum class Kind { listed, attached, created } kind = Kind::attached;
  Dbid dbid{};
  std::string path;
  Lgpos at;          // of the record; of a listed one where it was attached
  Lgpos consistent;  // what its header says of its last clean state, if it is the right file
  Signature database, log;
  std::uint32_t page_bytes = 0;  // of the log
  bool can_create = false;       // the log says all that it takes to make the file
  Dbtime dbtime{};               // the newest at the time, as far as it is said
  Objid objid_last{};
};

struct KnownDatabase {
  std::string logged_path;
  BytePath file;
  std::optional<DatabaseHeader> header;  // none: there is no such file
  HeaderCopies copies = HeaderCopies::equal;
  std::string aside;  // why it does not take part, of the last time it was set aside
  bool attached = false;
  bool took_part = false;
  bool created = false;     // by the log, whatever the file has
  bool unfinished = false;  // it was being created when the log ended
  // There is no file for it, and so far the log has not detached it.
  std::optional<Dbid> absent_as;
  Lgpos attached_at;  // records behind this are for it
  Lgpos consistent;   // what the log says of it there
};

class AttachedDatabases {
 public:
  AttachedDatabases(Files& files, DatabasePlaces places)
      : files_(&files), places_(std::move(places)) {}

  // Whether the database takes part from here on; it is noted why if not. Errors for files that
  // must not be replayed, by name: a required generation before `generation` (543), a streamed
  // backup (544), another history (551), states that only other tools finish (1226, 1935).
  Status attach(const AttachEvent& event, Generation generation);
  // The log says that all of the database that it creates is there.
  void finish_creation(Dbid dbid);
  // The log says that it was shut down in good order at `consistent`.
  void detach(Dbid dbid, Lgpos consistent);
  void detach_all(Lgpos consistent);

  KnownDatabase* attached(Dbid dbid);
  std::vector<KnownDatabase>& all() { return known_; }
  const std::vector<KnownDatabase>& all() const { return known_; }

 private:
  Result<std::size_t> find_or_open(const AttachEvent& event);
  Status judge(KnownDatabase& database, const AttachEvent& event, Generation generation);
  void take(KnownDatabase& database, std::size_t index, const AttachEvent& event,
            Generation generation);
  void forget_absent(Dbid dbid);

  Files* files_;
  DatabasePlaces places_;
  std::vector<KnownDatabase> known_;
  std::map<Dbid, std::size_t> by_dbid_;
};

// Reads a database's header; none if there is no such file.
Result<std::optional<HeaderFound>> read_database_header(Files& files, const BytePath& path);

}  // namespace stillframe::ese
