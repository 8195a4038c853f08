#include "writers/dedup/engine/volume_making.hpp"

#include <string>
#include <utility>

#include "framework/base/config.hpp"
#include "framework/base/path.hpp"
#include "framework/chunkstore/store.hpp"
#include "writers/dedup/volume/file_table.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

// What is chosen once, for a store that is there: whether it is encrypted, too.
Status expect_store(Files& files, const BytePath& store, const chunkstore::StoreOptions& options,
                    std::optional<chunkstore::ChunkProfile> wanted) {
  const auto opened = chunkstore::Store::open(files, store, options);
  if (!opened.ok()) return opened.error();
  if (!wanted || opened.value()->profile() == *wanted) return Ok{};
  return Error(Errc::wrong_state,
               "the store was made for chunks of another size, which is not changed later: leave "
               "the size out, or unoptimize the volume and make a new one");
}

// `again`: what is there was left by one that was interrupted.
Status make_parts(Files& files, const BytePath& folder, const UuidBytes& id,
                  chunkstore::ChunkProfile profile, const std::optional<chunkstore::Key256>& key,
                  bool again) {
  const auto accept = [&](const Status& made) {
    const bool there = !made.ok() && made.error().code() == Errc::already_exists;
    return there && again ? Status(Ok{}) : made;
  };
  const BytePath store = folder + "/" + kStoreFolder;
  if (Status s = files.make_directory(store); !s.ok()) return s;
  if (Status s = accept(chunkstore::Store::create(files, store, profile, key)); !s.ok()) {
    return s;
  }
  return accept(FileTable::create(files, folder, id));
}

Status remove_if_there(Files& files, const BytePath& path) {
  return files.exists(path) ? files.remove(path) : Status(Ok{});
}

// What was there, or this: written beside it and renamed.
Status replace_text(Files& files, const BytePath& path, const std::string& text) {
  const BytePath beside = path + ".new";
  if (Status s = remove_if_there(files, beside); !s.ok()) return s;
  const auto file = files.create(beside);
  if (!file.ok()) return file.error();
  const Bytes bytes(reinterpret_cast<const std::byte*>(text.data()), text.size());
  if (Status s = file.value()->write(0, bytes); !s.ok()) return s;
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = files.rename(beside, path); !s.ok()) return s;
  return files.sync_directory(parent_path(path));
}

}  // namespace

Result<chunkstore::StoreOptions> options_for_store(const VolumeSettings& settings) {
  chunkstore::StoreOptions options;
  if (settings.key_file.empty()) return options;
  auto key = chunkstore::read_key_file(settings.key_file);
  if (!key.ok()) return key.error();
  options.key = std::move(key).value();
  return options;
}

Status change_volume_key(Files& files, const BytePath& folder, const BytePath& key_file) {
  const BytePath path = folder + "/" + kSettingsFileName, store = folder + "/" + kStoreFolder;
  auto settings = read_settings(files, path);
  if (!settings.ok()) return settings.error();
  if (settings.value().key_file.empty()) {
    return Error(Errc::wrong_state, "the volume is not encrypted: it has no key to change");
  }
  const auto after = chunkstore::read_key_file(key_file);
  if (!after.ok()) return after.error();
  // One that was interrupted has the new key already, and perhaps the old file is gone.
  if (!chunkstore::unlock_store(files, store, after.value()).ok()) {
    const auto before = chunkstore::read_key_file(settings.value().key_file);
    if (!before.ok()) return before.error();
    const Status changed = chunkstore::change_key_file(files, store, before.value(), after.value());
    if (!changed.ok()) return changed;
  }
  settings.value().key_file = key_file;
  return replace_text(files, path, format_settings(settings.value()));
}

Result<VolumeSettings> read_settings(Files& files, const BytePath& path) {
  if (!files.exists(path)) return Error(Errc::not_found, quoted_path(path) + " is not there");
  const auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  if (size.value() > kConfigBytesMax) {
    return Error(Errc::limit_reached, quoted_path(path) + " is too long for settings");
  }
  std::string text(size.value(), '\0');
  const MutableBytes into(reinterpret_cast<std::byte*>(text.data()), text.size());
  if (Status s = file.value()->read(0, into); !s.ok()) return s.error();
  return parse_settings(text);
}

Status make_volume(Files& files, const BytePath& folder, std::optional<VolumeSettings> wanted,
                   std::optional<chunkstore::ChunkProfile> profile) {
  const BytePath settings_file = folder + "/" + kSettingsFileName;
  const BytePath unfinished = settings_file + ".unfinished";
  const bool enabled_before = files.exists(settings_file);
  const bool wanted_key = wanted && !wanted->key_file.empty();
  const auto before = read_settings(files, enabled_before ? settings_file : unfinished);
  if (!before.ok() && before.error().code() != Errc::not_found) return before.error();
  VolumeSettings settings = wanted        ? *std::move(wanted)
                            : before.ok() ? before.value()
                                          : VolumeSettings{};
  if (before.ok()) settings.store = before.value().store;
  if (before.ok() && settings.key_file.empty()) settings.key_file = before.value().key_file;
  const auto options = options_for_store(settings);
  if (!options.ok()) return options.error();
  // The settings come last, and their id first: one that was interrupted is finished, and the files
  // of a volume that lost its settings are not taken for such.
  if (!enabled_before) {
    if (Status s = replace_text(files, unfinished, format_settings(settings)); !s.ok()) return s;
    const Status made =
        make_parts(files, folder, settings.store, profile.value_or(chunkstore::ChunkProfile::kib64),
                   options.value().key, before.ok());
    if (!made.ok()) return made;
  }
  // Of one that was there, or that was interrupted when it had a store.
  if (profile || wanted_key) {
    const Status same = expect_store(files, folder + "/" + kStoreFolder, options.value(), profile);
    if (!same.ok()) return same;
  }
  if (Status s = replace_text(files, settings_file, format_settings(settings)); !s.ok()) return s;
  for (const BytePath& gone : {unfinished, folder + "/" + kDisabledFileName}) {
    if (Status s = remove_if_there(files, gone); !s.ok()) return s;
  }
  if (Status s = files.sync_directory(folder); !s.ok()) return s;
  return files.sync_directory(parent_path(folder));
}

}  // namespace stillframe::dedup
