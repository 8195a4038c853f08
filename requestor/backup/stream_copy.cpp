#include "requestor/backup/stream_copy.hpp"

#include <sys/stat.h>
#include <unistd.h>

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

// Who owns a file and who may read it are what they are of the live one, where that can be seen:
// restored by root, it has to be its application's again.
FileAttributes attributes_of(const BytePath& path, bool elsewhere) {
  FileAttributes attributes;
  attributes.mode = 0600;
  attributes.uid = ::geteuid();
  attributes.gid = ::getegid();
  struct stat live {};
  if (elsewhere || ::lstat(path.c_str(), &live) != 0 || !S_ISREG(live.st_mode)) return attributes;
  attributes.mode = live.st_mode & 0777;
  attributes.uid = live.st_uid;
  attributes.gid = live.st_gid;
  return attributes;
}

Status stream_file(BackupSession& session, const StreamedComponent& component, const BytePath& path,
                   bool is_log, Copier& copier) {
  auto info = session.open_stream(component.writer, {component.component->name, path});
  if (!info.ok()) return info.error();
  OpenStream stream(session, component.writer, info.value());
  const Copier::StreamedFile file{path, component.manifest_index, is_log, info.value().size,
                                  attributes_of(path, component.elsewhere)};
  Status copied = copier.copy_stream(file, [&] { return stream.next(); });
  if (!copied.ok()) {
    // A stream that ends early has a cause, which its writer knows.
    const Status closed = stream.close();
    return closed.ok() || copied.error().code() != Errc::truncated ? copied : closed;
  }
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

Status stream_data(BackupSession& session, const StreamedComponent& component, Copier& copier) {
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
  return Ok{};
}

Result<LogList> stream_logs(BackupSession& session, const StreamedComponent& component,
                            Copier& copier) {
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
