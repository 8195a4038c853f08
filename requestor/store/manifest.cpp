#include "requestor/store/manifest.hpp"

#include "framework/model/enum_names.hpp"
#include "requestor/store/manifest_fields.hpp"

namespace stillframe::requestor {
namespace {

using nlohmann::json;

constexpr std::string_view kKinds[] = {"regular",          "directory",    "symlink", "fifo",
                                       "character_device", "block_device", "socket"};
constexpr std::string_view kOrigins[] = {"snapshot", "live", "stream"};

std::string hex_of(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

std::optional<std::string> bytes_of_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && bytes_of_hex(text).has_value();
}

json write_ranges(const std::vector<ByteRange>& ranges) {
  json list = json::array();
  for (const ByteRange& range : ranges) list.push_back({range.offset, range.length});
  return list;
}

json write_attributes(const FileAttributes& attributes) {
  json object = {{"mode", attributes.mode},
                 {"uid", attributes.uid},
                 {"gid", attributes.gid},
                 {"modified_ns", attributes.modified_ns},
                 {"accessed_ns", attributes.accessed_ns}};
  if (!attributes.xattrs.empty()) {
    json& xattrs = object["xattrs"] = json::object();
    for (const auto& [name, value] : attributes.xattrs) xattrs[escape_path(name)] = hex_of(value);
  }
  return object;
}

bool is_device(FileKind kind) {
  return kind == FileKind::character_device || kind == FileKind::block_device;
}

json write_file(const ManifestFile& file) {
  json object = {{"path", escape_path(file.path)},
                 {"kind", kKinds[static_cast<int>(file.kind)]},
                 {"origin", kOrigins[static_cast<int>(file.origin)]},
                 {"components", file.components},
                 {"attributes", write_attributes(file.attributes)}};
  if (file.kind == FileKind::regular) {
    object["size"] = file.size;
    object["sha256"] = file.sha256;
  }
  if (file.kind == FileKind::symlink) object["link_target"] = escape_path(file.link_target);
  if (is_device(file.kind)) object["device"] = {file.device_major, file.device_minor};
  if (file.link_group != 0) object["link_group"] = file.link_group;
  if (file.is_log) object["is_log"] = true;
  if (file.partial) object["ranges"] = write_ranges(file.ranges);
  if (!file.extents.empty()) object["extents"] = write_ranges(file.extents);
  return object;
}

json write_component(const ManifestComponent& component) {
  json object = {{"writer_class", component.writer_class.to_string()},
                 {"instance_name", component.instance_name},
                 {"logical_path", component.name.logical_path},
                 {"name", component.name.name},
                 {"succeeded", component.succeeded}};
  if (!component.failure.empty()) object["failure"] = component.failure;
  if (component.log_low <= component.log_high) {
    object["logs"] = {{"low", component.log_low}, {"high", component.log_high}};
  }
  for (const CompleteFiles& files : component.complete) {
    object["complete"].push_back({{"path", escape_path(files.path)},
                                  {"pattern", escape_path(files.pattern)},
                                  {"recursive", files.recursive}});
  }
  for (const BytePath& path : component.kept) object["kept"].push_back(escape_path(path));
  if (component.base) {
    object["base"] = {{"backup", component.base->backup.to_string()},
                      {"stamp", component.base->stamp},
                      {"owner", component.base->owner}};
  }
  return object;
}

// ---- reading

template <class Enum, std::size_t N>
Enum read_name(FieldReader& reader, const char* field, const std::string_view (&names)[N]) {
  const std::string text = reader.text(field);
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  reader.fail(field, "has the unknown value '" + text + "'");
  return Enum{};
}

// Ranges must rise and not touch bytes twice, else two readers could disagree about the content.
std::vector<ByteRange> read_ranges(FieldReader& reader, const char* field, std::uint64_t size) {
  std::vector<ByteRange> ranges;
  std::uint64_t end = 0;
  for (const json& item : reader.array(field)) {
    const bool shaped = item.is_array() && item.size() == 2 && item[0].is_number_unsigned() &&
                        item[1].is_number_unsigned();
    if (!shaped) {
      reader.fail(field, "must hold pairs of whole numbers");
      return {};
    }
    const ByteRange range{item[0].get<std::uint64_t>(), item[1].get<std::uint64_t>()};
    if (range.length == 0 || range.offset < end || range.offset > size ||
        range.length > size - range.offset) {
      reader.fail(field, "must rise, not overlap and end within the file");
      return {};
    }
    end = range.offset + range.length;
    ranges.push_back(range);
  }
  return ranges;
}

FileAttributes read_attributes(FieldReader& parent) {
  FileAttributes attributes;
  const json* object = parent.at("attributes");
  if (object == nullptr) return attributes;
  FieldReader reader(*object, parent.where() + ".attributes", parent.first_error());
  constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
  attributes.mode = static_cast<std::uint32_t>(reader.number("mode", 07777));
  attributes.uid = static_cast<std::uint32_t>(reader.number("uid", kMax32));
  attributes.gid = static_cast<std::uint32_t>(reader.number("gid", kMax32));
  attributes.modified_ns = reader.signed_number("modified_ns");
  attributes.accessed_ns = reader.signed_number("accessed_ns");
  if (reader.failed() || !reader.has("xattrs")) return attributes;
  const json& xattrs = *reader.at("xattrs");
  if (!xattrs.is_object()) reader.fail("xattrs", "must be an object");
  if (reader.failed()) return attributes;
  for (const auto& [name, value] : xattrs.items()) {
    auto bytes = unescape_path(name);
    auto content = value.is_string() ? bytes_of_hex(value.get<std::string>()) : std::nullopt;
    if (!bytes.ok() || bytes.value().empty() || !content) {
      reader.fail("xattrs", "must map escaped names to hexadecimal text");
      return attributes;
    }
    attributes.xattrs[bytes.value()] = *content;
  }
  return attributes;
}

void read_regular(FieldReader& reader, ManifestFile& file) {
  file.size = reader.number("size", std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  file.sha256 = reader.text("sha256");
  if (!is_sha256(file.sha256)) reader.fail("sha256", "must be 64 lower-case hexadecimal digits");
  if (reader.has("ranges")) {
    file.partial = true;
    file.ranges = read_ranges(reader, "ranges", file.size);
  }
  if (reader.has("extents")) file.extents = read_ranges(reader, "extents", file.size);
}

void read_device(FieldReader& reader, ManifestFile& file) {
  constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
  const json& pair = reader.array("device");
  const bool shaped = pair.size() == 2 && pair[0].is_number_unsigned() &&
                      pair[1].is_number_unsigned() && pair[0].get<std::uint64_t>() <= kMax32 &&
                      pair[1].get<std::uint64_t>() <= kMax32;
  if (!shaped) return reader.fail("device", "must be a major and a minor number");
  file.device_major = pair[0].get<std::uint32_t>();
  file.device_minor = pair[1].get<std::uint32_t>();
}

ManifestFile read_file(const json& object, const std::string& where, std::size_t components,
                       std::optional<Error>& error) {
  FieldReader reader(object, where, error);
  ManifestFile file;
  file.path = reader.path("path");
  if (!is_stored_path(file.path)) {
    reader.fail("path", "must be absolute, without '.', '..' or empty parts");
  }
  file.kind = read_name<FileKind>(reader, "kind", kKinds);
  file.origin = read_name<FileOrigin>(reader, "origin", kOrigins);
  for (const json& index : reader.array("components")) {
    if (!index.is_number_unsigned() || index.get<std::uint64_t>() >= components) {
      reader.fail("components", "must hold indices of the manifest's components");
      return file;
    }
    file.components.push_back(index.get<std::uint32_t>());
  }
  file.attributes = read_attributes(reader);
  if (file.kind == FileKind::regular) read_regular(reader, file);
  if (file.kind == FileKind::symlink) {
    file.link_target = reader.path("link_target");
    if (file.link_target.empty()) reader.fail("link_target", "must not be empty");
  }
  if (is_device(file.kind)) read_device(reader, file);
  if (reader.has("link_group")) file.link_group = reader.number("link_group");
  file.is_log = reader.flag("is_log", false);
  return file;
}

void read_complete(FieldReader& reader, ManifestComponent& component, std::optional<Error>& error) {
  for (const json& item : reader.array("complete", true)) {
    FieldReader files(item, reader.where() + ".complete", error);
    CompleteFiles& complete = component.complete.emplace_back();
    complete.path = files.path("path");
    complete.pattern = files.path("pattern");
    complete.recursive = files.flag("recursive", false);
    if (files.failed()) return;
  }
  for (const json& item : reader.array("kept", true)) {
    auto path = item.is_string() ? unescape_path(item.get<std::string>())
                                 : Result<BytePath>(Error(Errc::corrupt, "no text"));
    if (!path.ok() || !is_stored_path(path.value())) {
      return reader.fail("kept", "must hold absolute paths");
    }
    component.kept.push_back(std::move(path).value());
  }
}

ManifestComponent read_component(const json& object, const std::string& where,
                                 std::optional<Error>& error) {
  FieldReader reader(object, where, error);
  ManifestComponent component;
  component.writer_class = reader.id<WriterClassId>("writer_class");
  component.instance_name = reader.text("instance_name");
  component.name = {reader.text("logical_path"), reader.text("name")};
  component.succeeded = reader.flag("succeeded", false);
  component.failure = reader.text_or_empty("failure");
  if (!reader.failed() && reader.has("logs")) {
    FieldReader logs(*reader.at("logs"), where + ".logs", error);
    component.log_low = logs.number("low");
    component.log_high = logs.number("high");
    if (component.log_low > component.log_high) logs.fail("low", "must not be above high");
  }
  if (!reader.failed()) read_complete(reader, component, error);
  if (reader.failed() || !reader.has("base")) return component;
  FieldReader base(*reader.at("base"), where + ".base", error);
  component.base = ChainBase{base.id<BackupId>("backup"), base.text("stamp"), base.text("owner")};
  return component;
}

ManifestDocument read_document(const json& object, const std::string& where,
                               std::optional<Error>& error) {
  FieldReader reader(object, where, error);
  ManifestDocument document;
  document.path = reader.text("path");
  document.kind = reader.text("kind");
  document.size = reader.number("size");
  document.sha256 = reader.text("sha256");
  if (!is_sha256(document.sha256)) reader.fail("sha256", "must be 64 hexadecimal digits");
  if (!document.path.starts_with("documents/") || !is_stored_path("/" + document.path)) {
    reader.fail("path", "must lie in documents/");
  }
  return document;
}

Status check_version(const json& root) {
  std::optional<Error> error;
  FieldReader reader(root, "manifest", error);
  if (reader.text("format") != "stillframe-backup-set") reader.fail("format", "is not ours");
  const auto* version = reader.at("version");
  if (error) return *error;
  FieldReader numbers(*version, "manifest.version", error);
  const std::uint64_t major = numbers.number("major");
  numbers.number("minor");
  if (error) return *error;
  if (major > kManifestMajor) {
    return Error(Errc::future_version, "manifest: written by a newer program (version " +
                                           std::to_string(major) + ", this one reads up to " +
                                           std::to_string(kManifestMajor) +
                                           "); use a newer stillframe");
  }
  return Ok{};
}

Status check_order(const std::vector<ManifestFile>& files) {
  for (std::size_t i = 1; i < files.size(); ++i) {
    if (files[i - 1].path < files[i].path) continue;
    return Error(Errc::corrupt,
                 "manifest: '" + escape_path(files[i].path) + "' is out of order or there twice");
  }
  return Ok{};
}

Result<BackupManifest> read_manifest(const json& root) {
  if (Status version = check_version(root); !version.ok()) return version.error();
  std::optional<Error> error;
  FieldReader reader(root, "manifest", error);
  BackupManifest manifest;
  manifest.backup = reader.id<BackupId>("backup");
  manifest.session = reader.id<SessionId>("session");
  manifest.set = reader.id<SetId>("set");
  auto type = parse_enum<BackupType>(reader.text("type"));
  if (!type.ok()) reader.fail("type", "is no backup type");
  if (type.ok()) manifest.type = type.value();
  manifest.host = reader.text("host");
  manifest.created = WallTime(Duration(reader.signed_number("created_ns")));
  std::size_t index = 0;
  for (const json& item : reader.array("components")) {
    manifest.components.push_back(
        read_component(item, "components[" + std::to_string(index++) + "]", error));
    if (error) return *error;
  }
  index = 0;
  for (const json& item : reader.array("documents")) {
    manifest.documents.push_back(
        read_document(item, "documents[" + std::to_string(index++) + "]", error));
    if (error) return *error;
  }
  index = 0;
  for (const json& item : reader.array("files")) {
    manifest.files.push_back(read_file(item, "files[" + std::to_string(index++) + "]",
                                       manifest.components.size(), error));
    if (error) return *error;
  }
  if (error) return *error;
  if (Status order = check_order(manifest.files); !order.ok()) return order.error();
  return manifest;
}

}  // namespace

std::string_view to_string(FileKind kind) noexcept {
  return kKinds[static_cast<int>(kind)];
}

std::string to_json(const BackupManifest& manifest) {
  json root = {{"format", "stillframe-backup-set"},
               {"version", {{"major", kManifestMajor}, {"minor", kManifestMinor}}},
               {"backup", manifest.backup.to_string()},
               {"session", manifest.session.to_string()},
               {"set", manifest.set.to_string()},
               {"type", enum_name(manifest.type)},
               {"host", manifest.host},
               {"created_ns", manifest.created.since_epoch().count()},
               {"components", json::array()},
               {"documents", json::array()},
               {"files", json::array()}};
  for (const auto& component : manifest.components) {
    root["components"].push_back(write_component(component));
  }
  for (const auto& document : manifest.documents) {
    root["documents"].push_back({{"path", document.path},
                                 {"kind", document.kind},
                                 {"size", document.size},
                                 {"sha256", document.sha256}});
  }
  for (const auto& file : manifest.files) root["files"].push_back(write_file(file));
  return root.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<BackupManifest> parse_manifest(std::string_view text) {
  if (text.size() > kManifestBytesMax) {
    return Error(Errc::limit_reached, "manifest: larger than " + std::to_string(kManifestBytesMax) +
                                          " bytes; split the backup");
  }
  try {
    const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (root.is_discarded()) return Error(Errc::corrupt, "manifest: not JSON");
    return read_manifest(root);
  } catch (const std::exception& error) {
    return Error(Errc::corrupt, std::string("manifest: ") + error.what());
  }
}

}  // namespace stillframe::requestor
