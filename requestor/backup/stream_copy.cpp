#include "requestor/backup/stream_copy.hpp"

#include "framework/base/path.hpp"
#include "framework/model/backup_type.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

// Closes a stream on every way out.
class OpenStream {
 public:
  OpenStream(BackupSession& session, const WriterInstanceId& writer, const StreamInfo& info)
      : session_(session), writer_(writer), info_(info) {}
  ~OpenStream() {
    if (!closed_) (void)session_.close_stream(writer_, info_.handle);
  }
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;

  Result<std::vector<std::byte>> next() {
    const std::size_t unit = info_.read_unit == 0 ? 1 : info_.read_unit;
    const std::size_t bytes = std::max(unit, kPieceBytes / unit * unit);
    return session_.read_stream(writer_, info_.handle, bytes);
  }
  Status close() {
    closed_ = true;
    return session_.close_stream(writer_, info_.handle);
  }

 private:
  BackupSession& session_;
  const WriterInstanceId writer_;
  const StreamInfo info_;
  bool closed_ = false;
};

Status stream_file(BackupSession& session, const StreamedComponent& component, const BytePath& path,
                   bool is_log, Copier& copier) {
  auto info = session.open_stream(component.writer, {component.component->name, path});
  if (!info.ok()) return info.error();
  OpenStream stream(session, component.writer, info.value());
  Status copied = copier.copy_stream(path, component.manifest_index, is_log, info.value().size,
                                     [&] { return stream.next(); });
  if (!copied.ok()) return copied;
  return stream.close();  // a writer may find out only now that what it sent was not good
}

// The names a file set has now. A stream has no directory to list, so patterns are expanded over
// the live one; what each file holds is the writer's business.
Result<std::vector<BytePath>> names_of(const FileSet& files, bool elsewhere) {
  auto expanded = expand_path(files.path, {});
  if (!expanded.ok()) return expanded.error();
  const BytePath folder = std::move(expanded).value();
  if (is_literal(files.pattern)) return std::vector<BytePath>{join_path(folder, files.pattern)};
  std::vector<BytePath> names;
  if (elsewhere)
    return Error(Errc::not_supported,
                 "which files of '" + escape_path(folder) + "' fit '" + files.pattern +
                     "' can be seen only on their own machine; back up from a snapshot instead");
  auto tree = Tree::open(folder);
  if (!tree.ok()) {
    if (tree.error().code() == Errc::not_found) return names;
    return tree.error();
  }
  auto entries = tree.value().list("");
  if (!entries.ok()) return entries.error();
  for (const auto& entry : entries.value()) {
    const bool regular = entry.kind == FileKind::regular;
    if (regular && matches_pattern(files.pattern, entry.name)) {
      names.push_back(join_path(folder, entry.name));
    }
  }
  return names;
}

}  // namespace

Result<LogList> stream_component(BackupSession& session, const StreamedComponent& component,
                                 Copier& copier) {
  for (const FileSet& files : component.component->files) {
    const bool logs_come_later = files.is_log && component.has_logs;
    if (logs_come_later || !takes_part(*component.component, files, component.type)) continue;
    auto names = names_of(files, component.elsewhere);
    if (!names.ok()) return names.error();
    for (const BytePath& path : names.value()) {
      Status copied = stream_file(session, component, path, files.is_log, copier);
      if (!copied.ok()) return copied.error().while_doing("streaming '" + escape_path(path) + "'");
    }
  }
  LogList none;
  none.low = 1;
  if (!component.has_logs) return none;
  auto logs = session.list_logs(component.writer, component.component->name);
  if (!logs.ok()) return logs.error();
  for (const LogFile& log : logs.value().files) {
    Status copied = stream_file(session, component, tidy_path(log.path), true, copier);
    if (!copied.ok()) {
      return copied.error().while_doing("streaming log '" + escape_path(log.path) + "'");
    }
  }
  return logs;
}

}  // namespace stillframe::requestor
