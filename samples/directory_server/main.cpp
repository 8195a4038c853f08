// A small directory: names, in one database of one instance. It shows a server that can be backed
// up while it runs, and restored while it does not.
//
//   directory_server DIR add NAME       online: stores a name
//   directory_server DIR list           online: prints all
//   directory_server DIR backup SET     online: a backup into the folder SET
//   directory_server DIR restore SET    restore mode: the files of SET come, to be recovered when
//                                       the server is online the next time
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <stillframe/ese/jet.h>
#include <stillframe/ntds/ntdsbcli.hpp>

namespace fs = std::filesystem;
namespace ntds = stillframe::ntds;

namespace {

constexpr const char* kServer = "directory";

int failed(const std::string& what) {
  std::fprintf(stderr, "directory_server: %s\n", what.c_str());
  return 1;
}

// The instance, from its creation. Until go_online() it is in restore mode.
class Directory {
 public:
  explicit Directory(const fs::path& folder) : database_((folder / "names.edb").string()) {
    fs::create_directories(folder);
    JetCreateInstanceA(&instance_, kServer);
    for (const std::uint32_t path : {JET_paramSystemPath, JET_paramLogFilePath}) {
      JetSetSystemParameterA(&instance_, JET_sesidNil, path, 0, folder.c_str());
    }
    JetSetSystemParameterA(&instance_, JET_sesidNil, JET_paramLogFileSize, 128, nullptr);
  }
  ~Directory() {
    if (instance_ != JET_instanceNil) JetTerm(instance_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // What was restored is recovered here; while a restore is not complete, this fails.
  bool go_online() {
    const JET_ERR err = JetInit(&instance_);
    if (err != JET_errSuccess) return complain(err);
    JetBeginSessionA(instance_, &session_, nullptr, nullptr);
    if (!fs::exists(database_)) return make_database();
    return good(JetAttachDatabaseA(session_, database_.c_str(), 0)) &&
           good(JetOpenDatabaseA(session_, database_.c_str(), nullptr, &dbid_, 0)) &&
           good(JetOpenTableA(session_, dbid_, "names", nullptr, 0, 0, &table_)) &&
           good(JetGetTableColumnInfoA(session_, table_, "name", &column_, sizeof column_,
                                       JET_ColInfo));
  }

  bool add(const std::string& name) {
    JetBeginTransaction(session_);
    return good(JetPrepareUpdate(session_, table_, JET_prepInsert)) &&
           good(JetSetColumn(session_, table_, column_.columnid, name.data(),
                             static_cast<std::uint32_t>(name.size()), 0, nullptr)) &&
           good(JetUpdate(session_, table_, nullptr, 0, nullptr)) &&
           good(JetCommitTransaction(session_, 0));
  }

  void list() {
    char name[256];
    for (JET_ERR at = JetMove(session_, table_, JET_MoveFirst, 0); at == JET_errSuccess;
         at = JetMove(session_, table_, JET_MoveNext, 0)) {
      std::uint32_t bytes = 0;
      JetRetrieveColumn(session_, table_, column_.columnid, name, sizeof name, &bytes, 0, nullptr);
      std::printf("%.*s\n", static_cast<int>(bytes), name);
    }
  }

 private:
  bool complain(JET_ERR err) {
    char text[1024] = {};
    auto number = static_cast<JET_API_PTR>(static_cast<std::intptr_t>(err));
    JetGetSystemParameterA(JET_instanceNil, JET_sesidNil, JET_paramErrorToString, &number, text,
                           sizeof text);
    failed(text);
    return false;
  }
  bool good(JET_ERR err) { return err >= JET_errSuccess || complain(err); }

  bool make_database() {
    const JET_COLUMNDEF text{sizeof(JET_COLUMNDEF), 0, JET_coltypText, 0, 0, 1252, 0, 255, 0};
    return good(JetCreateDatabaseA(session_, database_.c_str(), nullptr, &dbid_, 0)) &&
           good(JetCreateTableA(session_, dbid_, "names", 0, 100, &table_)) &&
           good(JetAddColumnA(session_, table_, "name", &text, nullptr, 0, &column_.columnid));
  }

  const std::string database_;
  JET_INSTANCE instance_ = JET_instanceNil;
  JET_SESID session_ = JET_sesidNil;
  JET_DBID dbid_ = JET_dbidNil;
  JET_TABLEID table_ = JET_tableidNil;
  JET_COLUMNDEF column_{};
};

// ---- Backup

stillframe::Status copy_into(ntds::Backup& backup, const std::vector<ntds::FileEntry>& files,
                             const fs::path& set) {
  for (const ntds::FileEntry& file : files) {
    std::ofstream to(set / fs::path(file.path).filename(), std::ios::binary);
    auto copied = backup.copy(file.path, [&](const char* bytes, std::size_t count) {
      return to.write(bytes, static_cast<std::streamsize>(count)).good();
    });
    if (!copied.ok()) return copied;
    if (!to.flush()) return stillframe::Error(stillframe::Errc::io, "the set cannot be written");
  }
  return stillframe::Ok{};
}

stillframe::Status back_up(const fs::path& set) {
  fs::create_directories(set);
  auto backup = ntds::Backup::prepare(kServer);
  if (!backup.ok()) return backup.error();
  auto databases = backup.value().databases();
  if (!databases.ok()) return databases.error();
  if (auto s = copy_into(backup.value(), databases.value(), set); !s.ok()) return s;
  auto logs = backup.value().logs();
  if (!logs.ok()) return logs.error();
  if (auto s = copy_into(backup.value(), logs.value(), set); !s.ok()) return s;
  std::ofstream(set / "token", std::ios::binary) << backup.value().token();
  if (auto s = backup.value().truncate_logs(); !s.ok()) return s;
  return backup.value().end();
}

// ---- Restore

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct LogNumbers {
  std::uint32_t low = UINT32_MAX, high = 0;
};

// From names such as edb0000A.log.
LogNumbers numbers_of(const fs::path& set) {
  LogNumbers numbers;
  for (const auto& entry : fs::directory_iterator(set)) {
    if (entry.path().extension() != ".log") continue;
    const auto number =
        static_cast<std::uint32_t>(std::stoul(entry.path().stem().string().substr(3), nullptr, 16));
    numbers.low = std::min(numbers.low, number);
    numbers.high = std::max(numbers.high, number);
  }
  return numbers;
}

// Between the registration and its completion, whatever becomes of this process: the server stays
// down until a restore was completed.
void put_in_place(const fs::path& folder, const fs::path& set) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != "restore.env") fs::remove(entry.path());
  }
  fs::copy_file(set / "names.edb", folder / "names.edb");
}

