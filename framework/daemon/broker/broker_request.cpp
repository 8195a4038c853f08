#include "framework/daemon/broker/broker_request.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/model/json_codec.hpp"
#include "framework/model/json_parse.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t kNameBytesMax = 128;
constexpr std::string_view kProviderCommandPrefix = "command:";
constexpr std::size_t kGroupsMax = 1024;

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<BrokerRequest>> kMethods = {
    "hello", "provider.start", "spawn",    "process.kill",  "process.status", "thaw",
    "flush", "open",           "readable", "volume.locate", "volume.list",    "volume.apart"};

template <class T>
constexpr std::string_view method_name() {
  return kMethods[BrokerRequest(T{}).index()];
}

bool is_usable_absolute(std::string_view path) {
  return path.size() > 1 && path.front() == '/' && is_safe_relative(path.substr(1)) &&
         path.size() < kBytePathBytesMax;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// Reads parameters by name and remembers the first mistake.
class Params {
 public:
  Params(std::string_view method, std::string_view text) : method_(method) {
    auto parsed = parse_json_text(text, kBrokerRequestBytesMax);
    if (!parsed.ok()) {
      mistake("parameters", parsed.error().what());
    } else if (!parsed.value().is_object()) {
      mistake("parameters", "must be an object");
    } else {
      json_ = std::move(parsed).value();
    }
  }

  std::string name(const char* key) {
    const json* value = find(key);
    if (value == nullptr) return {};
    if (value->is_string()) {
      const auto& text = value->get_ref<const std::string&>();
      if (is_name(text)) return text;
      const bool command = text.starts_with(kProviderCommandPrefix);
      auto file = unescape_path(
          command ? std::string_view(text).substr(kProviderCommandPrefix.size()) : "");
      if (command && file.ok() && is_usable_absolute(file.value())) {
        return std::string(kProviderCommandPrefix) + file.value();
      }
    }
    mistake(key, "must be a name of letters, digits, '.', '_' and '-', or command:/its/file");
    return {};
  }

  ProcessHandle handle(const char* key) {
    const json* value = find(key);
    if (value != nullptr && !value->is_number_unsigned()) mistake(key, "must be a handle");
    if (!ok()) return {};
    return ProcessHandle{value->get<std::uint64_t>()};
  }

  BytePath absolute(const char* key) {
    const json* value = find(key);
    if (value == nullptr) return {};
    BytePath path = text_path(key, *value);
    if (ok() && path != "/" && !is_usable_absolute(path)) {
      mistake(key, "must be an absolute path without '.', '..' or empty parts");
    }
    return path;
  }

  std::int64_t id(const char* key) {
    const json* value = find(key);
    return value == nullptr ? -1 : id_of(key, *value);
  }

  std::int64_t user(const char* key) {
    const std::int64_t uid = id(key);
    if (uid == 0) mistake(key, "must not be root's, who can read everything");
    return uid;
  }

  std::vector<std::int64_t> ids(const char* key) {
    const json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_array() || value->size() > kGroupsMax) {
      mistake(key, "must be a list of at most " + std::to_string(kGroupsMax) + " numbers");
      return {};
    }
    std::vector<std::int64_t> ids;
    for (const json& element : *value) ids.push_back(id_of(key, element));
    return ids;
  }

  std::vector<FilePlace> places(const char* key) {
    const json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_array() || value->empty() || value->size() > kOpenPathsMax) {
      mistake(key, "must be a list of 1 to " + std::to_string(kOpenPathsMax) + " places");
      return {};
    }
    std::vector<FilePlace> places;
    for (const json& element : *value) {
      if (!element.is_array() || element.size() != 3 || !element[2].is_boolean()) {
        mistake(key, "must hold triples of a directory, a name and whether what is below counts");
        return {};
      }
      FilePlace place;
      place.directory = text_path(key, element[0]);
      place.name = text_path(key, element[1]);
      place.recursive = element[2].get<bool>();
      if (ok() && !is_safe_relative(place.directory)) {
        mistake(key, "must hold relative directories without '.', '..' or empty parts");
      }
      if (ok() && (!is_plain_name(place.name) || place.name.size() > NAME_MAX)) {
        mistake(key, "must hold names without a slash");
      }
      if (!ok()) return {};
      places.push_back(std::move(place));
    }
    return places;
  }

  std::vector<BytePath> relatives(const char* key) {
    const json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_array() || value->empty() || value->size() > kOpenPathsMax) {
      mistake(key, "must be a list of 1 to " + std::to_string(kOpenPathsMax) + " paths");
      return {};
    }
    std::vector<BytePath> paths;
    for (const json& element : *value) {
      BytePath path = text_path(key, element);
      if (ok() && (path.empty() || !is_safe_relative(path))) {
        mistake(key, "must be relative paths without '.', '..' or empty parts");
      }
      if (!ok()) return {};
      paths.push_back(std::move(path));
    }
    return paths;
  }

  template <class T>
  Result<BrokerRequest> finish(T request) {
    for (const auto& [key, value] : json_.items()) {
      if (!read_.contains(key)) mistake(escape_path(key.substr(0, 40)), "means nothing here");
    }
    if (mistake_) return *mistake_;
    return BrokerRequest(std::move(request));
  }

 private:
  bool ok() const { return !mistake_; }

  const json* find(const char* key) {
    read_.insert(key);
    const auto it = json_.find(key);
    if (it != json_.end()) return &*it;
    mistake(key, "is missing");
    return nullptr;
  }

  BytePath text_path(const char* key, const json& value) {
    if (!value.is_string()) {
      mistake(key, "must be a text");
      return {};
    }
    auto path = unescape_path(value.get_ref<const std::string&>());
    if (path.ok()) return std::move(path).value();
    mistake(key, path.error().what());
    return {};
  }

  std::int64_t id_of(const char* key, const json& value) {
    constexpr std::uint64_t kNoId = 0xFFFFFFFF;  // the kernel's word for "leave it as it is"
    const auto number = value.is_number_unsigned() ? value.get<std::uint64_t>() : kNoId;
    if (number >= kNoId) mistake(key, "must be a user's or a group's number");
    return static_cast<std::int64_t>(number);
  }

  void mistake(const std::string& key, const std::string& why) {
    if (mistake_) return;
    mistake_ = Error(Errc::invalid_argument, std::string(method_) + ": '" + key + "' " + why);
  }

  const std::string_view method_;
  json json_ = json::object();
  std::set<std::string> read_;
  std::optional<Error> mistake_;
};

