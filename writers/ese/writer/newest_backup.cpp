#include "writers/ese/writer/newest_backup.hpp"

#include <span>

#include "framework/base/path.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kStampBytesMax = 256;

BytePath stamp_file(const InstancePlaces& places) {
  return join_path(places.logs, places.base + ".stamp");
}

}  // namespace

std::string read_stamp(Files& files, const InstancePlaces& places) {
  const auto bytes = read_whole(files, stamp_file(places), kStampBytesMax);
  if (!bytes.ok()) return {};
  return {reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()};
}

Status write_stamp(Files& files, const InstancePlaces& places, const std::string& stamp) {
  const BytePath path = stamp_file(places), fresh = path + ".new";
  if (files.exists(fresh)) {
    if (Status s = files.remove(fresh); !s.ok()) return s;
  }
  auto file = files.create(fresh);
  if (!file.ok()) return file.error();
  if (Status s = file.value()->write(0, std::as_bytes(std::span(stamp))); !s.ok()) return s;
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = files.rename(fresh, path); !s.ok()) return s;
  return files.sync_directory(places.logs);
}

Status remove_stamp(Files& files, const InstancePlaces& places) {
  const BytePath path = stamp_file(places);
  return files.exists(path) ? files.remove(path) : Status(Ok{});
}

}  // namespace stillframe::ese
