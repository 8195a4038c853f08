#include "tests/ese/writer/hosted_rows.hpp"

#include <algorithm>

#include "tests/ese/support/row_values.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr std::size_t kRowBytes = 300;

InstanceOptions options_in(const std::string& folder) {
  std::filesystem::create_directories(folder + "/logs");
  InstanceOptions options;
  options.logs = folder + "/logs";
  options.log_bytes = 128 << 10;
  options.page_bytes = 4096;
  options.database_pages = 48;
  options.reserves = 0;
  options.background_pause = std::chrono::milliseconds(0);
  return options;
}

}  // namespace

HostedRows::HostedRows(const std::string& folder)
    : folder_(folder), hosted_(*files_, options_in(folder), {database(0), database(1)}) {}

void HostedRows::create() {
  const Status opened = hosted_.open();
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  const auto instance = hosted_.get();
  for (const BytePath& path : hosted_.databases()) {
    auto session = instance->open_session();
    const auto making = session.value().begin();
    TableSpec spec;
    spec.name = "rows";
    spec.columns = {{.name = "id", .type = ColumnType::long_int},
                    {.name = "bytes", .type = ColumnType::long_binary}};
    spec.indexes = {{.name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}}};
    {
      auto made = instance->find_database(path)->catalog().create_table(*making, spec);
      ASSERT_TRUE(made.ok()) << made.error().what();
    }
    ASSERT_TRUE(making->commit().ok());
  }
}

void HostedRows::add_rows(int count) {
  const auto instance = hosted_.get();
  for (const BytePath& path : hosted_.databases()) {
    auto session = instance->open_session();
    const auto adding = session.value().begin();
    {
      auto use = instance->find_database(path)->catalog().open_table(*adding, "rows");
      ASSERT_TRUE(use.ok()) << use.error().what();
      for (int id = next_; id < next_ + count; ++id) {
        const Value bytes(kRowBytes, static_cast<std::byte>(id));
        const auto key = TableRows(use.value().table(), *adding)
                             .insert({{ColumnId{1}, {little(id)}}, {ColumnId{256}, {bytes}}});
        ASSERT_TRUE(key.ok()) << key.error().what();
      }
    }
    ASSERT_TRUE(adding->commit().ok());
  }
  next_ += count;
}

std::size_t HostedRows::finished_logs() {
  const auto finished = archived_logs(*files_, logs(), "edb");
  return finished.ok() ? finished.value().size() : 0;
}

void HostedRows::expect_rows_each(int one, int two) {
  const Status closed = hosted_.close();
  ASSERT_TRUE(closed.ok()) << closed.error().what();
  for (int which = 0; which < 2; ++which) {
    const auto verified = tool::esectl({"verify", "--json", database(which)}).json();
    EXPECT_EQ(verified["verdict"], "good") << verified;
    const auto tables = tool::esectl({"tables", "--json", database(which)}).json();
    EXPECT_EQ(tables["tables"][0]["rows"], which == 0 ? one : two) << database(which);
  }
  const Status opened = hosted_.open();
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  next_ = std::max(one, two);
}

void HostedRows::crash() {
  hosted_.let_go();
  const Status opened = hosted_.open();
  ASSERT_TRUE(opened.ok()) << opened.error().what();
}

}  // namespace stillframe::ese::tests
