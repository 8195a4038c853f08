#include "tests/ese/jet/jet_application.hpp"

#include <cstdlib>
#include <filesystem>

namespace stillframe::ese::tests {

testing::AssertionResult jet_succeeds(const char* call, JET_ERR result) {
  if (result == JET_errSuccess) return testing::AssertionSuccess();
  char text[1000] = {};
  auto number = static_cast<JET_API_PTR>(static_cast<std::intptr_t>(result));
  JetGetSystemParameterA(JET_instanceNil, JET_sesidNil, JET_paramErrorToString, &number, text,
                         sizeof text);
  return testing::AssertionFailure() << call << " is " << result << ": " << text;
}

JetFolder::JetFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "jet.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

JetFolder::~JetFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

JET_INSTANCE small_instance(const JetFolder& folder, const char* name) {
  JET_INSTANCE instance = JET_instanceNil;
  EXPECT_JET(JetCreateInstanceA(&instance, name));
  const auto text = [&](std::uint32_t parameter, const std::string& value) {
    EXPECT_JET(JetSetSystemParameterA(&instance, JET_sesidNil, parameter, 0, value.c_str()));
  };
  const auto number = [&](std::uint32_t parameter, JET_API_PTR value) {
    EXPECT_JET(JetSetSystemParameterA(&instance, JET_sesidNil, parameter, value, nullptr));
  };
  text(JET_paramSystemPath, folder.path());
  text(JET_paramLogFilePath, folder.path());
  number(JET_paramLogFileSize, 128);
  number(JET_paramCircularLog, 1);
  number(JET_paramMaxSessions, 64);
  return instance;
}

JET_ERR init_telling(JET_INSTANCE* instance, JET_PFNSTATUS status) {
  JET_RSTINFO_A info{};
  info.cbStruct = sizeof info;
  info.pfnStatus = status;
  return JetInit3A(instance, &info, 0);
}

void JetApplication::SetUp() {
  instance_ = small_instance(folder_, "application");
  ASSERT_JET(JetInit(&instance_));
  ASSERT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
  ASSERT_JET(JetCreateDatabaseA(session_, folder_.file("one.edb").c_str(), nullptr, &database_, 0));
  make_table();
}

void JetApplication::TearDown() {
  if (instance_ != JET_instanceNil) {
    EXPECT_JET(JetTerm(instance_));
  }
}

void JetApplication::make_table() {
  char id[] = "id", number[] = "number", name[] = "name", note[] = "note", tags[] = "tags",
       total[] = "total", rows[] = "rows";
  char id_key[] = "+id\0", number_key[] = "+number\0", name_key[] = "+name\0";
  std::int32_t nothing = 0;
  JET_COLUMNCREATE_A columns[] = {
      {sizeof(JET_COLUMNCREATE_A), id, JET_coltypLong, 0, JET_bitColumnNotNULL, nullptr, 0, 0, 0,
       0},
      {sizeof(JET_COLUMNCREATE_A), number, JET_coltypLongLong, 0, 0, nullptr, 0, 0, 0, 0},
      {sizeof(JET_COLUMNCREATE_A), name, JET_coltypText, 100, 0, nullptr, 0, 1252, 0, 0},
      {sizeof(JET_COLUMNCREATE_A), note, JET_coltypLongBinary, 0, 0, nullptr, 0, 0, 0, 0},
      {sizeof(JET_COLUMNCREATE_A), tags, JET_coltypText, 100,
       JET_bitColumnTagged | JET_bitColumnMultiValued, nullptr, 0, 1252, 0, 0},
      {sizeof(JET_COLUMNCREATE_A), total, JET_coltypLong, 0, JET_bitColumnEscrowUpdate, &nothing,
       sizeof nothing, 0, 0, 0}};
  JET_INDEXCREATE_A indexes[3] = {};
  const auto index = [&](int i, char* its_name, char* key, std::uint32_t bytes, JET_GRBIT grbit) {
    indexes[i].cbStruct = sizeof indexes[i];
    indexes[i].szIndexName = its_name;
    indexes[i].szKey = key;
    indexes[i].cbKey = bytes;
    indexes[i].grbit = grbit;
    indexes[i].ulDensity = 80;
  };
  index(0, id, id_key, sizeof id_key, JET_bitIndexPrimary);
  index(1, number, number_key, sizeof number_key, JET_bitIndexUnique);
  index(2, name, name_key, sizeof name_key, 0);
  JET_TABLECREATE_A create{};
  create.cbStruct = sizeof create;
  create.szTableName = rows;
  create.ulPages = 1;
  create.ulDensity = 90;
  create.rgcolumncreate = columns;
  create.cColumns = 6;
  create.rgindexcreate = indexes;
  create.cIndexes = 3;
  ASSERT_JET(JetCreateTableColumnIndexA(session_, database_, &create));
  EXPECT_EQ(create.cCreated, 10U);
  rows_ = create.tableid;
  columns_ = {columns[0].columnid, columns[1].columnid, columns[2].columnid,
              columns[3].columnid, columns[4].columnid, columns[5].columnid};
}

JET_SESID JetApplication::new_session() {
  JET_SESID session = JET_sesidNil;
  EXPECT_JET(JetDupSession(session_, &session));
  JET_DBID database = JET_dbidNil;
  EXPECT_JET(JetOpenDatabaseA(session, folder_.file("one.edb").c_str(), nullptr, &database, 0));
  return session;
}

JET_TABLEID JetApplication::open_rows(JET_SESID session, JET_GRBIT grbit) {
  JET_TABLEID table = JET_tableidNil;
  EXPECT_JET(JetOpenTableA(session, database_, "rows", nullptr, 0, grbit, &table));
  return table;
}

JET_ERR JetApplication::try_insert(JET_SESID session, JET_TABLEID table, const RowColumns& columns,
                                   std::int32_t id, std::int64_t number, const std::string& name) {
  JET_ERR err = JetPrepareUpdate(session, table, JET_prepInsert);
  if (err < 0) return err;
  err = JetSetColumn(session, table, columns.id, &id, sizeof id, 0, nullptr);
  if (err < 0) return err;
  err = JetSetColumn(session, table, columns.number, &number, sizeof number, 0, nullptr);
  if (err < 0) return err;
  err = JetSetColumn(session, table, columns.name, name.data(),
                     static_cast<std::uint32_t>(name.size()), 0, nullptr);
  if (err < 0) return err;
  return JetUpdate(session, table, nullptr, 0, nullptr);
}

void JetApplication::insert(std::int32_t id, std::int64_t number, const std::string& name) {
  ASSERT_JET(try_insert(session_, rows_, columns_, id, number, name));
}

JET_ERR JetApplication::seek_id(JET_TABLEID table, std::int32_t id, JET_GRBIT how,
                                JET_SESID session) {
  if (session == 0) session = session_;
  const JET_ERR made = JetMakeKey(session, table, &id, sizeof id, JET_bitNewKey);
  return made < 0 ? made : JetSeek(session, table, how);
}

std::optional<std::int32_t> JetApplication::id_at(JET_TABLEID table, JET_SESID session) {
  std::int32_t id = 0;
  std::uint32_t bytes = 0;
  const JET_ERR read = JetRetrieveColumn(session == 0 ? session_ : session, table, columns_.id, &id,
                                         sizeof id, &bytes, 0, nullptr);
  if (read != JET_errSuccess || bytes != sizeof id) return std::nullopt;
  return id;
}

std::string JetApplication::text_at(JET_TABLEID table, JET_COLUMNID column, JET_GRBIT grbit) {
  char text[200] = {};
  std::uint32_t bytes = 0;
  const JET_ERR read =
      JetRetrieveColumn(session_, table, column, text, sizeof text, &bytes, grbit, nullptr);
  if (read == JET_wrnColumnNull) return "(null)";
  EXPECT_EQ(read, JET_errSuccess);
  return std::string(text, bytes);
}

std::vector<std::int32_t> JetApplication::ids_from_here(JET_TABLEID table) {
  std::vector<std::int32_t> ids;
  JET_ERR moved = JET_errSuccess;
  for (; moved == JET_errSuccess; moved = JetMove(session_, table, JET_MoveNext, 0)) {
    const auto id = id_at(table);
    if (!id) ADD_FAILURE() << "no id where the cursor is";
    if (!id) break;
    ids.push_back(*id);
  }
  EXPECT_EQ(moved, JET_errNoCurrentRecord);
  return ids;
}

std::vector<std::int32_t> JetApplication::all_ids(JET_TABLEID table) {
  const JET_ERR first = JetMove(session_, table, JET_MoveFirst, 0);
  if (first == JET_errNoCurrentRecord) return {};
  EXPECT_EQ(first, JET_errSuccess);
  return ids_from_here(table);
}

}  // namespace stillframe::ese::tests
