// A Writer object of somebody else's in the place of a simulated application.
#pragma once

#include <string>
#include <vector>

#include "framework/testkit/agenda.hpp"
#include "framework/testkit/session_document.hpp"

namespace stillframe::testkit {

class RealWriter {
 public:
  RealWriter(Writer& writer, ConsistencyPolicy policy, std::uint16_t number);

  struct Call {
    Verb verb = Verb::identify;
    std::uint16_t session = 0;
    std::uint32_t component = machine::kNone;  // of the session
    bool copied_ok = false;
    Nanos now = 0;
  };
  // Says the verb and returns its failure. `index` is the writer's in the run.
  std::optional<Errc> say(const Call& call, std::uint32_t index, SessionDocument& document);
  // Whether thaw() vouched for the hold when it was last said.
  bool vouched() const { return vouched_; }

  void forget() { said_.clear(); }
  std::vector<std::string> verbs(std::uint16_t session) const;
  const WriterMetadata& metadata() const { return metadata_; }
  ConsistencyPolicy policy() const { return policy_; }

 private:
  WriterAnswer dispatch_call(const Call& call, const SessionId& session, WriterArgs args);
  SimulatedStream drain(const Call& call, const SessionId& session, const StreamInfo& info);

  Writer& writer_;
  ConsistencyPolicy policy_;
  WriterMetadata metadata_;
  std::vector<std::pair<std::uint16_t, Verb>> said_;
  bool vouched_ = false;
};

}  // namespace stillframe::testkit
