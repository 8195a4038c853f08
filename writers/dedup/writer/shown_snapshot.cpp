#include "writers/dedup/writer/shown_snapshot.hpp"

#include <utility>

#include <unistd.h>

#include "writers/dedup/writer/mounted_place.hpp"

namespace stillframe::dedup {

Result<std::unique_ptr<ShownSnapshot>> ShownSnapshot::make(const BytePath& tree,
                                                           const BytePath& place,
                                                           const BytePath& key_file) {
  if (Status s = make_own_place(place); !s.ok()) return s.error();
  auto volume = VolumeInSnapshot::open(tree, key_file);
  if (!volume.ok()) return volume.error();
  std::unique_ptr<ShownSnapshot> shown(new ShownSnapshot(place));
  shown->volume_ = std::move(volume).value();
  // Whoever copies is told of a file that cannot be read, and names it.
  auto view = shown->volume_->show(place, {});
  if (!view.ok()) return view.error();
  shown->view_ = std::move(view).value();
  shown->thread_ = std::thread([view = shown->view_.get()] { (void)view->run(); });
  return shown;
}

ShownSnapshot::~ShownSnapshot() {
  if (view_) view_->stop();
  if (thread_.joinable()) thread_.join();
  view_.reset();
  volume_.reset();
  (void)clear_own_place(place_);
  (void)::rmdir(place_.c_str());
}

}  // namespace stillframe::dedup
