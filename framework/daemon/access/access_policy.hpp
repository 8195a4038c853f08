// Who may do what, as the configuration's [[allow]] tables say:
//
//   [[allow]]
//   users = ["backup"]              # names or numbers
//   groups = ["operators"]
//   rights = ["look", "backup", "restore"]
//
//   [[allow]]
//   certificates = ["backup.example"]   # of requestors on other machines, by their common names
//   rights = ["look", "backup"]
//
//   [[allow]]
//   users = ["shop"]
//   rights = ["register"]
//   writers = ["Shop"]              # by name, instance name or class id; none: every writer
//   any_files = true                # also files that its user cannot read
//
// Root and the user that the daemon runs as may do everything. Everybody else may do what the
// tables that name them add up to, and nothing without one.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <stillframe/result.hpp>
#include <stillframe/writer_metadata.hpp>

#include "framework/base/config.hpp"
#include "framework/daemon/access/rights.hpp"
#include "framework/transport/peer.hpp"

namespace stillframe::daemon {

struct AccessRule {
  std::set<std::int64_t> users, groups;
  std::set<std::string> certificates;
  Rights rights;
  std::vector<std::string> writers;  // for Right::register_; empty: every writer
  bool any_files = false;            // likewise: also files that its user cannot read
  friend bool operator==(const AccessRule&, const AccessRule&) = default;
};

class AccessPolicy {
 public:
  // Only root and `own_uid`.
  explicit AccessPolicy(std::int64_t own_uid) : own_uid_(own_uid) {}
  AccessPolicy(std::int64_t own_uid, std::vector<AccessRule> rules)
      : own_uid_(own_uid), rules_(std::move(rules)) {}

  Rights rights_of(const PeerCredentials& peer) const;
  // access_denied says who, which right is missing, and where it can be given.
  Status check(const PeerCredentials& peer, Right right) const;
  Status check_writer(const PeerCredentials& peer, const WriterIdentity& writer) const;
  // Whether it may declare files that its user cannot read.
  bool may_declare_any(const PeerCredentials& peer, const WriterIdentity& writer) const;

 private:
  bool is_owner(const PeerCredentials& peer) const {
    return peer.certificate.empty() && (peer.uid == 0 || peer.uid == own_uid_);
  }

  std::int64_t own_uid_;
  std::vector<AccessRule> rules_;
};

// Names are looked up here, once. Mistakes, unknown names included, are noted in `table`.
std::vector<AccessRule> read_access_rules(ConfigTable& table);

// "uid 34 (process 812)", "certificate 'backup.example' (192.0.2.7)": for messages and the audit
// trail. No names, because asking a name service may take long.
std::string describe(const PeerCredentials& peer);

}  // namespace stillframe::daemon