struct MakeParams {
  json operator()(const AskVersion&) const { return json::object(); }
  json operator()(const ThawRecorded&) const { return json::object(); }
  json operator()(const StartProvider& start) const { return named(start.name); }
  json operator()(const SpawnHost& spawn) const { return named(spawn.name); }
  json operator()(const KillProcess& kill) const { return handle(kill.handle); }
  json operator()(const AskProcess& ask) const { return handle(ask.handle); }
  json operator()(const FlushFileSystem& flush) const {
    json params = json::object();
    params["path"] = escape_path(flush.path);
    return params;
  }
  json operator()(const LocatePath& locate) const {
    json params = json::object();
    params["path"] = escape_path(locate.path);
    return params;
  }
  json operator()(const ListVolumes&) const { return json::object(); }
  json operator()(const CheckApart& apart) const {
    json params = json::object();
    params["one"] = escape_path(apart.one);
    params["other"] = escape_path(apart.other);
    return params;
  }
  json operator()(const OpenFiles& open) const {
    json params = json::object();
    params["root"] = escape_path(open.root);
    params["paths"] = json::array();
    for (const BytePath& path : open.paths) params["paths"].push_back(escape_path(path));
    return params;
  }

  json operator()(const AskReadable& ask) const {
    json params = json::object();
    params["uid"] = ask.user.uid;
    params["gid"] = ask.user.gid;
    params["groups"] = ask.user.groups;
    params["root"] = escape_path(ask.root);
    params["places"] = json::array();
    for (const FilePlace& place : ask.places)
      params["places"].push_back(
          json::array({escape_path(place.directory), escape_path(place.name), place.recursive}));
    return params;
  }

