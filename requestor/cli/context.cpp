#include "requestor/cli/context.hpp"

namespace stillframe::cli {

Result<Connected> connect_client(Context& context) {
  auto connection = context.connect(context.invocation.global);
  if (!connection.ok()) return connection.error();
  Client client(connection.value().channel);
  return Connected{std::move(connection).value(), std::move(client)};
}

Result<std::vector<ComponentSelector>> selectors_of(const SelectionOptions& selection) {
  std::vector<ComponentSelector> selectors;
  for (const std::string& text : selection.components) {
    const auto colon = text.find(':');
    ComponentSelector selector;
    selector.policy = selection.policy;
    selector.options = selection.writer_options;
    selector.writer = colon == std::string::npos ? "" : text.substr(0, colon);
    selector.component = colon == std::string::npos ? text : text.substr(colon + 1);
    // push_back, because g++ 12 sees an overlap in assigning a literal here.
    if (selector.component.empty()) selector.component.push_back('*');
    selectors.push_back(std::move(selector));
  }
  if (selectors.empty()) {
    selectors.push_back({"", "*", selection.policy, selection.writer_options, {}});
  }
  return selectors;
}

Status prepare_selection(Context& context, BackupSession& session) {
  if (auto writers = session.gather(); !writers.ok()) return writers.error();
  if (!context.invocation.selection.no_writers) {
    auto selectors = selectors_of(context.invocation.selection);
    if (!selectors.ok()) return selectors.error();
    if (Status s = session.select(selectors.value()); !s.ok()) return s;
  }
  auto prepared = session.prepare();
  if (!prepared.ok()) return prepared.error();
  for (const WriterStatus& writer : prepared.value())
    for (const std::string& warning : writer.warnings) context.terminal.warning(warning);
  return Ok{};
}

BackupOptions backup_options_of(const Invocation& invocation, BackupType type) {
  BackupOptions options;
  options.type = type;
  options.bootable_system_state = invocation.backup.bootable;
  options.partial_file_support = true;
  options.chain_owner = invocation.backup.chain_owner;
  options.exclude_writers = invocation.selection.exclude;
  options.hold_limit = invocation.hold_limit;
  options.commit_limit = invocation.commit_limit;
  options.queue_wait = invocation.queue_wait;
  return options;
}

SnapshotOptions snapshot_options_of(const Invocation& invocation) {
  const SnapshotVerbOptions& wanted = invocation.snapshot;
  SnapshotOptions options;
  options.provider = invocation.selection.provider;
  options.extra_volumes = invocation.selection.volumes;
  options.policy = invocation.selection.policy;
  options.attributes.for_rollback = wanted.rollback;
  options.attributes.auto_recovery = !wanted.no_auto_recovery;
  options.attributes.differential = wanted.differential;
  options.attributes.clone = wanted.clone;
  return options;
}

}  // namespace stillframe::cli
