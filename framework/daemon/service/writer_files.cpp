#include "framework/daemon/service/writer_files.hpp"

#include "framework/base/path.hpp"

namespace stillframe::daemon {
namespace {

using coordinator::DeclaredFiles;

Result<std::optional<Unreadable>> look(BrokerClient* broker, const PeerCredentials& user,
                                       const BytePath& root, bool in_snapshot,
                                       const std::vector<FilePlace>& places) {
  if (broker != nullptr) return broker->find_unreadable(user, root, places);
  return find_unreadable(user, root, in_snapshot ? LinksIn::refused : LinksIn::followed, places);
}

Error refusal(const WriterLink& writer, const BytePath& root, bool in_snapshot,
              const DeclaredFiles& files, const Unreadable& found) {
  const BytePath path = join_path(root, found.path);
  return {Errc::access_denied,
          "writer " + writer.identity().name + ", component " + files.component +
              ": its user, uid " + std::to_string(writer.credentials().uid) + ", cannot read '" +
              escape_path(path) + "'" + (in_snapshot ? " of the snapshot" : "") + " (" + found.why +
              ") and may not have others read it; let that user read it, take it out of the "
              "component, or allow the writer any_files in stillframe.toml"};
}

// What cannot be found out is not allowed.
Error undecided(const WriterLink& writer, const Error& why) {
  const bool no_right = why.code() == Errc::not_supported;
  return {why.code(),
          "writer " + writer.identity().name + ": whether its user, uid " +
              std::to_string(writer.credentials().uid) +
              ", can read its files cannot be found out: " + why.what() +
              (no_right ? "; run stillframed as root or with a broker, or allow the writer "
                          "any_files in stillframe.toml"
                        : "")};
}

void tell_refused(EventSink& audit, const WriterLink& writer, const Error& error) {
  EventRecord event;
  event.id = kEventDenied;
  event.source = "audit";
  event.level = EventLevel::warning;
  event.message = error.what();
  event.fields = {{"method", "declare"},
                  {"writer", writer.identity().name},
                  {"uid", std::to_string(writer.credentials().uid)},
                  {"pid", std::to_string(writer.credentials().pid)},
                  {"outcome", std::string(to_string(error.code()))}};
  event.when = system_clock().wall_now();
  audit.emit(event);
}

Status check(BrokerClient* broker, const WriterLink& writer, const BytePath& root, bool in_snapshot,
             const std::vector<DeclaredFiles>& files) {
  std::vector<FilePlace> places;
  for (const DeclaredFiles& one : files) {
    const bool absolute = !one.directory.empty() && one.directory.front() == '/';
    places.push_back({one.directory.substr(absolute ? 1 : 0), one.pattern, one.recursive});
  }
  auto found = look(broker, writer.credentials(), root, in_snapshot, places);
  if (!found.ok()) return undecided(writer, found.error());
  if (!found.value()) return Ok{};
  if (found.value()->place >= files.size())
    return undecided(writer, Error(Errc::corrupt, "the broker answered about no place of ours"));
  return refusal(writer, root, in_snapshot, files[found.value()->place], *found.value());
}

}  // namespace

coordinator::FileRules writer_file_rules(const SharedPolicy& policy, BrokerClient* broker,
                                         EventSink& audit) {
  coordinator::FileRules rules;
  rules.apply_to = [&policy](const WriterLink& writer) {
    return !policy.get()->may_declare_any(writer.credentials(), writer.identity());
  };
  rules.check = [broker, &audit](const WriterLink& writer, const BytePath& root, bool in_snapshot,
                                 const std::vector<DeclaredFiles>& files) {
    Status verdict = check(broker, writer, root, in_snapshot, files);
    if (!verdict.ok()) tell_refused(audit, writer, verdict.error());
    return verdict;
  };
  return rules;
}

}  // namespace stillframe::daemon
