#include "framework/daemon/access/access_policy.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <grp.h>
#include <pwd.h>

namespace stillframe::daemon {
namespace {

constexpr std::size_t kNameServiceBytes = 64 << 10;

bool names(const AccessRule& rule, const PeerCredentials& peer) {
  if (!peer.certificate.empty()) return rule.certificates.count(peer.certificate) != 0;
  if (rule.users.count(peer.uid) != 0 || rule.groups.count(peer.gid) != 0) return true;
  return std::any_of(peer.groups.begin(), peer.groups.end(),
                     [&](std::int64_t group) { return rule.groups.count(group) != 0; });
}

bool names(const std::vector<std::string>& wanted, const WriterIdentity& writer) {
  if (wanted.empty()) return true;
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
    return name == writer.name || name == writer.instance_name ||
           name == writer.class_id.to_string();
  });
}

bool lets_register(const AccessRule& rule, const PeerCredentials& peer,
                   const WriterIdentity& writer) {
  return names(rule, peer) && rule.rights.has(Right::register_) && names(rule.writers, writer);
}

std::optional<std::int64_t> as_number(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> find_user(const std::string& name) {
  std::vector<char> buffer(kNameServiceBytes);
  passwd entry{};
  passwd* found = nullptr;
  (void)::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return found->pw_uid;
  return as_number(name);
}

std::optional<std::int64_t> find_group(const std::string& name) {
  std::vector<char> buffer(kNameServiceBytes);
  group entry{};
  group* found = nullptr;
  (void)::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return found->gr_gid;
  return as_number(name);
}

std::set<std::int64_t> read_names(ConfigTable& table, const char* key,
                                  std::optional<std::int64_t> (*find)(const std::string&)) {
  std::set<std::int64_t> ids;
  for (const std::string& name : table.texts(key)) {
    if (const auto id = find(name)) {
      ids.insert(*id);
    } else {
      table.reject(key, "names '" + name + "', whom this machine does not know");
    }
  }
  return ids;
}

AccessRule read_rule(ConfigTable& table) {
  AccessRule rule;
  rule.users = read_names(table, "users", find_user);
  rule.groups = read_names(table, "groups", find_group);
  for (std::string& name : table.texts("certificates")) {
    if (name.empty()) table.reject("certificates", "holds an empty name");
    rule.certificates.insert(std::move(name));
  }
  if (!table.has("users") && !table.has("groups") && !table.has("certificates"))
    table.reject("users",
                 "is missing: say whom this allows something, here, in 'groups' or in "
                 "'certificates'");
  for (const std::string& text : table.texts("rights")) {
    if (const auto right = parse_right(text)) {
      rule.rights |= *right;
    } else {
      std::string known;
      for (const Right one : all_rights())
        known += (known.empty() ? "" : ", ") + std::string(to_string(one));
      table.reject("rights", "has no '" + text + "'; there are " + known);
    }
  }
  if (!rule.rights.any()) table.reject("rights", "is missing or empty");
  rule.writers = table.texts("writers");
  if (!rule.writers.empty() && !rule.rights.has(Right::register_))
    table.reject("writers", "needs the right 'register'");
  rule.any_files = table.flag("any_files", false);
  if (rule.any_files && !rule.rights.has(Right::register_))
    table.reject("any_files", "needs the right 'register'");
  return rule;
}

Error denied(const PeerCredentials& peer, const std::string& what, Right right) {
  return Error(Errc::access_denied, describe(peer) + " may not " + what + ": the right '" +
                                        std::string(to_string(right)) +
                                        "' is missing; an [[allow]] table of stillframe.toml can "
                                        "give it");
}

}  // namespace

Rights AccessPolicy::rights_of(const PeerCredentials& peer) const {
  if (is_owner(peer)) return Rights::all();
  Rights rights;
  for (const AccessRule& rule : rules_)
    if (names(rule, peer)) rights |= rule.rights;
  return rights;
}

Status AccessPolicy::check(const PeerCredentials& peer, Right right) const {
  if (rights_of(peer).has(right)) return Ok{};
  return denied(peer, "do this", right);
}

Status AccessPolicy::check_writer(const PeerCredentials& peer, const WriterIdentity& writer) const {
  const auto allows = [&](const AccessRule& rule) { return lets_register(rule, peer, writer); };
  if (is_owner(peer) || std::any_of(rules_.begin(), rules_.end(), allows)) return Ok{};
  return denied(peer, "register the writer " + writer.name, Right::register_);
}

bool AccessPolicy::may_declare_any(const PeerCredentials& peer,
                                   const WriterIdentity& writer) const {
  const auto allows = [&](const AccessRule& rule) {
    return rule.any_files && lets_register(rule, peer, writer);
  };
  return is_owner(peer) || std::any_of(rules_.begin(), rules_.end(), allows);
}

std::vector<AccessRule> read_access_rules(ConfigTable& table) {
  std::vector<AccessRule> rules;
  for (ConfigTable& one : table.tables("allow")) rules.push_back(read_rule(one));
  return rules;
}

std::string describe(const PeerCredentials& peer) {
  if (!peer.certificate.empty())
    return "certificate '" + peer.certificate + "' (" + peer.address + ")";
  return "uid " + std::to_string(peer.uid) + " (process " + std::to_string(peer.pid) + ")";
}

}  // namespace stillframe::daemon
