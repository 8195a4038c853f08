#include "writers/ese/tool/restore_decision.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

class RestoreDecisionVerb final : public Verb {
 public:
  const char* name() const override { return "restore"; }
  const char* summary() const override {
    return "Decide about a registered restore that keeps an instance from starting";
  }
  const char* examples() const override {
    return "  esectl restore resume /srv/logs    # all files are in place: the next start "
           "recovers\n"
           "  esectl restore abandon /srv/logs   # forget it; what was copied cannot be recovered";
  }
  void describe(CLI::App& command) override {
    command.add_option("decision", word_, "resume or abandon")->required();
    command.add_option("folder", logs_, "The folder of the instance's logs")->required();
  }
  Result<Exit> run(Output& output) override { return decide_restore(output, word_, logs_); }

 private:
  std::string word_, logs_;
};

}  // namespace

std::unique_ptr<Verb> make_restore_decision_verb() {
  return std::make_unique<RestoreDecisionVerb>();
}

}  // namespace stillframe::ese::tool
