// Databases come and go: create, attach, open, close, detach.
#include <filesystem>

#include "framework/base/path.hpp"
#include "writers/ese/jet/file_info.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr std::uint32_t kHeaderPages = 2;

Error option_error(JET_GRBIT grbit, JET_GRBIT known, const char* call) {
  return (grbit & ~known) != 0
             ? jet_error(JET_errInvalidGrbit, std::string(call) + " has no such option")
             : jet_error(JET_errFeatureNotAvailable,
                         std::string(call) + " was asked for what is not offered");
}

Status check_outside(const JetSession& session) {
  if (session.level() == 0) return Ok{};
  return jet_error(JET_errInTransaction, "databases come and go outside of transactions");
}

Result<BytePath> path_of(const std::string& name) {
  if (name.empty()) return jet_error(JET_errInvalidParameter, "no database is named");
  return absolute_path(name);
}

Status check_limit(std::uint32_t pages_most) {
  if (pages_most == 0) return Ok{};
  return jet_error(JET_errFeatureNotAvailable, "databases grow without a limit");
}

Answer create(JetSession& session, const std::string& name, std::uint32_t pages_most,
              JET_DBID* dbid, JET_GRBIT grbit) {
  constexpr JET_GRBIT kKnown =
      JET_bitDbOverwriteExisting | JET_bitDbRecoveryOff | JET_bitDbShadowingOff;
  if (dbid == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  if ((grbit & ~JET_bitDbOverwriteExisting) != 0) {
    return option_error(grbit, kKnown, "JetCreateDatabase");
  }
  if (Status s = check_limit(pages_most); !s.ok()) return s.error();
  if (Status s = check_outside(session); !s.ok()) return s.error();
  const auto path = path_of(name);
  if (!path.ok()) return path.error();
  std::error_code failed;
  if (!std::filesystem::is_directory(parent_path(path.value()), failed)) {
    return jet_error(JET_errInvalidPath,
                     "there is no folder for '" + escape_path(path.value()) + "'");
  }
  const bool overwrite = (grbit & JET_bitDbOverwriteExisting) != 0;
  const auto made =
      session.instance().databases().create(session.handle(), path.value(), overwrite);
  if (!made.ok()) return made.error();
  *dbid = made.value();
  return success();
}

Answer attach(JetSession& session, const std::string& name, std::uint32_t pages_most,
              JET_GRBIT grbit) {
  // No index that is made here depends on the sorting of one system, so none is ever corrupt by it.
  constexpr JET_GRBIT kNothingToDo = JET_bitDbDeleteCorruptIndexes | JET_bitDbDeleteUnicodeIndexes;
  constexpr JET_GRBIT kKnown = kNothingToDo | JET_bitDbReadOnly | JET_bitDbUpgrade;
  if ((grbit & ~kNothingToDo) != 0) return option_error(grbit, kKnown, "JetAttachDatabase");
  if (Status s = check_limit(pages_most); !s.ok()) return s.error();
  if (Status s = check_outside(session); !s.ok()) return s.error();
  const auto path = path_of(name);
  return path.ok() ? session.instance().databases().attach(path.value()) : path.error();
}

Answer detach(JetSession& session, const std::string& name, bool all, JET_GRBIT grbit) {
  if (grbit == JET_bitForceDetach || grbit == JET_bitForceCloseAndDetach) {
    return jet_error(JET_errForceDetachNotAllowed, "a database is closed before it is detached");
  }
  if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetDetachDatabase has no such option");
  if (Status s = check_outside(session); !s.ok()) return s.error();
  Databases& databases = session.instance().databases();
  if (all) return answer_of(databases.detach_all());
  const auto path = path_of(name);
  return path.ok() ? answer_of(databases.detach(path.value())) : path.error();
}

Answer open(JetSession& session, const std::string& name, JET_DBID* dbid, JET_GRBIT grbit) {
  constexpr JET_GRBIT kKnown = JET_bitDbExclusive | JET_bitDbReadOnly;
  if (dbid == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  if ((grbit & ~JET_bitDbExclusive) != 0) return option_error(grbit, kKnown, "JetOpenDatabase");
  const auto path = path_of(name);
  if (!path.ok()) return path.error();
  const bool exclusive = (grbit & JET_bitDbExclusive) != 0;
  const auto opened =
      session.instance().databases().open(session.handle(), path.value(), exclusive);
  if (!opened.ok()) return opened.error();
  *dbid = opened.value();
  return success();
}

Answer close(JetSession& session, JET_DBID dbid, JET_GRBIT grbit) {
  if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetCloseDatabase has no options");
  return answer_of(session.close_database(dbid));
}

template <class Char>
Answer info(JetSession& session, JET_DBID dbid, void* result, std::uint32_t bytes,
            std::uint32_t level) {
  const auto found = session.instance().databases().find_open(session.handle(), dbid);
  if (!found.ok()) return found.error();
  InstanceDatabase& database = *found.value();
  const DatabaseHeader header = database.header();
  switch (level) {
    case JET_DbInfoFilename:
      if (copy_text(database.path(), static_cast<Char*>(result), bytes)) return success();
      return jet_error(JET_errBufferTooSmall, "the database's name is longer");
    case JET_DbInfoFilesize: {
      const auto pages = static_cast<std::uint32_t>(database.store().last_page()) + kHeaderPages;
      return answer_of(put_value(pages, result, bytes));
    }
    case JET_DbInfoPageSize:
      return answer_of(put_value(static_cast<std::uint32_t>(header.page_size()), result, bytes));
    case JET_DbInfoFileType:
      return answer_of(put_value(std::uint32_t{JET_filetypeDatabase}, result, bytes));
    case JET_DbInfoMisc:
      return answer_of(fill_database_info(header, result, bytes));
    default:
      return jet_error(JET_errInvalidParameter, "databases are not told of on this level");
  }
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetCreateDatabaseA(JET_SESID sesid, JET_PCSTR szFilename, JET_PCSTR,
                                   JET_DBID* pdbid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return create(session, utf8(szFilename), 0, pdbid, grbit);
  });
}
JET_ERR JET_API JetCreateDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename, JET_PCWSTR,
                                   JET_DBID* pdbid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return create(session, utf8(szFilename), 0, pdbid, grbit);
  });
}
JET_ERR JET_API JetCreateDatabase2A(JET_SESID sesid, JET_PCSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_DBID* pdbid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return create(session, utf8(szFilename), cpgDatabaseSizeMax, pdbid, grbit);
  });
}
JET_ERR JET_API JetCreateDatabase2W(JET_SESID sesid, JET_PCWSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_DBID* pdbid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return create(session, utf8(szFilename), cpgDatabaseSizeMax, pdbid, grbit);
  });
}
JET_ERR JET_API JetAttachDatabaseA(JET_SESID sesid, JET_PCSTR szFilename, JET_GRBIT grbit) {
  return in_session(
      sesid, [&](JetSession& session) { return attach(session, utf8(szFilename), 0, grbit); });
}
JET_ERR JET_API JetAttachDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename, JET_GRBIT grbit) {
  return in_session(
      sesid, [&](JetSession& session) { return attach(session, utf8(szFilename), 0, grbit); });
}
JET_ERR JET_API JetAttachDatabase2A(JET_SESID sesid, JET_PCSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return attach(session, utf8(szFilename), cpgDatabaseSizeMax, grbit);
  });
}
JET_ERR JET_API JetAttachDatabase2W(JET_SESID sesid, JET_PCWSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return attach(session, utf8(szFilename), cpgDatabaseSizeMax, grbit);
  });
}
JET_ERR JET_API JetDetachDatabaseA(JET_SESID sesid, JET_PCSTR szFilename) {
  return in_session(sesid, [&](JetSession& session) {
    return detach(session, utf8(szFilename), szFilename == nullptr, 0);
  });
}
JET_ERR JET_API JetDetachDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename) {
  return in_session(sesid, [&](JetSession& session) {
    return detach(session, utf8(szFilename), szFilename == nullptr, 0);
  });
}
JET_ERR JET_API JetDetachDatabase2A(JET_SESID sesid, JET_PCSTR szFilename, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return detach(session, utf8(szFilename), szFilename == nullptr, grbit);
  });
}
JET_ERR JET_API JetDetachDatabase2W(JET_SESID sesid, JET_PCWSTR szFilename, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) {
    return detach(session, utf8(szFilename), szFilename == nullptr, grbit);
  });
}
JET_ERR JET_API JetOpenDatabaseA(JET_SESID sesid, JET_PCSTR szFilename, JET_PCSTR, JET_DBID* pdbid,
                                 JET_GRBIT grbit) {
  return in_session(
      sesid, [&](JetSession& session) { return open(session, utf8(szFilename), pdbid, grbit); });
}
JET_ERR JET_API JetOpenDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename, JET_PCWSTR,
                                 JET_DBID* pdbid, JET_GRBIT grbit) {
  return in_session(
      sesid, [&](JetSession& session) { return open(session, utf8(szFilename), pdbid, grbit); });
}
JET_ERR JET_API JetGetDatabaseInfoA(JET_SESID sesid, JET_DBID dbid, void* pvResult, uint32_t cbMax,
                                    uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info<char>(session, dbid, pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetGetDatabaseInfoW(JET_SESID sesid, JET_DBID dbid, void* pvResult, uint32_t cbMax,
                                    uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info<char16_t>(session, dbid, pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetCloseDatabase(JET_SESID sesid, JET_DBID dbid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) { return close(session, dbid, grbit); });
}

}  // extern "C"
