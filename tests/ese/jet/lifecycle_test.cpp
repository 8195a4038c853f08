// An instance that begins and ends again and again leaves nothing behind in the process.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <malloc.h>

#include "tests/ese/jet/jet_application.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::ese::tests {
namespace {

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

std::size_t threads() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                    std::filesystem::directory_iterator()));
}

// What the program has allocated and not given back. A sanitizer's allocator has its own account,
// and looks for leaks at the end.
std::size_t allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void cycle(const JetFolder& folder, int turn) {
  JET_INSTANCE instance = small_instance(folder, "cycle");
  ASSERT_JET(JetInit(&instance));
  JET_SESID session = JET_sesidNil;
  ASSERT_JET(JetBeginSessionA(instance, &session, nullptr, nullptr));
  const std::string path = folder.file("one.edb");
  JET_DBID database = JET_dbidNil;
  JET_TABLEID table = JET_tableidNil;
  JET_COLUMNID column = 0;
  if (turn == 0) {
    ASSERT_JET(JetCreateDatabaseA(session, path.c_str(), nullptr, &database, 0));
    ASSERT_JET(JetCreateTableA(session, database, "rows", 1, 0, &table));
    JET_COLUMNDEF definition{};
    definition.cbStruct = sizeof definition;
    definition.coltyp = JET_coltypLong;
    ASSERT_JET(JetAddColumnA(session, table, "a", &definition, nullptr, 0, &column));
  } else {
    ASSERT_JET(JetAttachDatabaseA(session, path.c_str(), 0));
    ASSERT_JET(JetOpenDatabaseA(session, path.c_str(), nullptr, &database, 0));
    ASSERT_JET(JetOpenTableA(session, database, "rows", nullptr, 0, 0, &table));
    JET_COLUMNDEF told{};
    ASSERT_JET(JetGetTableColumnInfoA(session, table, "a", &told, sizeof told, JET_ColInfo));
    column = told.columnid;
  }
  ASSERT_JET(JetPrepareUpdate(session, table, JET_prepInsert));
  ASSERT_JET(JetSetColumn(session, table, column, &turn, sizeof turn, 0, nullptr));
  ASSERT_JET(JetUpdate(session, table, nullptr, 0, nullptr));
  // Every third one ends with all of it open, and the one after that without having begun.
  if (turn % 3 == 0) {
    ASSERT_JET(JetBeginTransaction(session));
  }
  ASSERT_JET(JetTerm(instance));
  if (turn % 3 == 1) {
    ASSERT_JET(JetTerm(small_instance(folder, "unused")));
  }
}

// 20 in CI, 1,000 in a soak run.
TEST(JetLifecycle, ACycleOfBeginningAndEndingLeaksNothing) {
  JetFolder folder;
  constexpr int kWarmUp = 5;
  const int cycles = static_cast<int>(stillframe::tests::scaled(20));
  std::size_t descriptors = 0, memory = 0, tasks = 0;
  for (int turn = 0; turn < kWarmUp + cycles; ++turn) {
    if (turn == kWarmUp) {
      descriptors = open_descriptors();
      memory = allocated();
      tasks = threads();
    }
    cycle(folder, turn);
    ASSERT_FALSE(HasFatalFailure()) << "in cycle " << turn;
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(threads(), tasks);
  // An instance takes megabytes; what the C library keeps for itself does not grow with the cycles.
  EXPECT_LT(allocated(), memory + (std::size_t{256} << 10));
}

}  // namespace
}  // namespace stillframe::ese::tests
