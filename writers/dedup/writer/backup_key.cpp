#include "writers/dedup/writer/backup_key.hpp"

#include <nlohmann/json.hpp>

#include "framework/base/byte_text.hpp"
#include "framework/base/path.hpp"
#include "framework/base/sha256.hpp"
#include "framework/chunkstore/store_key.hpp"
#include "framework/io/files.hpp"
#include "framework/model/json_parse.hpp"
#include "writers/dedup/engine/volume_making.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::size_t kBackedUpTextBytesMax = std::size_t{64} << 10;

std::string text_member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Result<BackedUpStore> store_of_volume(const BytePath& own) {
  const auto files = posix_files();
  const auto settings = read_settings(*files, join_path(own, kSettingsFileName));
  if (!settings.ok()) return settings.error();
  BackedUpStore about;
  about.store = uuid_to_string(settings.value().store);
  about.key_file = settings.value().key_file;
  if (!about.encrypted()) return about;
  const auto record = chunkstore::read_store_key(*files, join_path(own, kStoreFolder));
  if (!record.ok()) return record.error();
  about.key = to_hex(record.value().key_file);
  return about;
}

std::string format_backed_up_store(const BackedUpStore& store) {
  nlohmann::json text{{"store", store.store}};
  if (store.encrypted()) {
    text["key_file"] = escape_bytes(store.key_file);
    text["key"] = store.key;
  }
  return text.dump();
}

BackedUpStore parse_backed_up_store(std::string_view metadata) {
  BackedUpStore about;
  const auto json = parse_json_text(metadata, kBackedUpTextBytesMax);
  if (!json.ok() || !json.value().is_object()) return about;
  about.store = text_member(json.value(), "store");
  const auto key_file = unescape_bytes(text_member(json.value(), "key_file"));
  if (key_file.ok()) about.key_file = key_file.value();
  about.key = text_member(json.value(), "key");
  return about;
}

Status expect_key_file(const BackedUpStore& store, const BytePath& key_file) {
  const std::string next =
      ": restore with --writer-options '\"Key File\"=\"PATH\"', or say "
      "key_file in the writer's configuration";
  const auto key = chunkstore::read_key_file(key_file);
  if (!key.ok()) {
    return Error(key.error().code(), "the backup is encrypted, and its key file is needed: " +
                                         key.error().what() + next);
  }
  const std::string given = to_hex(chunkstore::identity_of(key.value()));
  if (store.key.empty() || given == store.key) return Ok{};
  return Error(Errc::access_denied, "the key file " + quoted_path(key_file) +
                                        " is not that of the backup: it is " + given +
                                        ", and the backup was encrypted with " + store.key + next);
}

}  // namespace stillframe::dedup
