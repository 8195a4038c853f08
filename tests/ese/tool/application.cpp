#include "tests/ese/tool/application.hpp"

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>

#include "tests/ese/support/row_values.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::tool {

namespace {

constexpr std::size_t kRowBytes = 400;

void insert_rows(InstanceDatabase& database, OpenTransaction& transaction, int first, int last) {
  auto use = database.catalog().open_table(transaction, "rows");
  ASSERT_TRUE(use.ok()) << use.error().what();
  for (int id = first; id < last; ++id) {
    const Value bytes(kRowBytes, static_cast<std::byte>(id));
    const auto key = TableRows(use.value().table(), transaction)
                         .insert({{ColumnId{1}, {tests::little(id)}}, {ColumnId{256}, {bytes}}});
    ASSERT_TRUE(key.ok()) << key.error().what();
  }
}

}  // namespace

struct Application::Open {
  Session session;
  std::unique_ptr<OpenTransaction> transaction;
};

Application::Application(const std::string& folder) : folder_(folder) {
  std::filesystem::create_directories(logs());
}

void Application::start() {
  InstanceOptions options;
  options.logs = logs();
  options.log_bytes = 128 << 10;
  options.page_bytes = 4096;
  options.database_pages = 48;
  options.reserves = 0;
  options.background_pause = std::chrono::milliseconds(0);
  auto instance = Instance::start(*files_, options);
  ASSERT_TRUE(instance.ok()) << instance.error().what();
  instance_ = std::move(instance).value();
  const bool there = files_->exists(database());
  auto opened =
      there ? instance_->attach_database(database()) : instance_->create_database(database());
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  database_ = opened.value();
  if (there) return;
  auto session = instance_->open_session();
  const auto making = session.value().begin();
  TableSpec spec;
  spec.name = "rows";
  spec.columns = {{.name = "id", .type = ColumnType::long_int},
                  {.name = "bytes", .type = ColumnType::long_binary}};
  spec.indexes = {{.name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}}};
  {
    auto made = database_->catalog().create_table(*making, spec);
    ASSERT_TRUE(made.ok()) << made.error().what();
  }
  ASSERT_TRUE(making->commit().ok());
}

void Application::add_rows(int count) {
  auto session = instance_->open_session();
  const auto adding = session.value().begin();
  insert_rows(*database_, *adding, next_, next_ + count);
  ASSERT_TRUE(adding->commit().ok());
  next_ += count;
  rows_ += count;
}

void Application::add_open_rows(int count) {
  if (open_ == nullptr) {
    auto session = instance_->open_session();
    auto transaction = session.value().begin();
    open_ = std::make_shared<Open>(Open{std::move(session).value(), std::move(transaction)});
  }
  insert_rows(*database_, *open_->transaction, next_, next_ + count);
  next_ += count;
  open_rows_ += count;
}

void Application::end_open_rows(bool commit) {
  const Status ended = commit ? open_->transaction->commit() : open_->transaction->rollback();
  ASSERT_TRUE(ended.ok()) << ended.error().what();
  if (commit) rows_ += open_rows_;
  open_rows_ = 0;
  open_.reset();
}

void Application::finish_log() {
  ASSERT_TRUE(instance_->log().roll().ok());
}

void Application::stop() {
  const Status stopped = instance_->stop();
  ASSERT_TRUE(stopped.ok()) << stopped.error().what();
  instance_.reset();
}

void Application::kill() {
  open_.reset();
  open_rows_ = 0;
  instance_.reset();
}

}  // namespace stillframe::ese::tool