stillframe::Status restore(const fs::path& folder, const fs::path& set) {
  auto restore = ntds::Restore::prepare(kServer, contents(set / "token"));
  if (!restore.ok()) return restore.error();
  const LogNumbers logs = numbers_of(set);
  const std::string database = (folder / "names.edb").string();
  auto registered = restore.value().register_restore(
      folder.string(), folder.string(), {{database, database}}, set.string(), logs.low, logs.high);
  if (!registered.ok()) return registered;
  try {
    put_in_place(folder, set);
  } catch (const fs::filesystem_error& error) {
    auto told = restore.value().complete(hrError);
    return told.ok() ? stillframe::Error(stillframe::Errc::io, error.what()) : told;
  }
  return restore.value().complete(hrNone);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return failed("usage: directory_server DIR add NAME | list | backup SET | restore SET");
  const fs::path folder = fs::absolute(argv[1]);
  const std::string verb = argv[2], argument = argc > 3 ? argv[3] : "";
  Directory directory(folder);
  stillframe::Status done = stillframe::Ok{};
  if (verb == "restore") {
    done = restore(folder, fs::absolute(argument));
  } else if (!directory.go_online()) {
    return 1;
  } else if (verb == "list") {
    directory.list();
  } else if (verb == "add") {
    return directory.add(argument) ? 0 : 1;
  } else if (verb == "backup") {
    done = back_up(fs::absolute(argument));
  } else if (verb == "restore-online") {  // what a server that runs says to that
    done = restore(folder, fs::absolute(argument));
  } else {
    return failed("there is no '" + verb + "'");
  }
  return done.ok() ? 0 : failed(done.error().what());
}
