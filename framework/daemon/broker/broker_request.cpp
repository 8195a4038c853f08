#include "framework/daemon/broker/broker_request.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/model/json_codec.hpp"
#include "framework/model/json_parse.hpp"

namespace stillframe::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t kNameBytesMax = 128;
constexpr std::string_view kCommandPrefix = "command:";

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<BrokerRequest>> kMethods = {
    "hello", "provider.start", "spawn", "process.kill", "process.status", "thaw", "flush", "open"};

template <class T>
constexpr std::string_view method_name() {
  return kMethods[BrokerRequest(T{}).index()];
}

bool is_plain_absolute(std::string_view path) {
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
      const bool command = text.starts_with(kCommandPrefix);
      auto file =
          unescape_path(command ? std::string_view(text).substr(kCommandPrefix.size()) : "");
      if (command && file.ok() && is_plain_absolute(file.value())) {
        return std::string(kCommandPrefix) + file.value();
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
    if (ok() && path != "/" && !is_plain_absolute(path)) {
      mistake(key, "must be an absolute path without '.', '..' or empty parts");
    }
    return path;
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
  json operator()(const OpenFiles& open) const {
    json params = json::object();
    params["root"] = escape_path(open.root);
    params["paths"] = json::array();
    for (const BytePath& path : open.paths) params["paths"].push_back(escape_path(path));
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
  std::string operator()(const OpenFiles& open) const {
    const std::string more =
        open.paths.size() > 1 ? " and " + std::to_string(open.paths.size() - 1) + " more" : "";
    return escape_path(open.root) + ": " + escape_path(open.paths.empty() ? "" : open.paths[0]) +
           more;
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
