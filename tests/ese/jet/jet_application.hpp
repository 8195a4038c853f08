// A small application: a folder of its own, an instance, a session, a database with a table. It
// knows the C header and nothing of the engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <stillframe/ese/jet.h>

// Any result but success is a failure of the test, with the error's words.
#define ASSERT_JET(call) ASSERT_PRED_FORMAT1(stillframe::ese::tests::jet_succeeds, call)
#define EXPECT_JET(call) EXPECT_PRED_FORMAT1(stillframe::ese::tests::jet_succeeds, call)

namespace stillframe::ese::tests {

testing::AssertionResult jet_succeeds(const char* call, JET_ERR result);

// Goes with all that is in it.
class JetFolder {
 public:
  JetFolder();
  ~JetFolder();
  JetFolder(const JetFolder&) = delete;
  JetFolder& operator=(const JetFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// An instance of its own name in the folder, small and quick; not begun.
JET_INSTANCE small_instance(const JetFolder& folder, const char* name);

// Begins it, with `status` told of its recovery.
JET_ERR init_telling(JET_INSTANCE* instance, JET_PFNSTATUS status);

// Columns of the table "rows".
struct RowColumns {
  JET_COLUMNID id = 0, number = 0, name = 0, note = 0, tags = 0, total = 0;
};

// Runs an instance with one session, whose database has the table "rows" with the indexes "id"
// (primary), "number" (unique) and "name".
class JetApplication : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  void make_table();
  JET_SESID new_session();
  // A cursor of `session` on the table.
  JET_TABLEID open_rows(JET_SESID session, JET_GRBIT grbit = 0);

  // Inserts with a transaction of its own; the name is left null if it is empty.
  void insert(std::int32_t id, std::int64_t number, const std::string& name);
  static JET_ERR try_insert(JET_SESID session, JET_TABLEID table, const RowColumns& columns,
                            std::int32_t id, std::int64_t number, const std::string& name);
  JET_ERR seek_id(JET_TABLEID table, std::int32_t id, JET_GRBIT how = JET_bitSeekEQ,
                  JET_SESID session = 0);
  std::optional<std::int32_t> id_at(JET_TABLEID table, JET_SESID session = 0);
  std::string text_at(JET_TABLEID table, JET_COLUMNID column, JET_GRBIT grbit = 0);
  // The ids of all rows from here on, in the order of the cursor.
  std::vector<std::int32_t> ids_from_here(JET_TABLEID table);
  std::vector<std::int32_t> all_ids(JET_TABLEID table);

  JetFolder folder_;
  JET_INSTANCE instance_ = JET_instanceNil;
  JET_SESID session_ = JET_sesidNil;
  JET_DBID database_ = JET_dbidNil;
  JET_TABLEID rows_ = JET_tableidNil;
  RowColumns columns_;
};

}  // namespace stillframe::ese::tests
