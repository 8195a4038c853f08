// What an application with one database does: it adds rows to a table, and stops or is killed.
#pragma once

#include <memory>
#include <string>

#include "framework/io/files.hpp"
#include "writers/ese/instance/instance.hpp"

namespace stillframe::ese::tool {

class Application {
 public:
  // In `folder`, which has its logs in "logs" and the database "mail.edb".
  explicit Application(const std::string& folder);

  std::string logs() const { return folder_ + "/logs"; }
  std::string database() const { return folder_ + "/mail.edb"; }

  void start();
  // Commits the next so many rows.
  void add_rows(int count);
  // They are never committed; the transaction ends with the next kill, or in the end.
  void add_open_rows(int count);
  void end_open_rows(bool commit);
  void finish_log();
  void stop();
  // As a crash does.
  void kill();

  int rows() const { return rows_; }  // that are committed
  Instance& instance() { return *instance_; }

 private:
  struct Open;

  const std::string folder_;
  std::unique_ptr<Files> files_ = posix_files();
  std::unique_ptr<Instance> instance_;
  InstanceDatabase* database_ = nullptr;
  std::shared_ptr<Open> open_;
  int rows_ = 0, next_ = 0, open_rows_ = 0;
};

}  // namespace stillframe::ese::tool
