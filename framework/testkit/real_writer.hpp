// A Writer object of somebody else's in the place of a simulated application.
#pragma once

#include <string>
#include <vector>

#include "framework/model/writer_call.hpp"
#include "framework/testkit/agenda.hpp"

namespace stillframe::testkit {

class RealWriter {
 public:
  RealWriter(Writer& writer, ConsistencyPolicy policy);

  // Says the verb and returns its failure. `component` counts this writer's own.
  std::optional<Errc> say(Verb verb, std::size_t component, bool copied_ok, BackupType type,
                          Nanos now);
  // Whether thaw() vouched for the hold when it was last said.
  bool vouched() const { return vouched_; }

  void forget() { verbs_.clear(); }
  const std::vector<std::string>& verbs() const { return verbs_; }
  const WriterIdentity& identity() const { return identity_; }
  const std::vector<Component>& components() const { return components_; }
  ConsistencyPolicy policy() const { return policy_; }

 private:
  WriterArgs args_of(Verb verb, std::size_t component, bool copied_ok, BackupType type) const;
  BackupView view(BackupType type) const;

  Writer& writer_;
  ConsistencyPolicy policy_;
  WriterIdentity identity_;
  std::vector<Component> components_;
  std::vector<std::string> verbs_;
  std::uint64_t stream_ = 0;
  bool vouched_ = false;
};

}  // namespace stillframe::testkit
