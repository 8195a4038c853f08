#include "requestor/remote/mover_frame.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "framework/base/byte_text.hpp"
#include "framework/base/path.hpp"
#include "requestor/store/manifest_fields.hpp"

namespace stillframe::requestor {
namespace {

using nlohmann::json;

constexpr std::uint32_t kModeMax = 07777;
constexpr std::uint32_t kU32Max = std::numeric_limits<std::uint32_t>::max();

constexpr std::array kVerbs = {
    std::pair{MoverVerb::list, "list"},         std::pair{MoverVerb::stat, "stat"},
    std::pair{MoverVerb::describe, "describe"}, std::pair{MoverVerb::file, "file"},
    std::pair{MoverVerb::read, "read"},         std::pair{MoverVerb::stream, "stream"}};

constexpr std::array kKinds = {
    FileKind::regular,          FileKind::directory,    FileKind::symlink, FileKind::fifo,
    FileKind::character_device, FileKind::block_device, FileKind::socket};

bool is_known(std::uint8_t kind) {
  switch (static_cast<MoverFrame>(kind)) {
    case MoverFrame::ticket:
    case MoverFrame::request:
    case MoverFrame::answer:
    case MoverFrame::error:
    case MoverFrame::part:
    case MoverFrame::data:
    case MoverFrame::end:
      return true;
  }
  return false;
}

FileKind read_kind(FieldReader& reader, const char* name) {
  const std::string text = reader.text(name);
  for (const FileKind kind : kKinds)
    if (to_string(kind) == text) return kind;
  reader.fail(name, "is no kind of file");
  return FileKind::regular;
}

json write_ranges(const std::vector<ByteRange>& ranges) {
  json list = json::array();
  for (const ByteRange& range : ranges) list.push_back({range.offset, range.length});
  return list;
}

std::vector<ByteRange> read_ranges(FieldReader& reader, const char* name) {
  std::vector<ByteRange> ranges;
  for (const json& one : reader.array(name, true)) {
    const bool good = one.is_array() && one.size() == 2 && one[0].is_number_unsigned() &&
                      one[1].is_number_unsigned();
    if (!good) {
      reader.fail(name, "must be a list of pairs");
      break;
    }
    ranges.push_back({one[0].get<std::uint64_t>(), one[1].get<std::uint64_t>()});
  }
  return ranges;
}

json write_attributes(const FileAttributes& attributes) {
  json object = {{"mode", attributes.mode},
                 {"uid", attributes.uid},
                 {"gid", attributes.gid},
                 {"modified_ns", attributes.modified_ns},
                 {"accessed_ns", attributes.accessed_ns}};
  json& xattrs = object["xattrs"] = json::object();
  for (const auto& [name, value] : attributes.xattrs)
    xattrs[escape_bytes(name)] = escape_bytes(value);
  return object;
}

FileAttributes read_attributes_of(const json& object, std::optional<Error>& error) {
  FieldReader reader(object, "attributes", error);
  FileAttributes attributes;
  attributes.mode = static_cast<std::uint32_t>(reader.number("mode", kModeMax));
  attributes.uid = static_cast<std::uint32_t>(reader.number("uid", kU32Max));
  attributes.gid = static_cast<std::uint32_t>(reader.number("gid", kU32Max));
  attributes.modified_ns = reader.signed_number("modified_ns");
  attributes.accessed_ns = reader.signed_number("accessed_ns");
  const json* xattrs = reader.at("xattrs");
  if (xattrs == nullptr) return attributes;
  if (!xattrs->is_object()) return reader.fail("xattrs", "must be an object"), attributes;
  for (const auto& [key, text] : xattrs->items()) {
    auto name = unescape_bytes(key);
    auto value = unescape_bytes(text.is_string() ? text.get<std::string>() : "\\");
    if (!name.ok() || !value.ok()) {
      reader.fail("xattrs", "must map escaped names to escaped values");
      break;
    }
    attributes.xattrs[std::move(name).value()] = std::move(value).value();
  }
  return attributes;
}

// A plain name: what is listed must not lead anywhere else.
bool is_entry_name(const BytePath& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == BytePath::npos;
}

// "" is the root; else plain names between single slashes.
bool is_beneath(const BytePath& path) {
  return path.empty() || is_safe_relative(path);
}

template <class T>
Result<T> finish(T value, const std::optional<Error>& error) {
  if (error) return *error;
  return value;
}

}  // namespace

MoverHeaderBytes encode_mover_header(const MoverHeader& header) {
  MoverHeaderBytes bytes{};
  bytes[0] = static_cast<char>(header.kind);
  for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(header.bytes >> (8 * i));
  return bytes;
}

Result<MoverHeader> decode_mover_header(std::string_view bytes) {
  if (bytes.size() != kMoverHeaderBytes)
    return Error(Errc::truncated, "a mover's frame ends inside its header");
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  if (!is_known(byte(0)) || byte(1) != 0 || byte(2) != 0 || byte(3) != 0)
    return Error(Errc::corrupt, "what came is no frame of a mover");
  MoverHeader header{static_cast<MoverFrame>(byte(0)), 0};
  for (std::size_t i = 0; i < 4; ++i)
    header.bytes |= static_cast<std::uint32_t>(byte(4 + i)) << (8 * i);
  if (header.bytes > kMoverPayloadBytesMax)
    return Error(Errc::limit_reached, "a mover's frame announces " + std::to_string(header.bytes) +
                                          " bytes; there may be " +
                                          std::to_string(kMoverPayloadBytesMax));
  return header;
}

std::string encode(const MoverRequest& request) {
  json object = json::object();
  for (const auto& [verb, name] : kVerbs)
    if (verb == request.verb) object["verb"] = name;
  object["volume"] = escape_path(request.volume);
  object["path"] = escape_path(request.path);
  object["kind"] = to_string(request.kind);
  object["partial"] = request.partial;
  object["ranges"] = write_ranges(request.ranges);
  object["stream"] = request.stream;
  return object.dump();
}

Result<MoverRequest> decode_mover_request(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  std::optional<Error> error;
  FieldReader reader(object, "request", error);
  MoverRequest request;
  const std::string name = reader.text("verb");
  const auto verb = std::find_if(kVerbs.begin(), kVerbs.end(),
                                 [&](const auto& one) { return name == one.second; });
  if (verb == kVerbs.end()) {
    reader.fail("verb", "is not known");
    return *error;
  }
  request.verb = verb->first;
  request.volume = reader.path("volume");
  request.path = reader.path("path");
  if (!is_beneath(request.path)) reader.fail("path", "must lie beneath the snapshot's root");
  request.kind = read_kind(reader, "kind");
  request.partial = reader.flag("partial", false);
  request.ranges = read_ranges(reader, "ranges");
  request.stream = reader.number("stream");
  return finish(std::move(request), error);
}

std::string encode(const MoverEnd& end) {
  return json{{"bytes", end.bytes}, {"sha256", end.sha256}}.dump();
}

Result<MoverEnd> decode_mover_end(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  std::optional<Error> error;
  FieldReader reader(object, "end", error);
  MoverEnd end;
  end.bytes = reader.number("bytes");
  end.sha256 = reader.text("sha256");
  return finish(std::move(end), error);
}

std::string encode(const Error& error) {
  return json{{"code", static_cast<int>(error.code())}, {"message", error.what()}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

Error decode_mover_error(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  std::optional<Error> error;
  FieldReader reader(object, "error", error);
  const auto code = static_cast<int>(reader.number("code", 1'000));
  std::string message = reader.text("message");
  if (error) return *error;
  return Error(errc_from_number(code), std::move(message));
}

std::string encode(const NodeDescription& node) {
  const json object = {{"attributes", write_attributes(node.attributes)},
                       {"size", node.size},
                       {"link_target", escape_path(node.link_target)},
                       {"device_major", node.device_major},
                       {"device_minor", node.device_minor}};
  return object.dump();
}

Result<NodeDescription> decode_node(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  std::optional<Error> error;
  FieldReader reader(object, "node", error);
  NodeDescription node;
  if (const json* attributes = reader.at("attributes"))
    node.attributes = read_attributes_of(*attributes, error);
  node.size = reader.number("size");
  node.link_target = reader.path("link_target");
  node.device_major = static_cast<std::uint32_t>(reader.number("device_major", kU32Max));
  node.device_minor = static_cast<std::uint32_t>(reader.number("device_minor", kU32Max));
  return finish(std::move(node), error);
}

std::string encode(const std::vector<Tree::Entry>& entries) {
  json list = json::array();
  for (const Tree::Entry& entry : entries) {
    list.push_back({{"name", escape_path(entry.name)},
                    {"kind", to_string(entry.kind)},
                    {"size", entry.size},
                    {"modified_ns", entry.modified_ns},
                    {"device", entry.device},
                    {"inode", entry.inode},
                    {"links", entry.links}});
  }
  return json{{"entries", std::move(list)}}.dump();
}

Result<std::vector<Tree::Entry>> decode_entries(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  std::optional<Error> error;
  FieldReader reader(object, "list", error);
  std::vector<Tree::Entry> entries;
  for (const json& one : reader.array("entries")) {
    FieldReader fields(one, "entry", error);
    Tree::Entry entry;
    entry.name = fields.path("name");
    if (!is_entry_name(entry.name)) fields.fail("name", "is no name of an entry");
    entry.kind = read_kind(fields, "kind");
    entry.size = fields.number("size");
    entry.modified_ns = fields.signed_number("modified_ns");
    entry.device = fields.number("device");
    entry.inode = fields.number("inode");
    entry.links = fields.number("links");
    if (error) return *error;
    entries.push_back(std::move(entry));
  }
  return finish(std::move(entries), error);
}

}  // namespace stillframe::requestor