  static json named(const std::string& name) {
    json params = json::object();
    params["name"] = escape_path(name);
    return params;
  }
  static json handle(ProcessHandle handle) {
    json params = json::object();
    params["handle"] = static_cast<std::uint64_t>(handle);
    return params;
  }
};

struct DescribeObject {
  std::string operator()(const AskVersion&) const { return ""; }
  std::string operator()(const ThawRecorded&) const { return ""; }
  std::string operator()(const StartProvider& start) const { return escape_path(start.name); }
  std::string operator()(const SpawnHost& spawn) const { return escape_path(spawn.name); }
  std::string operator()(const KillProcess& kill) const { return handle(kill.handle); }
  std::string operator()(const AskProcess& ask) const { return handle(ask.handle); }
  std::string operator()(const FlushFileSystem& flush) const { return escape_path(flush.path); }
  std::string operator()(const LocatePath& locate) const { return escape_path(locate.path); }
  std::string operator()(const ListVolumes&) const { return ""; }
  std::string operator()(const CheckApart& apart) const {
    return escape_path(apart.one) + " and " + escape_path(apart.other);
  }
  std::string operator()(const OpenFiles& open) const {
    const std::string more =
        open.paths.size() > 1 ? " and " + std::to_string(open.paths.size() - 1) + " more" : "";
    return escape_path(open.root) + ": " + escape_path(open.paths.empty() ? "" : open.paths[0]) +
           more;
  }
  std::string operator()(const AskReadable& ask) const {
    return escape_path(ask.root) + " as uid " + std::to_string(ask.user.uid);
  }
  static std::string handle(ProcessHandle handle) {
    return "process handle " + std::to_string(static_cast<std::uint64_t>(handle));
  }
};

}  // namespace

Result<BrokerRequest> parse_broker_request(std::string_view method, std::string_view params_json) {
  Params params(method, params_json);
  if (method == method_name<AskVersion>()) return params.finish(AskVersion{});
  if (method == method_name<ThawRecorded>()) return params.finish(ThawRecorded{});
  if (method == method_name<StartProvider>()) {
    StartProvider start{params.name("name")};
    return params.finish(std::move(start));
  }
  if (method == method_name<SpawnHost>()) {
    SpawnHost spawn{params.name("name")};
    return params.finish(std::move(spawn));
  }
  if (method == method_name<KillProcess>()) {
    const KillProcess kill{params.handle("handle")};
    return params.finish(kill);
  }
  if (method == method_name<AskProcess>()) {
    const AskProcess ask{params.handle("handle")};
    return params.finish(ask);
  }
  if (method == method_name<FlushFileSystem>()) {
    FlushFileSystem flush{params.absolute("path")};
    return params.finish(std::move(flush));
  }
  if (method == method_name<OpenFiles>()) {
    OpenFiles open;
    open.root = params.absolute("root");
    open.paths = params.relatives("paths");
    return params.finish(std::move(open));
  }
  if (method == method_name<AskReadable>()) {
    AskReadable ask;
    ask.user.uid = params.user("uid");
    ask.user.gid = params.id("gid");
    ask.user.groups = params.ids("groups");
    ask.root = params.absolute("root");
    ask.places = params.places("places");
    return params.finish(std::move(ask));
  }
  if (method == method_name<LocatePath>()) {
    LocatePath locate{params.absolute("path")};
    return params.finish(std::move(locate));
  }
  if (method == method_name<ListVolumes>()) return params.finish(ListVolumes{});
  if (method == method_name<CheckApart>()) {
    CheckApart apart;
    apart.one = params.absolute("one");
    apart.other = params.absolute("other");
    return params.finish(std::move(apart));
  }
  return Error(Errc::not_supported,
               "the broker has no method '" + escape_path(method.substr(0, 40)) + "'");
}

std::string_view method_of(const BrokerRequest& request) noexcept {
  return kMethods[request.index()];
}

std::string params_of(const BrokerRequest& request) {
  return dump_json(std::visit(MakeParams(), request));
}

std::string object_of(const BrokerRequest& request) {
  return std::visit(DescribeObject(), request);
}

}  // namespace stillframe::daemon
