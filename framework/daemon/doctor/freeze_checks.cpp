#include "framework/daemon/doctor/freeze_checks.hpp"

#include <cerrno>
#include <filesystem>

#include <linux/magic.h>
#include <sys/vfs.h>

#include "framework/base/posix_error.hpp"
#include "framework/base/service_command.hpp"
#include "framework/io/file.hpp"
#include "framework/io/volumes.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "framework/providers/guard/helper_path.hpp"

namespace stillframe::daemon {
namespace {

namespace fs = std::filesystem;

std::string mount_points(const guard::HeldRecord& record) {
  std::string text;
  for (const auto& held : record.file_systems)
    text += (text.empty() ? "" : ", ") + escape_path(held.mount_point);
  return text;
}

std::string thaw_command(const BytePath& directory, const BytePath& helper_dir) {
  const auto guard = find_helper("stillframe-guard", helper_dir);
  return shell_word(guard.ok() ? guard.value() : "stillframe-guard") + " thaw " +
         shell_word(directory);
}

void check_record(const BytePath& path, const std::string& thaw, Findings& findings) {
  auto text = read_file(path, guard::kHeldRecordBytesMax);
  // Its pair thawed and took it away while we looked.
  if (!text.ok() && text.error().code() == Errc::not_found) return;
  auto record =
      text.ok() ? guard::parse_held_record(text.value()) : Result<guard::HeldRecord>(text.error());
  if (!record.ok()) {
    findings.push_back({Severity::problem, "hold.unreadable", escape_path(path),
                        "is no record of a hold: " + record.error().what(),
                        "something else wrote it, or a newer version did",
                        "rm " + shell_word(path)});
    return;
  }
  const guard::HeldRecord& held = record.value();
  if (held.boot_id != guard::this_boot_id()) return;  // holds nothing; the next start removes it
  if (guard::is_running(held.client)) return;
  if (guard::is_running(held.keeper) || guard::is_running(held.holder)) return;  // they thaw now
  findings.push_back({Severity::problem, "hold.left", mount_points(held),
                      "may still be frozen: " + escape_path(path) + " lists it",
                      "process " + std::to_string(held.client.pid) +
                          ", which held it, and both of its guards were killed",
                      thaw});
}

// A reboot thaws everything, so it has to empty this folder too.
void check_emptied_by_reboot(const BytePath& directory, Findings& findings) {
  struct statfs info {};
  if (::statfs(directory.c_str(), &info) != 0 || info.f_type == TMPFS_MAGIC) return;
  findings.push_back({Severity::note, "hold.records_on_disk", escape_path(directory),
                      "lies on no tmpfs",
                      "a hold's record is written to a disk, which takes longer and may be the one "
                      "that is held; [daemon] runtime_dir says where",
                      ""});
}

}  // namespace

void check_held_records(const BytePath& directory, const BytePath& helper_dir, Findings& findings) {
  const std::string thaw = thaw_command(directory, helper_dir);
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end;
       it.increment(failure))
    if (it->path().filename().native().front() != '.')
      check_record(it->path().native(), thaw, findings);
  if (failure && failure != std::errc::no_such_file_or_directory)
    findings.push_back({Severity::note, "hold.unseen", escape_path(directory),
                        posix_error(failure.value(), "cannot look into", directory).what(),
                        "only its owner and root may", ""});
  check_emptied_by_reboot(directory, findings);
}

void check_journal_place(const BytePath& state_dir, Findings& findings) {
  const auto directory = VolumeDirectory::read();
  if (!directory.ok()) return;  // the list of volumes says so
  const auto located = directory.value().locate(state_dir);
  if (!located.ok() || located.value().volume.backing_image.empty()) return;
  findings.push_back({Severity::warning, "journal.may_be_held", escape_path(state_dir),
                      "lies on " + escape_path(located.value().volume.mount_point) +
                          ", a file system in the image " +
                          escape_path(located.value().volume.backing_image),
                      "the image provider freezes such a file system while it cuts, so none on it "
                      "can be cut without waiting for the journal",
                      "set [daemon] state_dir to a folder on another file system"});
}

}  // namespace stillframe::daemon
