#include "framework/base/config.hpp"

#include <map>
#include <optional>
#include <stdexcept>
#include <variant>

// toml++ 3.3 asserts on some malformed keys and tables, and under NDEBUG turns those assertions
// into promises to the optimiser. Input must never do that: here they are exceptions, in every
// build.
#undef NDEBUG
[[noreturn]] static void toml_assertion_failed() {
  throw std::logic_error("malformed TOML");
}
#define TOML_ASSERT(condition) \
  static_cast<void>(static_cast<bool>(condition) || (toml_assertion_failed(), true))
#define TOML_EXCEPTIONS 1
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <stillframe/byte_path.hpp>

namespace stillframe {

struct ConfigNode {
  enum class Kind { text, number, flag, list, table, other };
  Kind kind = Kind::other;
  std::uint32_t line = 0;
  std::string text;
  std::int64_t number = 0;
  bool flag = false;
  std::vector<ConfigNode> list;
  std::map<std::string, ConfigNode> table;
  mutable bool read = false;
};

struct ConfigTable::Shared {
  std::string source;
  ConfigNode root;
  std::optional<Error> first_mistake;

  void reject(std::uint32_t line, const std::string& what) {
    if (first_mistake) return;
    first_mistake = Error(Errc::invalid_argument,
                          source + (line != 0 ? ":" + std::to_string(line) : "") + ": " + what);
  }
};

namespace {

constexpr int kDepthMax = 16;

ConfigNode convert(const toml::node& node, int depth) {
  ConfigNode out;
  out.line = node.source().begin.line;
  if (depth > kDepthMax) return out;
  if (const auto* text = node.as_string()) {
    out.kind = ConfigNode::Kind::text;
    out.text = text->get();
  } else if (const auto* number = node.as_integer()) {
    out.kind = ConfigNode::Kind::number;
    out.number = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    out.kind = ConfigNode::Kind::flag;
    out.flag = flag->get();
  } else if (const auto* list = node.as_array()) {
    out.kind = ConfigNode::Kind::list;
    for (const toml::node& element : *list) out.list.push_back(convert(element, depth + 1));
  } else if (const auto* table = node.as_table()) {
    out.kind = ConfigNode::Kind::table;
    for (const auto& [key, value] : *table) {
      out.table.emplace(std::string(key.str()), convert(value, depth + 1));
    }
  }
  return out;
}

const ConfigNode& empty_table() {
  static const ConfigNode empty{ConfigNode::Kind::table, 0, {}, 0, false, {}, {}, true};
  return empty;
}

// The first key below `node` that nobody asked for.
const ConfigNode* unread(const ConfigNode& node, std::string& name) {
  for (const auto& [key, value] : node.table) {
    const ConfigNode* found = nullptr;
    std::string inner;
    if (!value.read) {
      found = &value;
    } else if (value.kind == ConfigNode::Kind::table) {
      found = unread(value, inner);
    } else {
      for (const ConfigNode& element : value.list) {
        if (found == nullptr) found = unread(element, inner);
      }
    }
    if (found != nullptr) {
      name = inner.empty() ? key : key + "." + inner;
      return found;
    }
  }
  return nullptr;
}

}  // namespace

Result<ConfigTable> ConfigTable::parse(std::string_view toml, std::string_view source) {
  auto shared = std::make_shared<Shared>();
  shared->source = escape_path(source);
  if (toml.size() > kConfigBytesMax) {
    return Error(Errc::limit_reached, shared->source + ": a configuration file has at most " +
                                          std::to_string(kConfigBytesMax) + " bytes");
  }
  try {
    shared->root = convert(toml::parse(toml, source), 0);
  } catch (const toml::parse_error& mistake) {
    shared->reject(mistake.source().begin.line, escape_path(mistake.description()));
    return *shared->first_mistake;
  } catch (const std::exception& mistake) {
    shared->reject(0, escape_path(mistake.what()));
    return *shared->first_mistake;
  }
  const ConfigNode* root = &shared->root;
  return ConfigTable(std::move(shared), root);
}

const ConfigNode* ConfigTable::find(const std::string& key) {
  const auto it = node_->table.find(key);
  if (it == node_->table.end()) return nullptr;
  it->second.read = true;
  return &it->second;
}

bool ConfigTable::has(const std::string& key) const {
  return node_->table.count(key) != 0;
}

void ConfigTable::reject(const std::string& key, const std::string& why) {
  const auto it = node_->table.find(key);
  shared_->reject(it == node_->table.end() ? node_->line : it->second.line,
                  "'" + escape_path(key) + "' " + why);
}

std::string ConfigTable::text(const std::string& key, std::string fallback) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return fallback;
  if (found->kind != ConfigNode::Kind::text) reject(key, "must be a text in quotes");
  if (found->text.find('\0') != std::string::npos) reject(key, "must not contain a NUL");
  return found->text;
}

std::string ConfigTable::required_text(const std::string& key) {
  std::string value = text(key);
  if (value.empty()) reject(key, "is missing or empty");
  return value;
}

bool ConfigTable::flag(const std::string& key, bool fallback) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return fallback;
  if (found->kind != ConfigNode::Kind::flag) reject(key, "must be true or false");
  return found->flag;
}

std::int64_t ConfigTable::number(const std::string& key, std::int64_t fallback, std::int64_t min,
                                 std::int64_t max) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return fallback;
  if (found->kind != ConfigNode::Kind::number || found->number < min || found->number > max) {
    reject(key,
           "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return fallback;
  }
  return found->number;
}

std::chrono::milliseconds ConfigTable::milliseconds(const std::string& key,
                                                    std::chrono::milliseconds fallback) {
  constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
  return std::chrono::milliseconds(number(key, fallback.count(), 1, kDayMs));
}

std::vector<std::string> ConfigTable::texts(const std::string& key) {
  std::vector<std::string> out;
  const ConfigNode* found = find(key);
  if (found == nullptr) return out;
  if (found->kind != ConfigNode::Kind::list) reject(key, "must be a list of texts");
  for (const ConfigNode& element : found->list) {
    if (element.kind != ConfigNode::Kind::text || element.text.find('\0') != std::string::npos) {
      reject(key, "must be a list of texts");
    }
    out.push_back(element.text);
  }
  return out;
}

ConfigTable ConfigTable::table(const std::string& key) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return {shared_, &empty_table()};
  if (found->kind != ConfigNode::Kind::table) {
    reject(key, "must be a table, written [" + key + "]");
    return {shared_, &empty_table()};
  }
  return {shared_, found};
}

std::vector<ConfigTable> ConfigTable::tables(const std::string& key) {
  std::vector<ConfigTable> out;
  const ConfigNode* found = find(key);
  if (found == nullptr) return out;
  if (found->kind != ConfigNode::Kind::list) {
    reject(key, "must be a list of tables, written [[" + key + "]]");
  }
  for (const ConfigNode& element : found->list) {
    if (element.kind == ConfigNode::Kind::table) {
      out.push_back({shared_, &element});
    } else {
      reject(key, "must be a list of tables, written [[" + key + "]]");
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> ConfigTable::all_texts() {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, value] : node_->table) out.emplace_back(key, text(key));
  return out;
}

Status ConfigTable::finish() const {
  if (shared_->first_mistake) return *shared_->first_mistake;
  std::string name;
  if (const ConfigNode* stray = unread(shared_->root, name); stray != nullptr) {
    shared_->reject(stray->line, "the key '" + escape_path(name) + "' means nothing here");
    return *shared_->first_mistake;
  }
  return Ok{};
}

}  // namespace stillframe
