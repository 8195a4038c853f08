#include "writers/dedup/engine/volume_in_snapshot.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "writers/dedup/engine/volume_making.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/overlaid_files.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {

Result<std::unique_ptr<VolumeInSnapshot>> VolumeInSnapshot::open(const BytePath& tree,
                                                                 const BytePath& key_file) {
  if (!may_read_marks()) {
    return Error(Errc::access_denied, "a deduplicated volume needs CAP_SYS_ADMIN: run as root");
  }
  auto root = open_directory(tree);
  if (!root.ok()) return root.error();
  std::unique_ptr<VolumeInSnapshot> volume(new VolumeInSnapshot(tree, std::move(root).value()));
  if (Status s = volume->load(key_file); !s.ok()) return s.error();
  return volume;
}

Status VolumeInSnapshot::load(const BytePath& key_file) {
  const BytePath own = "/proc/self/fd/" + std::to_string(root_.get()) + "/" + kVolumeFolder;
  if (!exists(join_path(own, kSettingsFileName))) {
    return Error(Errc::not_found, quoted_path(tree_) +
                                      " is no deduplicated volume, nor a snapshot of one as it is "
                                      "on its device");
  }
  if (exists(join_path(own, kRestoreRecordName))) {
    return Error(Errc::interlocked, quoted_path(tree_) +
                                        " was cut while a restore was under way: it is neither "
                                        "the old volume nor the new one");
  }
  below_ = posix_files();
  files_ = overlaid_files(*below_);
  auto settings = read_settings(*files_, join_path(own, kSettingsFileName));
  if (!settings.ok()) return settings.error();
  store_id_ = settings.value().store;
  if (!key_file.empty()) settings.value().key_file = key_file;
  const auto options = options_for_store(settings.value());
  if (!options.ok()) return options.error();
  auto store = chunkstore::Store::open(*files_, join_path(own, kStoreFolder), options.value());
  if (!store.ok()) return store.error();
  store_ = std::move(store).value();
  auto table = FileTable::open(*files_, own, store_id_);
  if (!table.ok()) return table.error();
  table_ = std::move(table).value();
  return Ok{};
}

Result<std::unique_ptr<View>> VolumeInSnapshot::show(const BytePath& place,
                                                     std::function<void(const Error&)> report) {
  Descriptor root(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  if (!root.valid()) return posix_error(errno, "open again", tree_);
  return View::mount(std::move(root), place, {*store_, *table_, store_id_}, std::move(report),
                     tree_, ViewAccess::read_only);
}

}  // namespace stillframe::dedup
