#include "writers/ese/ntds/contexts.hpp"

#include <utility>

namespace stillframe::ese::ntds {

namespace {

struct ContextTable {
  std::mutex mutex;
  std::uintptr_t last = 0;
  std::map<std::uintptr_t, std::shared_ptr<DsContext>> by_handle;
};

ContextTable& context_table() {
  static ContextTable* const table = new ContextTable;  // threads may be in calls at the exit
  return *table;
}

HBC add_to_table(std::shared_ptr<DsContext> context) {
  ContextTable& table = context_table();
  const std::lock_guard lock(table.mutex);
  table.by_handle.emplace(++table.last, std::move(context));
  return reinterpret_cast<HBC>(table.last);
}

}  // namespace

HBC add_context(std::unique_ptr<StagedBackup> backup, std::unique_ptr<StagedRestore> restore) {
  auto context = std::make_shared<DsContext>();
  context->backup = std::move(backup);
  context->restore = std::move(restore);
  return add_to_table(std::move(context));
}

HBC add_context(std::unique_ptr<ChannelSession> session) {
  auto context = std::make_shared<DsContext>();
  context->session = std::move(session);
  return add_to_table(std::move(context));
}

std::shared_ptr<DsContext> find_context(HBC handle) {
  ContextTable& table = context_table();
  const std::lock_guard lock(table.mutex);
  const auto found = table.by_handle.find(reinterpret_cast<std::uintptr_t>(handle));
  return found == table.by_handle.end() ? nullptr : found->second;
}

std::shared_ptr<DsContext> take_context(HBC handle) {
  ContextTable& table = context_table();
  const std::lock_guard lock(table.mutex);
  auto node = table.by_handle.extract(reinterpret_cast<std::uintptr_t>(handle));
  return node.empty() ? nullptr : std::move(node.mapped());
}

}  // namespace stillframe::ese::ntds
